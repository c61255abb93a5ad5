//! Samples on disk until those of all days are there.
//!
//! OpenMetrics wants a family in one piece, and in it a series in one piece: days come one after the other. So each
//! day's samples of a family are a section of one file. What is held in memory is one day, and at the end one family.
//! The file has no name any more, so that nothing of it is left however the program ends.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::output::draft;
use crate::exposition::text::series_of;

/// The sections.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    length: u64,
    /// Where each begins and how long it is: by family, in the order of the days.
    sections: BTreeMap<usize, Vec<(u64, usize)>>,
}

impl Spill {
    /// None yet, in `folder`.
    ///
    /// # Errors
    /// That the folder cannot be written to.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let (path, file) = draft(folder)?;
        fs::remove_file(path)?;
        Ok(Self {
            file,
            length: 0,
            sections: BTreeMap::new(),
        })
    }

    /// Adds a day's `lines` of the family at `place`.
    ///
    /// # Errors
    /// That they cannot be written.
    pub(super) fn add(&mut self, place: usize, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let section = lines.concat();
        self.file.write_all_at(section.as_bytes(), self.length)?;
        let sections = self.sections.entry(place).or_default();
        sections.push((self.length, section.len()));
        self.length += section.len() as u64;
        Ok(())
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Writes the family at `place` to `out` behind its `head`, if there is anything of it: one series after the other.
    ///
    /// # Errors
    /// That it cannot be read or written.
    pub(super) fn write(&self, place: usize, head: &str, out: &mut impl Write) -> io::Result<()> {
        let Some(sections) = self.sections.get(&place) else {
            return Ok(());
        };
        let mut lines_of: BTreeMap<String, String> = BTreeMap::new();
        for &(start, length) in sections {
            let mut section = vec![0; length];
            self.file.read_exact_at(&mut section, start)?;
            for line in String::from_utf8_lossy(&section).split_inclusive('\n') {
                let series = series_of(line).to_owned();
                lines_of.entry(series).or_default().push_str(line);
            }
        }
        out.write_all(head.as_bytes())?;
        let mut all = lines_of.values();
        all.try_for_each(|lines| out.write_all(lines.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_series_is_in_one_piece_and_in_order_of_days() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        spill
            .add(7, &lines(&["x{a=\"1\"} 1 10", "x{a=\"2\"} 2 10"]))
            .unwrap();
        spill.add(3, &lines(&["y 5 10"])).unwrap();
        spill.add(7, &[]).unwrap();
        spill
            .add(7, &lines(&["x{a=\"1\"} 3 20", "x{a=\"3 b\"} 4 20"]))
            .unwrap();
        spill.add(3, &lines(&["y 6 20"])).unwrap();
        let mut out = Vec::new();
        for place in [3, 5, 7] {
            let head = format!("# {place}\n");
            spill.write(place, &head, &mut out).unwrap();
        }
        let expected = lines(&[
            "# 3",
            "y 5 10",
            "y 6 20",
            "# 7",
            "x{a=\"1\"} 1 10",
            "x{a=\"1\"} 3 20",
            "x{a=\"2\"} 2 10",
            "x{a=\"3 b\"} 4 20",
        ]);
        assert_eq!(String::from_utf8(out).unwrap(), expected.concat());
    }
}
