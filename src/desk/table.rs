//! Rows as a table by column, and the fields that are its columns.
//!
//! Who reads them goes field by field: a page shows one family of every agent, then the next. So
//! the numbers of a field lie side by side, and all texts one behind the other: a family costs the
//! memory that it reads, however many agents there are, and an agent costs no allocation.

use std::borrow::Cow;

use crate::base::strings::Strings;

/// Names the API's fields once: the enum, its names and their look-up.
macro_rules! fields {
    ($($name:ident)*) => {
        /// A field of an agent's row, by the API's own name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Field { $($name,)* }

        impl Field {
            /// All of them, in the order of the API's page.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            pub(super) fn by_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

fields! {
    AgentId AgentNickName
    FirstLoginTimestamp LastLogoutTimestamp
    FreeTime BusyTime RestTime
    TotalSessionCnt TransferSessionCnt EffectiveSessionCnt AgentEndCnt ServeUserCnt
    TotalAcceptTime
    TotalMsgCnt AgentMsgCnt UserMsgCnt
    NotRespSessionCnt
    AvgFirstRespTime FirstRespUnder30sCnt
    AvgRespTime AvgRespUnder30sCnt
    AvgAcceptTime
    SatisfactionSelectedCnt SatisfiedCnt
}

/// The first fields are texts, all others are numbers.
const TEXTS: usize = 2;
const NUMBERS: usize = Field::ALL.len() - TEXTS;

impl Field {
    /// Its column among those of numbers; none for a text.
    fn column(self) -> Option<usize> {
        (self as usize).checked_sub(TEXTS)
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The days of many agents so far, as Desk tells them.
#[derive(Debug, Default)]
pub struct Rows {
    agent_ids: Strings,
    nicknames: Strings,
    has_nickname: Vec<bool>,
    /// By field, less the texts; NaN where a row says no number.
    numbers: [Vec<f64>; NUMBERS],
    /// Of each row, one bit a field: held something, but not what it should.
    ignored: Vec<u32>,
    /// One bit a field: some row had it, whatever it held, also a row that is not kept.
    had: u32,
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ignored.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ignored.is_empty()
    }

    /// The row at `place`, counted from 0; one that says nothing where there is none.
    pub fn at(&self, place: usize) -> Row<'_> {
        Row { rows: self, place }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|place| self.at(place))
    }

    /// Makes room for `more` rows, and for no more than that.
    pub(super) fn reserve(&mut self, more: usize) {
        self.agent_ids.reserve(more, 0);
        self.nicknames.reserve(more, 0);
        self.has_nickname.reserve_exact(more);
        self.ignored.reserve_exact(more);
        for column in &mut self.numbers {
            column.reserve_exact(more);
        }
    }

    /// How many bytes its texts take.
    pub(super) fn text_bytes(&self) -> usize {
        self.agent_ids.bytes() + self.nicknames.bytes()
    }

    /// Whether any row had `field`, whatever it held.
    pub fn had(&self, field: Field) -> bool {
        self.had & field.bit() != 0
    }

    /// Remembers of `row`, which is not kept, what fields it had.
    pub(super) fn pass_over(&mut self, row: &NewRow<'_>) {
        self.had |= row.had;
    }

    pub(super) fn push(&mut self, row: &NewRow<'_>) {
        self.had |= row.had;
        self.agent_ids.push(&row.agent_id);
        self.nicknames.push(row.nickname());
        self.has_nickname.push(row.nickname.is_some());
        self.ignored.push(row.ignored);
        for (column, number) in self.numbers.iter_mut().zip(row.numbers) {
            column.push(number);
        }
    }

    /// Puts `others` behind those that are there.
    pub fn append(&mut self, others: &Self) {
        self.had |= others.had;
        self.agent_ids.append(&others.agent_ids);
        self.nicknames.append(&others.nicknames);
        self.has_nickname.extend_from_slice(&others.has_nickname);
        self.ignored.extend_from_slice(&others.ignored);
        for (column, others) in self.numbers.iter_mut().zip(&others.numbers) {
            column.extend_from_slice(others);
        }
    }
}

/// One agent's day so far.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    rows: &'r Rows,
    place: usize,
}

impl<'r> Row<'r> {
    /// Who it is about; never empty.
    pub fn agent_id(self) -> &'r str {
        self.rows.agent_ids.at(self.place)
    }

    /// The name shown to customers, where the row has one.
    pub fn nickname(self) -> Option<&'r str> {
        let is_there = self.rows.has_nickname.get(self.place).copied();
        is_there?.then(|| self.rows.nicknames.at(self.place))
    }

    /// The number in `field`: finite, or `None` where the row says none.
    pub fn number(self, field: Field) -> Option<f64> {
        let column = self.rows.numbers.get(field.column()?)?;
        let number = column.get(self.place).copied();
        number.filter(|number| number.is_finite())
    }

    /// The fields that held something that is no number (or, for the nickname, no text).
    pub fn ignored(self) -> impl Iterator<Item = Field> {
        let bits = self.ignored_bits();
        // Almost always there is none, and then nothing is looked at.
        let candidates = if bits == 0 { &[] } else { Field::ALL };
        candidates
            .iter()
            .copied()
            .filter(move |field| bits & field.bit() != 0)
    }

    fn ignored_bits(self) -> u32 {
        let bits = self.rows.ignored.get(self.place);
        bits.copied().unwrap_or_default()
    }
}

