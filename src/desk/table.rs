//! Rows as a table by column.
//!
//! They are read field by field: a page shows one family of every row, then the next. So the numbers
//! of a field lie side by side, and all texts one behind the other: a family costs the memory that it
//! reads, however many rows there are, and a row costs no allocation.

use std::borrow::Cow;

use super::call::{Column, Kind, MOST_FIELDS, Store, Table};
use crate::base::strings::Strings;

/// The rows of one table of an answer, in Desk's order.
#[derive(Debug)]
pub struct Rows {
    table: &'static Table,
    /// By field.
    columns: Vec<Values>,
    /// Of each row, one bit a field: held something, but not what it should.
    ignored: Vec<u32>,
    /// One bit a field: some row had it, whatever it held, also a row that is not kept.
    had: u32,
    /// How many rows had no key, and are not kept.
    without_key: usize,
}

/// What the rows hold in one field.
#[derive(Debug)]
enum Values {
    /// Empty where a row holds none.
    Texts(Strings),
    /// NaN where a row holds none.
    Numbers(Vec<f64>),
    Ids(Lists),
    /// Nothing is kept.
    Nothing,
}

impl Values {
    fn of(store: Option<Store>) -> Self {
        match store {
            Some(Store::Text) => Self::Texts(Strings::default()),
            Some(Store::Number) => Self::Numbers(Vec::new()),
            Some(Store::Ids) => Self::Ids(Lists::default()),
            None => Self::Nothing,
        }
    }

    fn reserve(&mut self, more: usize) {
        match self {
            Self::Texts(texts) => texts.reserve(more),
            Self::Numbers(numbers) => numbers.reserve_exact(more),
            Self::Ids(_) | Self::Nothing => {}
        }
    }

    fn append(&mut self, others: &Self) {
        match (self, others) {
            (Self::Texts(texts), Self::Texts(others)) => texts.append(others),
            (Self::Numbers(numbers), Self::Numbers(others)) => numbers.extend_from_slice(others),
            (Self::Ids(ids), Self::Ids(others)) => ids.append(others),
            _ => {}
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.bytes(),
            Self::Ids(ids) => ids.items.bytes(),
            Self::Numbers(_) | Self::Nothing => 0,
        }
    }
}

impl Rows {
    /// None yet, of `table`.
    pub fn new(table: &'static Table) -> Self {
        let stores = table.fields.iter().map(|field| field.kind.store());
        Self {
            table,
            columns: stores.map(Values::of).collect(),
            ignored: Vec::new(),
            had: 0,
            without_key: 0,
        }
    }

    /// What they are.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ignored.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ignored.is_empty()
    }

    /// How many rows came without their key; they are not kept.
    pub fn without_key(&self) -> usize {
        self.without_key
    }

    /// How many rows came, of whatever worth.
    pub fn received(&self) -> usize {
        self.len() + self.without_key
    }

    /// The row at `place`, counted from 0; one that says nothing where there is none.
    pub fn at(&self, place: usize) -> Row<'_> {
        Row { rows: self, place }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|place| self.at(place))
    }

    /// The used fields that no row had, whatever it would have held; none where no row came.
    pub fn absent_fields(&self) -> impl Iterator<Item = &'static str> {
        let had = if self.received() == 0 {
            u32::MAX
        } else {
            self.had
        };
        let fields = self.table.fields.iter().enumerate();
        fields
            .filter(move |(place, field)| field.is_used() && had & bit(*place) == 0)
            .map(|(_, field)| field.name)
    }

    /// Puts what `rewrite` makes of it in the place of each text of `kind`.
    pub fn rewrite(&mut self, kind: Kind, rewrite: impl Fn(&str) -> String) {
        for (column, field) in self.columns.iter_mut().zip(self.table.fields) {
            if let Values::Texts(texts) = column
                && field.kind == kind
            {
                let mut rewritten = Strings::default();
                for place in 0..texts.len() {
                    rewritten.push(&rewrite(texts.at(place)));
                }
                *texts = rewritten;
            }
        }
    }

    /// Makes room for `more` rows, and for no more than that.
    pub(super) fn reserve(&mut self, more: usize) {
        self.ignored.reserve_exact(more);
        for column in &mut self.columns {
            column.reserve(more);
        }
    }

    /// How many bytes its texts and ids take.
    pub(super) fn text_bytes(&self) -> usize {
        self.columns.iter().map(Values::text_bytes).sum()
    }

    /// Keeps `row` if it has its key.
    pub(super) fn push(&mut self, row: &NewRow<'_>) {
        self.had |= row.had;
        if self.table.key().is_some() && row.key().is_empty() {
            self.without_key += 1;
            return;
        }
        self.ignored.push(row.ignored);
        for (place, (column, number)) in self.columns.iter_mut().zip(row.numbers).enumerate() {
            match column {
                Values::Numbers(numbers) => numbers.push(number),
                Values::Texts(texts) => texts.push(row.text(place)),
                Values::Ids(ids) => ids.push(row.ids(place)),
                Values::Nothing => {}
            }
        }
    }

    /// Counts a row that is none: what stands in its place is no object.
    pub(super) fn push_nothing(&mut self) {
        self.without_key += 1;
    }

    /// Puts `others`, of the same table, behind those that are there.
    pub(super) fn append(&mut self, others: &Self) {
        self.had |= others.had;
        self.without_key += others.without_key;
        self.ignored.extend_from_slice(&others.ignored);
        for (column, others) in self.columns.iter_mut().zip(&others.columns) {
            column.append(others);
        }
    }
}

