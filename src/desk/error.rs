//! What can go wrong between us and Desk, told apart by what a person or the poller should do next.
//!
//! Every failure is of one [`Class`]; the class decides when to try again and gives the advice.
//! Where Desk names a code, the code's row in `codes` says its class and its meaning.

use std::fmt;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};

use super::codes::{CODES, Class};
use crate::base::secret::{LONGEST_SHOWN, is_secret_char};

/// One failure. Its text never holds a key, a UserSig or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    class: Class,
    what: String,
    /// What Desk says in words of its own, which may name an agent or a customer; empty where it says nothing.
    said: String,
    code: Option<i64>,
    /// HTTP's, where that is what failed.
    status: Option<StatusCode>,
    /// The request never reached a Desk, so another host may.
    unconnected: bool,
    /// The same request sent again at once would fail alike.
    lasts: bool,
    /// For how long we are asked not to come again.
    pause: Option<Duration>,
    /// No request was sent, since all pause after a refusal of another one.
    unsent: bool,
    /// What to do, where more is known than the class.
    advice: Option<&'static str>,
}

impl Error {
    /// A failure of `class`; `what` says what happened.
    pub fn new(class: Class, what: impl Into<String>) -> Self {
        Self {
            class,
            what: what.into(),
            said: String::new(),
            code: None,
            status: None,
            unconnected: false,
            lasts: false,
            pause: None,
            unsent: false,
            advice: None,
        }
    }

    /// An answer with a status that is not 200, from Desk or from what stands between.
    pub fn status(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Self {
        let said = format!("HTTP status {} instead of 200", status.as_u16());
        let error = match status {
            StatusCode::TOO_MANY_REQUESTS => Self::new(Class::RateLimited, said),
            _ if status.is_redirection() => Self::new(
                Class::Network,
                format!("{said} (redirects are not followed: the URL holds a signature)"),
            ),
            _ => Self::new(Class::Network, said),
        };
        Self {
            status: Some(status),
            lasts: is_lasting(status),
            pause: pause(status, headers, now),
            advice: advice_on(status),
            ..error
        }
    }

    /// A proxy that answers a request for a tunnel with a status that is no success.
    pub fn proxy_status(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Self {
        let what = format!(
            "no connection: the proxy answers with HTTP status {}",
            status.as_u16()
        );
        let advice = match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => PROXY_CREDENTIALS,
            _ if status.is_server_error() => {
                "see why the proxy (HTTPS_PROXY) cannot reach the API's host; it is tried again by itself"
            }
            _ => {
                "see that the proxy (HTTPS_PROXY) lets this machine connect to the API's host on port 443"
            }
        };
        Self {
            what,
            // It may well reach the other host, or let us go there.
            unconnected: status != StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            advice: Some(advice),
            ..Self::status(status, headers, now)
        }
    }

    /// Not asked at all: all requests pause for another `pause`, since Desk refused one for the rate.
    pub fn paused(pause: Duration) -> Self {
        let seconds = pause.as_secs_f64().ceil();
        Self {
            pause: Some(pause),
            unsent: true,
            ..Self::new(
                Class::RateLimited,
                format!(
                    "no request is sent for another {seconds} s: Desk refused one for the rate"
                ),
            )
        }
    }

    /// The same failure, with what to do about it.
    #[must_use]
    pub fn with_advice(self, advice: &'static str) -> Self {
        Self {
            advice: Some(advice),
            ..self
        }
    }

    /// What a person should do about it.
    pub fn advice(&self) -> &'static str {
        self.advice.unwrap_or_else(|| self.class.advice())
    }

    /// No connection to the host could be made.
    pub fn unconnected(what: impl Into<String>) -> Self {
        Self {
            unconnected: true,
            ..Self::new(Class::Network, what)
        }
    }

    /// Desk refused with `code`, saying `info`.
    pub fn refused(code: i64, info: &str) -> Self {
        let known = CODES.iter().find(|known| known.code == code);
        let class = known.map_or(Class::Protocol, |known| known.class);
        let meaning = known.map_or("a code that this version does not know", |known| {
            known.meaning
        });
        let what = format!("Desk answered with error {code}: {meaning}");
        let error = Self {
            code: Some(code),
            ..Self::new(class, what)
        };
        error.quoting(info)
    }

    /// The same failure, with what the answer says in words of its own.
    #[must_use]
    pub fn quoting(self, said: &str) -> Self {
        Self {
            said: harmless(said),
            ..self
        }
    }

