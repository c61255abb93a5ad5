//! Many short strings in one buffer: a string more costs no allocation, and reading them in order reads
//! memory in order.

/// Strings by index, from 0.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    all: String,
    ends: Vec<usize>,
}

impl Strings {
    /// Reserves memory for exactly `more` strings, but for what is in them.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.ends.reserve_exact(more);
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.push_written(|all| all.push_str(text));
    }

    /// Appends the string that `write` adds to the buffer.
    pub(crate) fn push_written(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.all);
        self.ends.push(self.all.len());
    }

    /// Appends all of `others`.
    pub(crate) fn append(&mut self, others: &Self) {
        let start = self.all.len();
        self.all.push_str(&others.all);
        self.ends.extend(others.ends.iter().map(|end| start + end));
    }

    /// The string at index `place`; empty if there is none.
    pub(crate) fn at(&self, place: usize) -> &str {
        let end_of = |place: usize| self.ends.get(place).copied();
        let start = place.checked_sub(1).and_then(end_of).unwrap_or_default();
        let text = end_of(place).and_then(|end| self.all.get(start..end));
        text.unwrap_or_default()
    }

    /// The number of strings.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The length of all strings together.
    pub(crate) fn bytes(&self) -> usize {
        self.all.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_where_they_were_put() {
        let mut texts = Strings::default();
        texts.push("a");
        texts.push("");
        let mut others = Strings::default();
        others.push("客服");
        others.push_written(|all| all.extend(["b", "c"]));
        texts.append(&others);
        let all: Vec<_> = (0..texts.len()).map(|place| texts.at(place)).collect();
        assert_eq!(all, ["a", "", "客服", "bc"]);
        assert_eq!((texts.at(2), texts.at(4)), ("客服", ""));
    }
}
