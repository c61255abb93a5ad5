//! The classes of failures, and the error codes that the documents name for Desk's gateway, each with its class and
//! its meaning.
//!
//! Restated from the lists of common codes (60000 to 79999), of Desk's own (141000 to 141012) and, since the
//! gateway is the same, of the group service (10002 to 10026).

use std::fmt;

/// The kinds of failure; the values of the label `class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// No answer, a time-out, or a status other than 200.
    Network,
    /// Desk says that it failed inside, and to try again.
    Server,
    /// Desk says that it is asked too often.
    RateLimited,
    /// The UserSig, or the key or account behind it, is refused.
    Credentials,
    /// Something about the application or its settings has to be changed by its operator.
    Configuration,
    /// An answer that cannot be read, breaks its own rules, or calls our request malformed.
    Protocol,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Network,
        Self::Server,
        Self::RateLimited,
        Self::Credentials,
        Self::Configuration,
        Self::Protocol,
    ];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Server => "server",
            Self::RateLimited => "rate_limited",
            Self::Credentials => "credentials",
            Self::Configuration => "configuration",
            Self::Protocol => "protocol",
        }
    }

    /// What a person should do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Network => {
                "see that this machine reaches the API's host on port 443 (DNS, firewall, proxy \
                 variables) and that TENCENT_DESK_REGION is the application's data centre; it is \
                 tried again by itself"
            }
            Self::Server => {
                "nothing, at first: Desk failed inside and is asked again by itself; if it lasts, \
                 open a ticket with Tencent Cloud"
            }
            Self::RateLimited => {
                "ask less often: raise TENCENT_DESK_POLL_INTERVAL or lower \
                 TENCENT_DESK_REQUESTS_PER_SECOND, and see who else calls this API for the \
                 application; polls pause for some minutes meanwhile"
            }
            Self::Credentials => {
                "see that the key in TENCENT_DESK_SECRET_KEY (or the UserSig in TENCENT_DESK_USER_SIG) \
                 belongs to TENCENT_DESK_SDK_APP_ID and TENCENT_DESK_IDENTIFIER, and that this \
                 machine's clock is right"
            }
            Self::Configuration => {
                "see that TENCENT_DESK_SDK_APP_ID is a Desk application in the data centre of \
                 TENCENT_DESK_REGION, that it is enabled and paid for, that \
                 TENCENT_DESK_IDENTIFIER is an App administrator, and that this machine's address \
                 is allowed"
            }
            Self::Protocol => {
                "see whether a newer version of this exporter is out, or a proxy rewrites answers; \
                 otherwise report it with this line"
            }
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the documents say of one error code.
pub(super) struct Code {
    pub(super) code: i64,
    pub(super) class: Class,
    pub(super) meaning: &'static str,
}

const fn code(code: i64, class: Class, meaning: &'static str) -> Code {
    Code {
        code,
        class,
        meaning,
    }
}

/// Every code that the documents name for this gateway.
#[rustfmt::skip]
pub(super) const CODES: &[Code] = &{
    use Class::{Configuration, Credentials, Protocol, RateLimited, Server};
    [
        code(10002, Server, "internal error"),
        code(10003, Protocol, "no such command"),
        code(10004, Protocol, "a parameter is wrong"),
        code(10006, RateLimited, "called too often"),
        code(10007, Configuration, "the account lacks the right to do this"),
        code(10008, Credentials, "the request is illegal, its signature perhaps"),
        code(10011, Protocol, "the request's JSON cannot be read"),
        code(10018, Protocol, "the answer would be larger than 1 MB"),
        code(10023, RateLimited, "called too often"),
        code(10026, Configuration, "the command is disabled for this SDKAppID"),
        code(60002, Protocol, "the HTTP request cannot be read"),
        code(60003, Protocol, "the request's JSON cannot be read"),
        code(60004, Credentials, "the account or signature is wrong"),
        code(60005, Credentials, "the account or signature is wrong"),
        code(60006, Configuration, "the SDKAppID is invalid"),
        code(60007, RateLimited, "the API is called too often"),
        code(60008, Server, "the service timed out, or the request has a wrong format"),
        code(60009, Configuration, "no such command at this URL"),
        code(60010, Configuration, "App administrator rights are needed"),
        code(60011, RateLimited, "the SDKAppID is used too often"),
        code(60012, Protocol, "the SDKAppID is missing"),
        code(60013, Server, "the gateway could not read its own answer"),
        code(60014, Server, "the exchange of accounts timed out"),
        code(60015, Protocol, "an account in the request is no string"),
        code(60016, Configuration, "the SDKAppID is disabled"),
        code(60017, Configuration, "the request is disabled"),
        code(60018, RateLimited, "called too often"),
        code(60019, RateLimited, "called too often"),
        code(60020, Configuration, "the plan has expired (works again some 5 minutes after it is renewed)"),
        code(60021, Configuration, "this source address is not allowed"),
        code(70001, Credentials, "the UserSig has expired"),
        code(70002, Credentials, "the UserSig is empty"),
        code(70003, Credentials, "the UserSig cannot be read; it may be cut off"),
        code(70005, Credentials, "the UserSig is invalid"),
        code(70009, Credentials, "the signature does not verify: probably the key of another SDKAppID"),
        code(70013, Credentials, "the identifier is not the one that was signed"),
        code(70014, Credentials, "the SDKAppID is not the one that was signed"),
        code(70016, Configuration, "no key for this SDKAppID: is it in this data centre?"),
        code(70020, Configuration, "no such SDKAppID: is it in this data centre?"),
        code(70050, Credentials, "the signature does not verify, and was tried too often"),
        code(70051, Configuration, "the account is on a black list"),
        code(70052, Credentials, "the UserSig is no longer valid"),
        code(70107, Configuration, "the account does not exist"),
        code(70114, Configuration, "restricted for security reasons"),
        code(70169, Server, "timed out inside"),
        code(70202, Server, "timed out inside"),
        code(70206, Protocol, "the size of the batch is invalid"),
        code(70308, Server, "internal error"),
        code(70346, Credentials, "the ticket does not verify"),
        code(70347, Credentials, "the ticket has expired"),
        code(70348, Server, "internal error"),
        code(70362, Server, "internal error"),
        code(70398, Configuration, "the plan's number of accounts is used up"),
        code(70401, Server, "internal error"),
        code(70402, Protocol, "a parameter is invalid or missing"),
        code(70403, Configuration, "App administrator rights are needed"),
        code(70500, Server, "internal error"),
        code(141_000, Configuration, "this application is no Desk application"),
        code(141_001, Protocol, "an error of a command that we do not send"),
        code(141_002, Server, "internal error"),
        code(141_003, Protocol, "an error of a command that we do not send"),
        code(141_004, Protocol, "a parameter is invalid"),
        code(141_009, RateLimited, "the API is called too often"),
        code(141_010, Protocol, "an error of a command that we do not send"),
        code(141_011, Protocol, "an error of a command that we do not send"),
        code(141_012, Protocol, "an error of a command that we do not send"),
    ]
};
