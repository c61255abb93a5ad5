//! How a command of Desk is asked, and how its answer is laid out: data, so that one client asks all
//! commands and one reader reads all answers. A column is a place in a static table; a name that the
//! table does not have does not compile.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::base::clock::Window;

/// The most rows that one request may ask for (the API's pages: at most 100, in each command).
pub const LIMIT: usize = 100;

/// A command, and what is asked of it.
#[derive(Debug)]
pub struct Call {
    /// The command's name in the URL, and the value of the label `endpoint`.
    pub command: &'static str,
    /// Of which time it is asked.
    pub period: Period,
    /// How the rows behind the first [`LIMIT`] are asked for.
    pub paging: Paging,
    /// Parameters that are always the same.
    pub constants: &'static [(&'static str, bool)],
    /// The parameter that names the agents to tell of, where there is one.
    pub agents: Option<&'static str>,
    /// The parameter that names the channels to count, where there is one.
    pub channels: Option<&'static str>,
    /// What the answer holds; the first is the one that is paged.
    pub tables: &'static [Table],
}

/// Of which time a command is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Of a day, by `From` and `To`.
    Day,
    /// Of none: it tells how things are.
    Now,
}

/// How an answer is cut into pages.
#[derive(Debug, Clone, Copy)]
pub enum Paging {
    /// It is not.
    Whole,
    /// By `Limit` and `Offset`; `TotalCount` says how many rows there are.
    Offset,
    /// By the page's number.
    Number {
        /// The parameter with the number.
        number: &'static str,
        /// The parameter with the rows a page.
        size: &'static str,
        /// The number of the first page.
        first: usize,
        /// The member that says how many rows there are.
        total: &'static str,
    },
}

impl Paging {
    /// The member of the answer that says how many rows there are.
    pub fn total(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Offset => Some("TotalCount"),
            Self::Number { total, .. } => Some(total),
        }
    }
}

/// Rows of one kind.
#[derive(Debug)]
pub struct Table {
    /// The member of the answer, or of the row, that holds them.
    pub member: &'static str,
    /// How they stand there.
    pub shape: Shape,
    /// What a row holds, at most [`MOST_FIELDS`]. The key, where there is one, comes first.
    pub fields: &'static [Field],
}

/// How rows stand in the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In an array.
    Array,
    /// One row, as an object.
    Object,
    /// In an array, or one row as an object: where the documents have it both ways.
    Either,
}

/// The most fields of a table: one bit each says which of them a row had.
pub const MOST_FIELDS: usize = 32;

/// A member of a row that the documents have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the JSON.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The key: an agent's id. The settings `AGENT_IDS` and `AGENT_LABELS` go by it.
    AgentId,
    /// The key: any other id, written as text or as an integer.
    Id,
    /// The key: a calendar day, which must be the one that was asked for.
    Date,
    /// The key: a full hour of the day that was asked for, kept as two digits.
    Hour,
    /// Text that names a person: shown where `AGENT_LABELS` allows it.
    Nickname,
    /// Text, or an integer that is meant as one.
    Text,
    /// A finite number.
    Number,
    /// Several ids.
    Ids,
    /// Rows of the call's table of this place.
    Rows(usize),
    /// What is told elsewhere, or to be kept out of metrics; not looked at.
    Unused,
}

/// How the values of a field are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    Text,
    Number,
    Ids,
}

impl Kind {
    /// Whether it tells a row from the others: without it there is no row.
    pub const fn is_key(self) -> bool {
        matches!(self, Self::AgentId | Self::Id | Self::Date | Self::Hour)
    }

    pub(super) const fn store(self) -> Option<Store> {
        match self {
            Self::AgentId | Self::Id | Self::Date | Self::Hour | Self::Nickname | Self::Text => {
                Some(Store::Text)
            }
            Self::Number => Some(Store::Number),
            Self::Ids => Some(Store::Ids),
            Self::Rows(_) | Self::Unused => None,
        }
    }
}

impl Field {
    /// A field of `kind`.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }

    /// Whether it has a column or holds rows: whether it is missed where it is absent.
    pub fn is_used(&self) -> bool {
        self.kind != Kind::Unused
    }
}

/// A number.
pub const fn number(name: &'static str) -> Field {
    Field::new(name, Kind::Number)
}

/// A text.
pub const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Text)
}

