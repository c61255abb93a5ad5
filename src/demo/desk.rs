//! The simulated Desk: which requests it answers, and with which code it refuses the others.
//!
//! As strict as the API's pages, and stricter where they are silent and leniency would only hide
//! a mistake of the exporter. HTTP's status is always 200; the body says how it went. Nothing
//! here is asynchronous and nothing is remembered: an answer follows from the request and the
//! time, so each refusal is one line of a test.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::Account;
use super::centre::{AgentDay, Centre};
use super::query::{decimal, parameters};
use crate::clock::DayWindow;
use crate::desk::usersig::UserSig;

/// The one command that it knows.
const PATH: &str = "/v4/desk_http_svc/describe_agent_statistics";
/// The page's limit, and its default.
const LARGEST_PAGE: usize = 100;
/// No figure is documented; it bounds the work for one request.
const MOST_DAYS: usize = 31;
/// A UserSig for less than a day is refused (70001's text); one for more than 50 years, too.
const LEAST_VALIDITY: i64 = 24 * 3600;
const MOST_VALIDITY: i64 = 50 * 366 * 24 * 3600;

/// A Desk with one account and one centre.
#[derive(Debug)]
pub struct Desk {
    account: Account,
    centre: Centre,
    zone: TimeZone,
}

/// What of an HTTP request matters to Desk.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// What stands behind the question mark.
    pub query: &'a str,
    /// The whole body.
    pub body: &'a [u8],
}

/// Why a request is not answered: one of the documented codes, and what to say to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    code: i64,
    info: &'static str,
}

impl Refusal {
    /// The body that says so.
    pub fn envelope(self) -> Value {
        json!({ "ActionStatus": "FAIL", "ErrorCode": self.code, "ErrorInfo": self.info })
    }
}

const fn refuse<T>(code: i64, info: &'static str) -> Result<T, Refusal> {
    Err(Refusal { code, info })
}

/// A body that is larger than any that makes sense.
pub(super) const BODY_TOO_LARGE: Refusal = Refusal {
    code: 60002,
    info: "the HTTP request cannot be parsed: its body is too large or broken off",
};

/// Which rows are asked for.
#[derive(Debug)]
struct Question {
    days: Vec<DayWindow>,
    limit: usize,
    offset: usize,
    agents: Option<Vec<String>>,
}

impl Desk {
    /// The Desk that knows `account`, plays `centre` and counts its days in `zone`.
    pub fn new(account: Account, centre: Centre, zone: TimeZone) -> Self {
        Self {
            account,
            centre,
            zone,
        }
    }

    /// The body of the answer to `request` at `now`.
    pub fn answer(&self, request: Request<'_>, now: Timestamp) -> Value {
        self.page(request, now).unwrap_or_else(Refusal::envelope)
    }

    fn page(&self, request: Request<'_>, now: Timestamp) -> Result<Value, Refusal> {
        if request.path != PATH {
            return refuse(60009, "no such resource, check the URL");
        }
        if request.method != "POST" {
            return refuse(60002, "the HTTP request cannot be parsed: POST only");
        }
        self.check_query(request.query, now)?;
        let question = self.read_body(request.body)?;
        let mut rows = self.centre.rows(&question.days, now);
        rows.retain(|row| question.asks_for(row));
        let total = rows.len();
        let page = rows.into_iter().skip(question.offset).take(question.limit);
        Ok(json!({
            "ActionStatus": "OK",
            "ErrorCode": 0,
            "ErrorInfo": "",
            "TotalCount": total,
            "Data": page.collect::<Vec<_>>(),
        }))
    }

    fn check_query(&self, query: &str, now: Timestamp) -> Result<(), Refusal> {
        let Some(parameters) = parameters(query) else {
            return refuse(60002, "the URL's parameters cannot be parsed");
        };
        let get = |name| parameters.get(name).map(String::as_str);
        if get("random").and_then(decimal::<u32>).is_none() {
            return refuse(60002, "random is not a 32-bit unsigned integer");
        }
        if get("contenttype") != Some("json") {
            return refuse(60002, "contenttype is not json");
        }
        let sdk_app_id = self.check_sdk_app_id(get("sdkappid"))?;
        let identifier = get("identifier").unwrap_or_default();
        if identifier.is_empty() {
            return refuse(60004, "identifier is missing");
        }
        self.check_user_sig(get("usersig"), identifier, sdk_app_id, now)?;
        if identifier != self.account.identifier {
            return refuse(60010, "identifier is not an App administrator");
        }
        Ok(())
    }