/// A row that has no place yet. What is said twice counts as it was said last.
pub(super) struct NewRow<'a> {
    /// Without it the row is about no agent.
    agent_id: Cow<'a, str>,
    nickname: Option<Cow<'a, str>>,
    numbers: [f64; NUMBERS],
    ignored: u32,
    had: u32,
}

impl<'a> NewRow<'a> {
    /// Says nothing.
    pub(super) fn new() -> Self {
        Self {
            agent_id: Cow::Borrowed(""),
            nickname: None,
            numbers: [f64::NAN; NUMBERS],
            ignored: 0,
            had: 0,
        }
    }

    /// What its `AgentId` said; empty where that was no text.
    pub(super) fn set_agent_id(&mut self, agent_id: Cow<'a, str>) {
        self.had |= Field::AgentId.bit();
        self.agent_id = agent_id;
    }

    /// Whether it says whom it is about.
    pub(super) fn has_agent_id(&self) -> bool {
        !self.agent_id.is_empty()
    }

    pub(super) fn agent_id(&self) -> &str {
        &self.agent_id
    }

    pub(super) fn nickname(&self) -> &str {
        self.nickname.as_deref().unwrap_or_default()
    }

    /// What its `AgentNickName` said; `None` where that was no text.
    pub(super) fn set_nickname(&mut self, nickname: Option<Cow<'a, str>>) {
        self.note(Field::AgentNickName, nickname.is_some());
        self.nickname = nickname;
    }

    /// What `field` said; `None` where that was no number.
    pub(super) fn set_number(&mut self, field: Field, number: Option<f64>) {
        self.note(field, number.is_some());
        let said = field
            .column()
            .and_then(|column| self.numbers.get_mut(column));
        if let Some(said) = said {
            *said = number.unwrap_or(f64::NAN);
        }
    }

    fn note(&mut self, field: Field, is_understood: bool) {
        self.had |= field.bit();
        if is_understood {
            self.ignored &= !field.bit();
        } else {
            self.ignored |= field.bit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(agents: &[(&'static str, Option<&'static str>, f64)]) -> Rows {
        let mut rows = Rows::default();
        for &(agent_id, nickname, busy) in agents {
            let mut row = NewRow::new();
            row.set_agent_id(agent_id.into());
            row.nickname = nickname.map(Into::into);
            row.set_number(Field::BusyTime, Some(busy));
            row.set_number(Field::RestTime, None);
            rows.push(&row);
        }
        rows
    }

    fn shown(rows: &Rows) -> Vec<(&str, Option<&str>, Option<f64>)> {
        rows.iter()
            .map(|row| (row.agent_id(), row.nickname(), row.number(Field::BusyTime)))
            .collect()
    }

    #[test]
    fn rows_are_told_as_they_were_said_wherever_they_are_put() {
        let mut all = rows(&[("a", Some("张伟"), 1.0), ("b", None, 2.0)]);
        all.append(&rows(&[("é", Some(""), 3.0)]));
        let expected = [
            ("a", Some("张伟"), Some(1.0)),
            ("b", None, Some(2.0)),
            ("é", Some(""), Some(3.0)),
        ];
        assert_eq!(shown(&all), expected);
        let ignored: Vec<_> = all.at(2).ignored().collect();
        assert_eq!(ignored, [Field::RestTime]);
    }

    #[test]
    fn what_any_row_had_is_known_of_all() {
        let mut all = Rows::default();
        let mut passed_over = NewRow::new();
        passed_over.set_number(Field::FreeTime, None);
        all.pass_over(&passed_over);
        all.append(&rows(&[("a", None, 1.0)]));
        let had: Vec<_> = Field::ALL
            .iter()
            .copied()
            .filter(|&field| all.had(field))
            .collect();
        let expected = [
            Field::AgentId,
            Field::FreeTime,
            Field::BusyTime,
            Field::RestTime,
        ];
        assert_eq!(had, expected);
    }

    #[test]
    fn a_row_that_is_not_there_says_nothing() {
        let rows = rows(&[("a", Some("A"), 1.0)]);
        let row = rows.at(1);
        assert_eq!((row.agent_id(), row.nickname()), ("", None));
        assert_eq!(
            (row.number(Field::BusyTime), row.ignored().count()),
            (None, 0)
        );
    }
}