/// A field that is documented and not used.
pub const fn unused(name: &'static str) -> Field {
    Field::new(name, Kind::Unused)
}

/// Where a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The field's name.
    pub field: &'static str,
    /// Its place in the table.
    pub(super) place: usize,
}

impl Column {
    /// Whether it is one of `table`.
    pub fn is_of(self, table: &Table) -> bool {
        let field = table.fields.get(self.place);
        field.is_some_and(|field| field.name == self.field && field.kind.store().is_some())
    }
}

impl Table {
    /// What tells its rows apart; none where there is one row only.
    pub fn key(&self) -> Option<Kind> {
        let first = self.fields.first()?;
        first.kind.is_key().then_some(first.kind)
    }

    /// The column of a text or key; in a constant, `name` has to be one, or it does not compile.
    pub const fn text(&self, name: &str) -> Column {
        self.column(name, Store::Text)
    }

    /// The column of a number; as [`Table::text`].
    pub const fn number(&self, name: &str) -> Column {
        self.column(name, Store::Number)
    }

    /// The column of several ids; as [`Table::text`].
    pub const fn ids(&self, name: &str) -> Column {
        self.column(name, Store::Ids)
    }

    #[expect(clippy::panic, reason = "columns are constants: it stops the compiler")]
    const fn column(&self, name: &str, store: Store) -> Column {
        let mut place = 0;
        let mut fields = self.fields;
        while let [field, rest @ ..] = fields {
            if is_same(field.name.as_bytes(), name.as_bytes()) {
                match field.kind.store() {
                    Some(found) if found as u8 == store as u8 => {
                        return Column {
                            field: field.name,
                            place,
                        };
                    }
                    _ => break,
                }
            }
            place += 1;
            fields = rest;
        }
        panic!("the table has no such column")
    }
}

/// What `==` does not do in a constant.
pub(crate) const fn is_same(mut a: &[u8], mut b: &[u8]) -> bool {
    while let ([first, rest @ ..], [other, others @ ..]) = (a, b) {
        if *first != *other {
            return false;
        }
        a = rest;
        b = others;
    }
    a.is_empty() && b.is_empty()
}

/// A source of conversations: an item of `ConversationSources` in a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// `ChannelType`: 2 WeChat mini program, 3 WeChat official account, 4 web, 7 WeChat customer
    /// service, 10 app.
    pub channel_type: u8,
    /// `ChannelId`; all sources of this type where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<String>,
}

/// Where a page starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Start {
    /// How many rows came before.
    pub rows: usize,
    /// The page's number, where pages have one.
    pub number: usize,
}

/// The body of one request: a call, cut down to a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'r> {
    pub(super) call: &'static Call,
    pub(super) window: &'r Window,
    pub(super) start: Start,
    /// All agents where it is empty.
    pub(super) agent_ids: &'r [String],
    /// All channels where it is empty.
    pub(super) channels: &'r [Channel],
}

impl Serialize for Request<'_> {
    /// In the order of the documents' examples.
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let mut body = json.serialize_map(None)?;
        if let (Period::Day, Window::Day(day)) = (self.call.period, self.window) {
            body.serialize_entry("From", &day.from_second())?;
            body.serialize_entry("To", &day.to_second())?;
        }
        for (name, value) in self.call.constants {
            body.serialize_entry(name, value)?;
        }
        match self.call.paging {
            Paging::Whole => {}
            Paging::Offset => {
                body.serialize_entry("Limit", &LIMIT)?;
                body.serialize_entry("Offset", &self.start.rows)?;
            }
            Paging::Number { number, size, .. } => {
                body.serialize_entry(size, &LIMIT)?;
                body.serialize_entry(number, &self.start.number)?;
            }
        }
        if let Some(name) = self.call.agents.filter(|_| !self.agent_ids.is_empty()) {
            body.serialize_entry(name, self.agent_ids)?;
        }
        if let Some(name) = self.call.channels.filter(|_| !self.channels.is_empty()) {
            body.serialize_entry(name, self.channels)?;
        }
        body.end()
    }
}

/// Calls like those of the catalogue, for tests of what reads them.
#[cfg(test)]
pub(super) mod sample {
    use super::*;

