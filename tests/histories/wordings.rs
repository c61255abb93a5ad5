//! Answers in each endpoint's own JSON, and the samples that they come to.
//!
//! Both are written out as text, so that neither follows from the code that is tested.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;

use tencent_desk_exporter::catalog::{Endpoint, agents, directory, members, reception, sessions};

/// What an answer holds: for each row a number that makes its id, or none where the row has no id.
pub(crate) type Ids = [Option<u8>];

/// How one endpoint is answered, and what it is then shown as.
///
/// In these texts, `<serial>` stands for the answer's number, `<n>` for the row's, that no other row of any
/// answer has, `<date>` for the day that was asked for, and `<id>`, `<k>`, `<count>` and `<rows>` for the row's
/// id, the number in it, how many rows there are, and all of them.
pub(crate) struct Wording {
    pub(crate) endpoint: &'static Endpoint,
    /// Whether its figures are of one day.
    pub(crate) is_of_a_day: bool,
    /// One for each call.
    replies: &'static [&'static str],
    row: &'static str,
    id: &'static str,
    /// Less `tencent_desk_`: first those that are there once, then those of each row.
    once: &'static [&'static str],
    of_row: &'static [&'static str],
}

/// All endpoints.
pub(crate) const WORDINGS: [&Wording; 6] = [
    &Wording {
        endpoint: &agents::ENDPOINT,
        is_of_a_day: true,
        replies: &[r#"{"ErrorCode":0,"TotalCount":<count>,"Data":[<rows>]}"#],
        row: r#"{"AgentId":<id>,"AgentNickName":"n<n>","TotalMsgCnt":<n>}"#,
        id: "a<k>",
        once: &[],
        of_row: &[
            r#"agent_info{agent_id="a<k>",nickname="n<n>"} 1"#,
            r#"agent_messages{agent_id="a<k>"} <n>"#,
        ],
    },
    &Wording {
        endpoint: &reception::ENDPOINT,
        is_of_a_day: false,
        replies: &[
            r#"{"ErrorCode":0,"Data":{"CurrentQueueCnt":<serial>,"CurrentGroupQueueCnt":[<rows>]}}"#,
        ],
        row: r#"{"GroupId":<id>,"GroupName":"n<n>","QueueCnt":<n>}"#,
        id: "g<k>",
        once: &["queued_sessions <serial>"],
        of_row: &[r#"group_queued_users{group_id="g<k>",group_name="n<n>"} <n>"#],
    },
    &Wording {
        endpoint: &members::ENDPOINT,
        is_of_a_day: true,
        replies: &[r#"{"ErrorCode":0,"TotalCount":<count>,"Data":[<rows>]}"#],
        row: r#"{"MemberId":<id>,"CurrentAcceptCnt":7,"TotalSessionCnt":<n>}"#,
        id: "a<k>",
        once: &[],
        of_row: &[
            r#"agent_current_sessions{agent_id="a<k>"} 7"#,
            r#"agent_realtime_sessions{agent_id="a<k>"} <n>"#,
        ],
    },
    &Wording {
        endpoint: &sessions::ENDPOINT,
        is_of_a_day: true,
        replies: &[
            r#"{"ErrorCode":0,"Data":[{"Time":"<date>","TotalSessionCnt":<serial>},{"Time":"2001-01-01","TotalSessionCnt":1}]}"#,
            r#"{"ErrorCode":0,"Data":[<rows>]}"#,
        ],
        row: r#"{"Time":<id>,"TotalSessionCnt":<n>}"#,
        id: "0<k>:00",
        once: &["day_sessions <serial>"],
        of_row: &[r#"hour_sessions{hour="0<k>"} <n>"#],
    },
    &Wording {
        endpoint: &directory::MEMBERS,
        is_of_a_day: false,
        replies: &[r#"{"ErrorCode":0,"Total":<count>,"MemberList":[<rows>]}"#],
        row: r#"{"MemberMail":<id>,"MemberGroupIDList":["g<n>"],"EffectiveReceptionLimit":<n>}"#,
        id: "a<k>",
        once: &["members <count>"],
        of_row: &[
            r#"agent_reception_limit{agent_id="a<k>"} <n>"#,
            r#"agent_group_info{agent_id="a<k>",group_id="g<n>"} 1"#,
        ],
    },
    &Wording {
        endpoint: &directory::GROUPS,
        is_of_a_day: false,
        replies: &[r#"{"ErrorCode":0,"Total":<count>,"MemberGroupList":[<rows>]}"#],
        row: r#"{"MemberGroupID":<id>,"MemberGroupName":"n<n>","GroupMemberCount":<n>}"#,
        id: "g<k>",
        once: &[],
        of_row: &[
            r#"group_info{group_id="g<k>",group_name="n<n>"} 1"#,
            r#"group_members{group_id="g<k>"} <n>"#,
        ],
    },
];

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.endpoint.name())
    }
}

impl Wording {
    /// The bodies of an answer with rows of these ids.
    pub(crate) fn bodies(&self, ids: &Ids, serial: usize, date: Option<Date>) -> Vec<String> {
        let row = |(row, id): (usize, &Option<u8>)| {
            let id = id.map_or_else(
                || "null".to_owned(),
                |k| format!("\"{}\"", filled(self.id, &[("<k>", &k.to_string())])),
            );
            let n = number(serial, row).to_string();
            filled(self.row, &[("<id>", &id), ("<n>", &n)])
        };
        let rows: Vec<String> = ids.iter().enumerate().map(row).collect();
        let whole = [
            ("<rows>", rows.join(",")),
            ("<count>", ids.len().to_string()),
            ("<serial>", serial.to_string()),
            (
                "<date>",
                date.map_or_else(String::new, |date| date.to_string()),
            ),
        ];
        let whole = whole.each_ref().map(|(name, text)| (*name, text.as_str()));
        let replies = self.replies.iter();
        replies.map(|reply| filled(reply, &whole)).collect()
    }

    /// Its samples: of the rows with one id that of the last.
    pub(crate) fn samples(&self, ids: &Ids, serial: usize) -> Vec<String> {
        let by_id: BTreeMap<u8, usize> = ids
            .iter()
            .enumerate()
            .filter_map(|(row, id)| Some(((*id)?, number(serial, row))))
            .collect();
        let (count, serial) = (ids.len().to_string(), serial.to_string());
        let once = self
            .once
            .iter()
            .map(|sample| filled(sample, &[("<count>", &count), ("<serial>", &serial)]));
        let of_rows = self.of_row.iter().flat_map(|sample| {
            by_id
                .iter()
                .map(|(k, n)| filled(sample, &[("<k>", &k.to_string()), ("<n>", &n.to_string())]))
        });
        let samples = once.chain(of_rows);
        samples
            .map(|sample| format!("tencent_desk_{sample}"))
            .collect()
    }
}

/// Each row of each answer has a number that no other row has.
fn number(serial: usize, row: usize) -> usize {
    serial * 100 + row
}

fn filled(text: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(text.to_owned(), |text, (name, with)| {
        text.replace(name, with)
    })
}