    /// The same failure, without what the answer says in words of its own.
    #[must_use]
    pub fn unquoted(self) -> Self {
        self.quoting("")
    }

    /// The same failure, told in other words.
    #[must_use]
    pub fn reworded(self, reword: impl Fn(String) -> String) -> Self {
        Self {
            what: reword(self.what),
            said: reword(self.said),
            ..self
        }
    }

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Desk's own error code, where it gave one.
    pub fn code(&self) -> Option<i64> {
        self.code
    }

    /// HTTP's status, where Desk or what stands before it answered with another than 200.
    pub fn status_code(&self) -> Option<StatusCode> {
        self.status
    }

    /// Whether it may say no more than that Desk does not serve this command here. It does say so where Desk
    /// answers other commands of the same application.
    pub fn may_mean_not_served(&self) -> bool {
        const CODES: [i64; 6] = [60002, 60009, 60017, 141_000, 10003, 10026];
        let is_not_found = self.status == Some(StatusCode::NOT_FOUND);
        is_not_found || self.code.is_some_and(|code| CODES.contains(&code))
    }

    /// Whether the same request may well succeed if sent again at once. (All our requests only
    /// read, so sending one twice does no harm.)
    pub fn is_passing(&self) -> bool {
        !self.lasts && self.pause.is_none() && matches!(self.class, Class::Network | Class::Server)
    }

    /// Whether no connection could be made, so that the backup host is worth a try.
    pub fn is_unconnected(&self) -> bool {
        self.unconnected
    }

    /// Whether Desk says that the UserSig is too old, so that a fresh one may do.
    pub fn asks_for_fresh_user_sig(&self) -> bool {
        matches!(self.code, Some(70001 | 70052 | 70347))
    }

    /// Whether all requests have to pause for it: Desk refuses for the rate, or says how long to stay away.
    pub fn pauses_all(&self) -> bool {
        let is_refusal = self.class == Class::RateLimited || self.demanded_pause().is_some();
        is_refusal && !self.unsent
    }

    /// Whether no request was sent, since all pause.
    pub fn is_unsent(&self) -> bool {
        self.unsent
    }

    /// How long Desk, or what stands between, wants to be left alone, where it says so itself.
    pub fn demanded_pause(&self) -> Option<Duration> {
        let minute = (self.code == Some(70050)).then_some(Duration::from_secs(60));
        minute.or(self.pause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.said.as_str() {
            "" => Ok(()),
            said => write!(f, " (it says: {said})"),
        }
    }
}

impl std::error::Error for Error {}

/// No wish to be left alone is heeded for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

const PROXY_CREDENTIALS: &str = "see that the user and the password in HTTPS_PROXY are those that the proxy wants \
     (http://user:password@host:port, with %40 for an @ in the password)";

/// What a status says will not be otherwise a moment later.
fn is_lasting(status: StatusCode) -> bool {
    let passes = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    (status.is_client_error() && !passes.contains(&status)) || status.is_redirection()
}

fn advice_on(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "see what gateway or firewall between this machine and Desk refuses the request (Desk itself \
             refuses with status 200), and whether it lets this machine through",
        ),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Some(PROXY_CREDENTIALS),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => Some(
            "see that TENCENT_DESK_ENDPOINT is the API's base URL (https://host, without /v4/...), or unset it and \
             write TENCENT_DESK_REGION",
        ),
        _ if is_anothers(status) => Some(
            "see what answers in Desk's place (a login page of the network?), and that TENCENT_DESK_ENDPOINT is the \
             API's own base URL",
        ),
        _ if is_lasting(status) => Some(
            "see what stands between this machine and Desk (a gateway, a proxy) and refuses the request, and that \
             TENCENT_DESK_ENDPOINT is the API's base URL",
        ),
        // The class knows best.
        StatusCode::TOO_MANY_REQUESTS => None,
        _ => Some(
            "nothing, at first: what answered (Desk, or a gateway or proxy before it) has trouble of its own and is \
             asked again by itself; if it lasts, see which of them it is",
        ),
    }
}

/// Desk says success with 200 alone, sends no client elsewhere, and is no network's log-in page.
fn is_anothers(status: StatusCode) -> bool {
    status.is_success()
        || status.is_redirection()
        || status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED
}