/// The ids of many rows: all of them one behind the other, and where those of each row end.
#[derive(Debug, Default)]
struct Lists {
    items: Strings,
    ends: Vec<usize>,
}

impl Lists {
    fn push(&mut self, ids: &[Cow<'_, str>]) {
        for id in ids {
            self.items.push(id);
        }
        self.ends.push(self.items.len());
    }

    fn append(&mut self, others: &Self) {
        let start = self.items.len();
        self.items.append(&others.items);
        self.ends.extend(others.ends.iter().map(|end| start + end));
    }

    fn at(&self, place: usize) -> impl Iterator<Item = &str> {
        let end_of = |place: usize| self.ends.get(place).copied();
        let end = end_of(place).unwrap_or_default();
        let start = place.checked_sub(1).and_then(end_of).unwrap_or_default();
        (start..end).map(|item| self.items.at(item))
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    rows: &'r Rows,
    place: usize,
}

impl<'r> Row<'r> {
    /// What tells it from the others; empty where the table has no key.
    pub fn key(self) -> &'r str {
        // The key is the first field.
        match self.rows.columns.first() {
            Some(Values::Texts(keys)) if self.rows.table.key().is_some() => keys.at(self.place),
            _ => "",
        }
    }

    /// The text in `column`; empty where the row says none.
    pub fn text(self, column: Column) -> &'r str {
        match self.rows.columns.get(column.place) {
            Some(Values::Texts(texts)) => texts.at(self.place),
            _ => "",
        }
    }

    /// The number in `column`: finite, or `None` where the row says none.
    pub fn number(self, column: Column) -> Option<f64> {
        let Some(Values::Numbers(numbers)) = self.rows.columns.get(column.place) else {
            return None;
        };
        let number = numbers.get(self.place).copied();
        number.filter(|number| number.is_finite())
    }

    /// The ids in `column`, each once.
    pub fn ids(self, column: Column) -> impl Iterator<Item = &'r str> {
        let ids = match self.rows.columns.get(column.place) {
            Some(Values::Ids(ids)) => Some(ids),
            _ => None,
        };
        ids.into_iter().flat_map(move |ids| ids.at(self.place))
    }

    /// The names of the fields that held something that is not what they should hold.
    pub fn ignored(self) -> impl Iterator<Item = &'static str> {
        let bits = self
            .rows
            .ignored
            .get(self.place)
            .copied()
            .unwrap_or_default();
        // Almost always there is none, and then nothing is looked at.
        let candidates = if bits == 0 {
            &[]
        } else {
            self.rows.table.fields
        };
        candidates
            .iter()
            .enumerate()
            .filter(move |(place, _)| bits & bit(*place) != 0)
            .map(|(_, field)| field.name)
    }
}

/// That of the field at `place`.
fn bit(place: usize) -> u32 {
    u32::try_from(place).map_or(0, |place| 1_u32.unbounded_shl(place))
}