    /// Paged by offset.
    pub(in super::super) static AGENTS: Call = Call {
        command: "agents",
        period: Period::Day,
        paging: Paging::Offset,
        constants: &[],
        agents: Some("AgentIds"),
        channels: Some("ConversationSources"),
        tables: &[Table {
            member: "Data",
            shape: Shape::Array,
            fields: &[
                Field::new("AgentId", Kind::AgentId),
                text("AgentNickName"),
                number("FreeTime"),
                number("BusyTime"),
                number("RestTime"),
                number("TotalMsgCnt"),
            ],
        }],
    };

    /// One row, with rows of its own.
    pub(in super::super) static NOW: Call = Call {
        command: "now",
        period: Period::Now,
        paging: Paging::Whole,
        constants: &[("GroupByHour", true)],
        agents: None,
        channels: None,
        tables: &[
            Table {
                member: "Data",
                shape: Shape::Object,
                fields: &[
                    number("Queue"),
                    Field::new("Groups", Kind::Rows(1)),
                    unused("Other"),
                ],
            },
            Table {
                member: "Groups",
                shape: Shape::Either,
                fields: &[Field::new("GroupId", Kind::Id), number("Queue")],
            },
        ],
    };

    /// Paged by numbers that may begin at 1.
    pub(in super::super) static GROUPS: Call = Call {
        command: "groups",
        period: Period::Now,
        paging: Paging::Number {
            number: "PageNumber",
            size: "PageSize",
            first: 1,
            total: "Total",
        },
        constants: &[],
        agents: None,
        channels: None,
        tables: &[Table {
            member: "List",
            shape: Shape::Array,
            fields: &[
                Field::new("Id", Kind::Id),
                number("A"),
                text("Name"),
                unused("Other"),
                Field::new("Ids", Kind::Ids),
            ],
        }],
    };
}

#[cfg(test)]
mod tests {
    use super::sample::{AGENTS, GROUPS, NOW};
    use super::*;
    use crate::base::clock::DayWindow;
    use jiff::{Timestamp, tz::TimeZone};

    #[test]
    fn a_column_is_a_place_in_its_table() {
        let table = &GROUPS.tables[0];
        let columns = [
            table.text("Id"),
            table.number("A"),
            table.text("Name"),
            table.ids("Ids"),
        ];
        assert_eq!(columns.map(|column| column.place), [0, 1, 2, 4]);
        for column in columns {
            assert!(column.is_of(table) && !column.is_of(&NOW.tables[0]));
        }
        for other in ["Name", "Other", "AB", ""] {
            assert!(std::panic::catch_unwind(|| table.number(other)).is_err());
        }
        let keys = [&AGENTS, &NOW, &GROUPS].map(|call| call.tables[0].key());
        assert_eq!(keys, [Some(Kind::AgentId), None, Some(Kind::Id)]);
    }

    fn body(call: &'static Call, rows: usize, number: usize, ids: &[&str]) -> String {
        let shanghai = TimeZone::fixed(jiff::tz::offset(8));
        let noon = Timestamp::from_second(1_736_740_800).unwrap();
        let window = Window::Day(DayWindow::around(noon, &shanghai).unwrap());
        let agent_ids: Vec<_> = ids.iter().map(|&id| id.to_owned()).collect();
        let channels =
            [(4, None), (10, Some("@a".to_owned()))].map(|(channel_type, channel_id)| Channel {
                channel_type,
                channel_id,
            });
        let request = Request {
            call,
            window: &window,
            start: Start { rows, number },
            agent_ids: &agent_ids,
            channels: if rows == 0 { &[] } else { &channels },
        };
        serde_json::to_string(&request).unwrap()
    }

    #[test]
    fn a_request_is_written_as_the_documents_have_it() {
        assert_eq!(
            body(&AGENTS, 0, 0, &["1289316652@qq.com"]),
            r#"{"From":1736697600,"To":1736783999,"Limit":100,"Offset":0,"AgentIds":["1289316652@qq.com"]}"#
        );
        assert_eq!(
            body(&AGENTS, 100, 0, &[]),
            r#"{"From":1736697600,"To":1736783999,"Limit":100,"Offset":100,"ConversationSources":[{"ChannelType":4},{"ChannelType":10,"ChannelId":"@a"}]}"#
        );
        assert_eq!(
            body(&GROUPS, 100, 2, &["a"]),
            r#"{"PageSize":100,"PageNumber":2}"#
        );
        assert_eq!(body(&NOW, 0, 0, &["a"]), r#"{"GroupByHour":true}"#);
    }
}