    fn check_sdk_app_id(&self, text: Option<&str>) -> Result<u64, Refusal> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return refuse(60012, "sdkappid is missing");
        };
        match decimal::<u64>(text) {
            None | Some(0) => refuse(60006, "sdkappid is invalid"),
            Some(id) if id != self.account.sdk_app_id => refuse(70020, "no such SDKAppID"),
            Some(id) => Ok(id),
        }
    }

    fn check_user_sig(
        &self,
        text: Option<&str>,
        identifier: &str,
        sdk_app_id: u64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let text = text.unwrap_or_default();
        if text.is_empty() {
            return refuse(70002, "UserSig is empty");
        }
        let Ok(sig) = UserSig::decode(text) else {
            return refuse(70003, "UserSig cannot be parsed");
        };
        if sig.identifier != identifier {
            return refuse(70013, "identifier is not the one in UserSig");
        }
        if sig.sdk_app_id != sdk_app_id {
            return refuse(70014, "sdkappid is not the one in UserSig");
        }
        if !sig.is_signed_with(&self.account.key) {
            return refuse(70009, "UserSig is not signed with the key of this SDKAppID");
        }
        if !(LEAST_VALIDITY..=MOST_VALIDITY).contains(&sig.expire) {
            return refuse(70005, "UserSig is good for less than 24 hours or too long");
        }
        if sig.expires_at().is_none_or(|last| last < now) {
            return refuse(70001, "UserSig has expired");
        }
        Ok(())
    }

    fn read_body(&self, body: &[u8]) -> Result<Question, Refusal> {
        let Ok(document) = serde_json::from_slice::<Value>(body) else {
            return refuse(60003, "the request's JSON is broken or empty");
        };
        let Value::Object(members) = document else {
            return refuse(141_004, "the request's JSON is not an object");
        };
        // A misspelt member would otherwise be a filter that does not filter.
        let known = ["From", "To", "Limit", "Offset", "AgentIds"];
        if members.keys().any(|name| !known.contains(&name.as_str())) {
            return refuse(
                141_004,
                "the request has a member that the demo does not know",
            );
        }
        let limit = read_count(&members, "Limit")?.unwrap_or(LARGEST_PAGE);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return refuse(141_004, "Limit is not from 1 to 100");
        }
        Ok(Question {
            days: self.read_days(&members)?,
            limit,
            offset: read_count(&members, "Offset")?.unwrap_or(0),
            agents: read_agents(&members)?,
        })
    }

    /// The whole days from `From` to `To`; only whole days are supported.
    fn read_days(&self, members: &Map<String, Value>) -> Result<Vec<DayWindow>, Refusal> {
        let integer = |name| members.get(name).and_then(Value::as_i64);
        let (Some(from), Some(to)) = (integer("From"), integer("To")) else {
            return refuse(141_004, "From or To is missing or no integer");
        };
        let mut days: Vec<DayWindow> = Vec::new();
        let mut start = from;
        while start <= to && days.len() < MOST_DAYS {
            match self.day_from(start) {
                Some(day) if day.to_second() <= to => days.push(day),
                _ => return refuse(141_004, "From or To is not at the end of a day"),
            }
            start = days.last().map_or(to, DayWindow::to_second) + 1;
        }
        match days.last() {
            Some(last) if last.to_second() == to => Ok(days),
            _ => refuse(141_004, "To is before From, or too many days after it"),
        }
    }

    /// The day whose first second is `start`.
    fn day_from(&self, start: i64) -> Option<DayWindow> {
        let instant = Timestamp::from_second(start).ok()?;
        let day = DayWindow::around(instant, &self.zone).ok()?;
        (day.from_second() == start).then_some(day)
    }
}

impl Question {
    fn asks_for(&self, row: &AgentDay) -> bool {
        let listed = |ids: &Vec<String>| ids.iter().any(|id| id == row.agent_id);
        self.agents.as_ref().is_none_or(listed)
    }
}

/// A whole number that is not negative, or `None` where the member is absent.
fn read_count(members: &Map<String, Value>, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    match value.as_u64().map(usize::try_from) {
        Some(Ok(count)) => Ok(Some(count)),
        _ => refuse(141_004, "Limit or Offset is no integer, or negative"),
    }
}