/// What `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), with a status that it is about.
fn pause(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let is_about = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !is_about.contains(&status) {
        return None;
    }
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let pause = match is_number {
        // More digits than a number holds are as long as any.
        true => Duration::from_secs(text.parse().unwrap_or(u64::MAX)),
        false => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .ok()?,
    };
    Some(pause.min(LONGEST_PAUSE)).filter(|pause| !pause.is_zero())
}

/// Text from outside, fit for a log: short, on one line, and without anything that could be a key
/// or a UserSig (Desk may well repeat the one that it refuses).
pub fn harmless(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut shown = String::new();
    for word in text.split_inclusive(|c| !is_secret_char(c)) {
        if word.chars().count() > LONGEST_SHOWN {
            shown.push_str("[not shown] ");
        } else {
            shown.extend(word.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
        if shown.len() > LONGEST {
            shown.push('…');
            break;
        }
    }
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_of_the_documented_class() {
        let class = |code| Error::refused(code, "").class();
        assert_eq!(class(141_002), Class::Server);
        assert_eq!(class(141_009), Class::RateLimited);
        assert_eq!(class(70_009), Class::Credentials);
        assert_eq!(class(70_020), Class::Configuration);
        assert_eq!(class(141_004), Class::Protocol);
        assert_eq!(class(987_654), Class::Protocol);
    }

    #[test]
    fn a_status_says_what_to_do() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let of = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            Error::status(status, &HeaderMap::new(), now)
        };
        for (status, class, is_passing) in [
            (204, Class::Network, true),
            (302, Class::Network, false),
            (400, Class::Network, false),
            (401, Class::Network, false),
            (403, Class::Network, false),
            (404, Class::Network, false),
            (407, Class::Network, false),
            (408, Class::Network, true),
            (429, Class::RateLimited, false),
            (451, Class::Network, false),
            (500, Class::Network, true),
            (503, Class::Network, true),
        ] {
            let error = of(status);
            assert_eq!(
                (error.class(), error.is_passing()),
                (class, is_passing),
                "{status}"
            );
            assert!(!error.advice().contains("DNS"), "{status}");
        }
    }

    #[test]
    fn a_wish_to_be_left_alone_is_heeded_within_reason() {
        // 2023-11-14T22:13:20Z.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let asked = |status: StatusCode, text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let error = Error::status(status, &headers, now);
            error.demanded_pause().map(|pause| pause.as_secs())
        };
        for status in [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ] {
            for (text, seconds) in [
                ("120", Some(120)),
                (" 7 ", Some(7)),
                ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60)),
                ("999999999", Some(3600)),
                ("99999999999999999999999999", Some(3600)),
                ("Wed, 14 Nov 2323 22:14:20 GMT", Some(3600)),
                ("0", None),
                ("-5", None),
                ("1.5", None),
                ("soon", None),
                ("", None),
                ("Tue, 14 Nov 2023 22:12:20 GMT", None),
            ] {
                assert_eq!(asked(status, text), seconds, "{text}");
            }
        }
        assert_eq!(asked(StatusCode::FORBIDDEN, "120"), None);
    }

    #[test]
    fn no_code_stands_twice() {
        for pair in CODES.windows(2) {
            assert!(pair[0].code < pair[1].code, "{}", pair[1].code);
        }
    }

    #[test]
    fn what_desk_says_is_shown_without_anything_that_could_sign() {
        let key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let said =
            format!("bad usersig eJw1yVELgjAUhuH-cq5Dl*bUQVdBgygMJtWt,\nkey={key} for admin");
        let shown = Error::refused(70_003, &said).to_string();
        assert!(
            !shown.contains("eJw1") && !shown.contains("0123456789ab"),
            "{shown}"
        );
        assert!(shown.contains("bad usersig [not shown]") && !shown.contains('\n'));
        assert!(
            Error::refused(1, &"很 长 ".repeat(9999))
                .to_string()
                .chars()
                .count()
                < 300
        );
    }

    #[test]
    fn only_an_expired_user_sig_asks_for_a_fresh_one() {
        for code in [70_001, 70_052, 70_347] {
            assert!(Error::refused(code, "").asks_for_fresh_user_sig());
        }
        assert!(!Error::refused(70_009, "").asks_for_fresh_user_sig());
        assert_eq!(
            Error::refused(70_050, "").demanded_pause(),
            Some(Duration::from_secs(60))
        );
    }
}