/// A row that has no place yet. What is said twice counts as it was said last.
pub(super) struct NewRow<'a> {
    /// By field.
    numbers: [f64; MOST_FIELDS],
    texts: Vec<(usize, Cow<'a, str>)>,
    ids: Vec<(usize, Vec<Cow<'a, str>>)>,
    ignored: u32,
    had: u32,
}

impl<'a> NewRow<'a> {
    /// Says nothing.
    pub(super) fn new() -> Self {
        Self {
            numbers: [f64::NAN; MOST_FIELDS],
            texts: Vec::new(),
            ids: Vec::new(),
            ignored: 0,
            had: 0,
        }
    }

    /// Says nothing any more.
    pub(super) fn clear(&mut self) {
        self.numbers = [f64::NAN; MOST_FIELDS];
        self.texts.clear();
        self.ids.clear();
        (self.ignored, self.had) = (0, 0);
    }

    /// What the first field says.
    pub(super) fn key(&self) -> &str {
        self.text(0)
    }

    /// How long its longest text is, the key apart.
    pub(super) fn longest_text(&self) -> usize {
        let texts = self.texts.iter().filter(|(place, _)| *place != 0);
        texts.map(|(_, text)| text.len()).max().unwrap_or_default()
    }

    /// How many ids it holds, and how long the longest is.
    pub(super) fn most_ids(&self) -> (usize, usize) {
        let ids = self.ids.iter().flat_map(|(_, ids)| ids);
        ids.fold((0, 0), |(count, longest), id| {
            (count + 1, longest.max(id.len()))
        })
    }

    fn text(&self, place: usize) -> &str {
        last_at(&self.texts, place).map_or("", AsRef::as_ref)
    }

    fn ids(&self, place: usize) -> &[Cow<'a, str>] {
        last_at(&self.ids, place).map_or(&[], Vec::as_slice)
    }

    /// What the field at `place` said; `None` where that was no number.
    pub(super) fn set_number(&mut self, place: usize, number: Option<f64>) {
        self.note(place, number.is_some());
        if let Some(said) = self.numbers.get_mut(place) {
            *said = number.unwrap_or(f64::NAN);
        }
    }

    /// What the field at `place` said; `None` where that was no text.
    pub(super) fn set_text(&mut self, place: usize, text: Option<Cow<'a, str>>) {
        self.note(place, text.is_some());
        self.texts.push((place, text.unwrap_or_default()));
    }

    /// What the field at `place` said; `None` where those were no ids.
    pub(super) fn set_ids(&mut self, place: usize, ids: Option<Vec<Cow<'a, str>>>) {
        self.note(place, ids.is_some());
        self.ids.push((place, ids.unwrap_or_default()));
    }

    /// Whether the field at `place` was there.
    pub(super) fn had(&self, place: usize) -> bool {
        self.had & bit(place) != 0
    }

    /// The field at `place` was there, and held what it should or not.
    pub(super) fn note(&mut self, place: usize, is_understood: bool) {
        self.had |= bit(place);
        if is_understood {
            self.ignored &= !bit(place);
        } else {
            self.ignored |= bit(place);
        }
    }
}

fn last_at<T>(values: &[(usize, T)], place: usize) -> Option<&T> {
    let at_place = values.iter().rev().find(|(at, _)| *at == place);
    at_place.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::call::{Field, Kind, Shape, number, text};

    static TABLE: Table = Table {
        member: "Data",
        shape: Shape::Array,
        fields: &[
            Field::new("Id", Kind::AgentId),
            text("Name"),
            number("Busy"),
            number("Rest"),
            Field::new("Groups", Kind::Ids),
        ],
    };
    const BUSY: Column = TABLE.number("Busy");

    fn rows(agents: &[(&'static str, &'static str, f64)]) -> Rows {
        let mut rows = Rows::new(&TABLE);
        let mut row = NewRow::new();
        for &(id, name, busy) in agents {
            row.clear();
            row.set_text(0, Some(id.into()));
            row.set_text(1, Some(name.into()));
            row.set_number(2, Some(busy));
            row.set_number(3, None);
            row.set_ids(4, Some(vec![id.into(), "all".into()]));
            rows.push(&row);
        }
        rows
    }

    fn shown(rows: &Rows) -> Vec<(&str, &str, Option<f64>, Vec<&str>)> {
        let (name, groups) = (TABLE.text("Name"), TABLE.ids("Groups"));
        rows.iter()
            .map(|row| {
                let ids = row.ids(groups).collect();
                (row.key(), row.text(name), row.number(BUSY), ids)
            })
            .collect()
    }

    #[test]
    fn rows_are_told_as_they_were_said_wherever_they_are_put() {
        let mut all = rows(&[("a", "张伟", 1.0), ("b", "", 2.0)]);
        all.append(&rows(&[("é", "E", 3.0)]));
        let expected = [
            ("a", "张伟", Some(1.0), vec!["a", "all"]),
            ("b", "", Some(2.0), vec!["b", "all"]),
            ("é", "E", Some(3.0), vec!["é", "all"]),
        ];
        assert_eq!(shown(&all), expected);
        assert_eq!(all.at(2).ignored().collect::<Vec<_>>(), ["Rest"]);
    }

    #[test]
    fn what_any_row_had_is_known_of_all() {
        let mut all = Rows::new(&TABLE);
        assert_eq!(all.absent_fields().count(), 0);
        let mut keyless = NewRow::new();
        keyless.set_number(3, None);
        all.push(&keyless);
        assert_eq!((all.len(), all.without_key(), all.received()), (0, 1, 1));
        let mut others = Rows::new(&TABLE);
        let mut row = NewRow::new();
        row.set_text(0, Some("a".into()));
        row.set_number(2, Some(1.0));
        others.push(&row);
        all.append(&others);
        assert_eq!(all.absent_fields().collect::<Vec<_>>(), ["Name", "Groups"]);
        assert_eq!((all.len(), all.received()), (1, 2));
    }

    #[test]
    fn a_row_that_is_not_there_says_nothing() {
        let rows = rows(&[("a", "A", 1.0)]);
        let row = rows.at(1);
        assert_eq!((row.key(), row.number(BUSY)), ("", None));
        assert_eq!(row.ignored().count(), 0);
        assert_eq!(row.ids(TABLE.ids("Groups")).count(), 0);
    }

    #[test]
    fn what_is_said_last_counts() {
        let mut row = NewRow::new();
        row.set_text(0, Some("a".into()));
        row.set_number(2, None);
        row.set_number(2, Some(5.0));
        row.set_text(1, Some("A".into()));
        row.set_text(1, None);
        let mut rows = Rows::new(&TABLE);
        rows.push(&row);
        let row = rows.at(0);
        assert_eq!(
            (row.number(BUSY), row.text(TABLE.text("Name"))),
            (Some(5.0), "")
        );
        assert_eq!(row.ignored().collect::<Vec<_>>(), ["Name"]);
    }
}