fn read_agents(members: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = members.get("AgentIds") else {
        return Ok(None);
    };
    match Vec::<String>::deserialize(value) {
        Ok(ids) => Ok(Some(ids)),
        Err(_) => refuse(141_004, "AgentIds is not an array of strings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// Half past four in the afternoon in Shanghai, and its day.
    const NOW: i64 = 1_736_757_000;
    const FROM: i64 = 1_736_697_600;
    const TO: i64 = 1_736_783_999;
    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn desk() -> Desk {
        let account = Account {
            sdk_app_id: 88_888_888,
            identifier: "administrator".to_owned(),
            key: Secret::new(KEY),
        };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Desk::new(account, Centre::new(1), zone)
    }

    fn sig_of(id: u64, identifier: &str, key: &str, age: i64, expire: i64) -> String {
        let sig = UserSig::sign(id, identifier, &Secret::new(key), NOW - age, expire);
        sig.encode().unwrap().expose().to_owned()
    }

    fn sig() -> String {
        sig_of(88_888_888, "administrator", KEY, 0, LEAST_VALIDITY)
    }

    fn query_with(id: &str, identifier: &str, sig: &str) -> String {
        format!("sdkappid={id}&identifier={identifier}&usersig={sig}&random=7&contenttype=json")
    }

    fn query() -> String {
        query_with("88888888", "administrator", &sig())
    }

    fn ask(method: &str, path: &str, query: &str, body: &str) -> Value {
        let request = Request {
            method,
            path,
            query,
            body: body.as_bytes(),
        };
        desk().answer(request, Timestamp::from_second(NOW).unwrap())
    }

    fn ask_body(body: &str) -> Value {
        ask("POST", PATH, &query(), body)
    }

    /// The day of the documents' example, with more members.
    fn day_and(more: &str) -> String {
        format!("{{\"From\":{FROM},\"To\":{TO}{more}}}")
    }

    fn ask_query(query: &str) -> Value {
        ask("POST", PATH, query, &day_and(""))
    }

    #[track_caller]
    fn assert_refused(answer: &Value, code: i64) {
        assert_eq!(answer["ErrorCode"], code, "{answer}");
        assert_eq!(answer["ActionStatus"], "FAIL");
        assert!(!answer["ErrorInfo"].as_str().unwrap().is_empty());
        assert_eq!(answer.get("Data"), None);
    }

    fn ids(answer: &Value) -> Vec<&str> {
        let data = answer["Data"].as_array().unwrap();
        data.iter()
            .map(|r| r["AgentId"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn a_good_request_gets_the_envelope_and_the_rows() {
        let answer = ask_body(&day_and(""));
        assert_eq!(answer["ActionStatus"], "OK");
        assert_eq!(
            (&answer["ErrorCode"], &answer["ErrorInfo"]),
            (&json!(0), &json!(""))
        );
        let ids = ids(&answer);
        assert_eq!(answer["TotalCount"], ids.len());
        assert!(ids.len() >= 20 && ids.is_sorted());
        assert!(answer["Data"][0].as_object().unwrap().len() == 24);
    }

    #[test]
    fn only_a_post_to_the_one_path_is_known() {
        for method in ["GET", "PUT", "HEAD", "post"] {
            assert_refused(&ask(method, PATH, &query(), &day_and("")), 60002);
        }
        for path in ["/", "/v4/desk_http_svc/describe_agent_Statistics", "/v4/x/"] {
            assert_refused(&ask("POST", path, &query(), &day_and("")), 60009);
        }
    }

    #[test]
    fn each_missing_or_misspelt_parameter_has_its_code() {
        for (name, code) in [
            ("sdkappid", 60012),
            ("identifier", 60004),
            ("usersig", 70002),
            ("random", 60002),
            ("contenttype", 60002),
        ] {
            let upper = query().replace(&format!("{name}="), &format!("{}=", name.to_uppercase()));
            assert_refused(&ask_query(&upper), code);
        }
        assert_refused(&ask_query(""), 60002);
        assert_refused(&ask_query(&format!("{}&random=8", query())), 60002);
        assert_refused(&ask_query(&query().replace("identifier", "%zz")), 60002);
    }

    #[test]
    fn random_and_contenttype_are_as_documented() {
        for random in ["", "-1", "+1", "4294967296", "1.5", "x"] {
            let query = query().replace("random=7", &format!("random={random}"));
            assert_refused(&ask_query(&query), 60002);
        }
        for kind in ["", "JSON", "application/json"] {
            let query = query().replace("=json", &format!("={kind}"));
            assert_refused(&ask_query(&query), 60002);
        }
        let largest = query().replace("random=7", "random=4294967295");
        assert_eq!(ask_query(&largest)["ErrorCode"], 0);
    }

    #[test]
    fn another_application_or_account_is_refused() {
        let with =
            |id: &str, identifier: &str, sig: &str| ask_query(&query_with(id, identifier, sig));
        assert_refused(&with("", "administrator", &sig()), 60012);
        assert_refused(&with("x1", "administrator", &sig()), 60006);
        assert_refused(&with("0", "administrator", &sig()), 60006);
        assert_refused(&with("88888889", "administrator", &sig()), 70020);
        assert_refused(&with("88888888", "", &sig()), 60004);
        assert_refused(&with("88888888", "Administrator", &sig()), 70013);
        let agent = sig_of(88_888_888, "agent", KEY, 0, LEAST_VALIDITY);
        assert_refused(&with("88888888", "agent", &agent), 60010);
    }

    #[test]
    fn a_user_sig_is_verified_to_the_last_member() {
        let with = |sig: &str| ask_query(&query_with("88888888", "administrator", sig));
        let made = |id, key, age, expire| sig_of(id, "administrator", key, age, expire);
        assert_refused(&with(""), 70002);
        assert_refused(&with("xxx"), 70003);
        assert_refused(&with(&sig()[..40]), 70003);
        assert_refused(&with(&made(88_888_888, "other", 0, LEAST_VALIDITY)), 70009);
        assert_refused(&with(&made(1, KEY, 0, LEAST_VALIDITY)), 70014);
        assert_refused(&with(&made(88_888_888, KEY, 0, LEAST_VALIDITY - 1)), 70005);
        assert_refused(&with(&made(88_888_888, KEY, 0, i64::MAX)), 70005);
        assert_refused(
            &with(&made(88_888_888, KEY, LEAST_VALIDITY + 1, LEAST_VALIDITY)),
            70001,
        );
        let last_second = made(88_888_888, KEY, LEAST_VALIDITY, LEAST_VALIDITY);
        assert_eq!(with(&last_second)["ErrorCode"], 0);
        let encoded = sig().replace('*', "%2A");
        assert_eq!(with(&encoded)["ErrorCode"], 0);
    }

    #[test]
    fn a_body_is_an_object_in_json() {
        for broken in ["", " ", "{", "{\"From\":1,}", "From=1"] {
            assert_refused(&ask_body(broken), 60003);
        }
        for other in ["[]", "null", "1", "\"x\"", "{}"] {
            assert_refused(&ask_body(other), 141_004);
        }
        assert_refused(&ask_body(&day_and(",\"limit\":1")), 141_004);
    }

    #[test]
    fn only_whole_days_of_the_zone_are_counted() {
        let window = |from: &str, to: &str| ask_body(&format!("{{\"From\":{from},\"To\":{to}}}"));
        let seconds = |from: i64, to: i64| window(&from.to_string(), &to.to_string());
        for (from, to) in [
            (FROM + 1, TO),
            (FROM - 1, TO),
            (FROM, TO - 1),
            (FROM, TO + 1),
            (FROM + 8 * 3600, TO + 8 * 3600),
            (TO, FROM),
            (FROM, FROM - 1),
            (0, TO),
            (i64::MIN, i64::MAX),
            (FROM, i64::MAX),
            (FROM, TO + 31 * 86_400),
        ] {
            assert_refused(&seconds(from, to), 141_004);
        }
        let text = format!("\"{FROM}\"");
        for from in [text.as_str(), "1736697600.0", "null", "true"] {
            assert_refused(&window(from, &TO.to_string()), 141_004);
        }
        assert_eq!(seconds(FROM, TO + 86_400)["ErrorCode"], 0);
        assert_eq!(seconds(FROM, TO + 30 * 86_400)["ErrorCode"], 0);
        assert_eq!(seconds(FROM + 86_400, TO + 86_400)["TotalCount"], 0);
    }

    #[test]
    fn limit_and_offset_are_counts_and_make_pages() {
        for wrong in ["0", "101", "-1", "1.0", "\"10\"", "null", "[1]"] {
            assert_refused(&ask_body(&day_and(&format!(",\"Limit\":{wrong}"))), 141_004);
        }
        for wrong in ["-1", "0.5", "\"0\"", "null", "1e3"] {
            assert_refused(
                &ask_body(&day_and(&format!(",\"Offset\":{wrong}"))),
                141_004,
            );
        }
        let whole = ask_body(&day_and(""));
        let mut walked = Vec::new();
        for offset in (0..).step_by(10).take(4) {
            let page = ask_body(&day_and(&format!(",\"Limit\":10,\"Offset\":{offset}")));
            assert_eq!(page["TotalCount"], whole["TotalCount"]);
            walked.extend(page["Data"].as_array().unwrap().clone());
        }
        assert_eq!(&walked, whole["Data"].as_array().unwrap());
        let beyond = ask_body(&day_and(",\"Offset\":18446744073709551615"));
        assert_eq!(ids(&beyond), [""; 0]);
    }

    #[test]
    fn agent_ids_filter() {
        for wrong in ["\"li.na@desk.example\"", "null", "[1]", "[null]", "{}"] {
            assert_refused(
                &ask_body(&day_and(&format!(",\"AgentIds\":{wrong}"))),
                141_004,
            );
        }
        let two = "[\"mia.santos@desk.example\",\"nobody\",\"deng.chao@desk.example\"]";
        let answer = ask_body(&day_and(&format!(",\"AgentIds\":{two},\"Limit\":1")));
        assert_eq!(answer["TotalCount"], 2);
        assert_eq!(ids(&answer), ["deng.chao@desk.example"]);
        assert_eq!(ask_body(&day_and(",\"AgentIds\":[]"))["TotalCount"], 0);
    }
}
