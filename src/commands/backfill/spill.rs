//! Samples on disk until those of all days are there.
//!
//! OpenMetrics wants a family in one piece, and in it a series in one piece: days come one after the other. So each
//! day's samples of a family are a section of one file, in the order of their series, and sections are merged at the
//! end. What is held in memory is one day, and a line of each section. The file has no name any more, so that nothing of it
//! is left however the program ends, and only its owner could read it before.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::exposition::text::series_of;

/// What is read of a section at once.
const CHUNK: usize = 4 * 1024;

/// The sections.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    length: u64,
    /// By family, in the order of the days.
    sections: BTreeMap<usize, Vec<Section>>,
}

/// Where the samples of one family and one day are.
#[derive(Debug, Clone, Copy)]
struct Section {
    start: u64,
    end: u64,
}

impl Spill {
    /// None yet, in `folder`.
    ///
    /// # Errors
    /// That the folder cannot be written to.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!(".backfill-{:016x}", fastrand::u64(..)));
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        fs::remove_file(&path)?;
        Ok(Self {
            file,
            length: 0,
            sections: BTreeMap::new(),
        })
    }

    /// Adds a day's `lines` of the family at `place`, which are in the order of their series.
    ///
    /// # Errors
    /// That they cannot be written.
    pub(super) fn add(&mut self, place: usize, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let bytes = lines.concat().into_bytes();
        self.file.write_all_at(&bytes, self.length)?;
        let end = self.length + bytes.len() as u64;
        let start = std::mem::replace(&mut self.length, end);
        self.sections
            .entry(place)
            .or_default()
            .push(Section { start, end });
        Ok(())
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Writes all families to `out`, each behind what `head` says of it.
    ///
    /// # Errors
    /// That they cannot be read or written.
    pub(super) fn merge(
        &self,
        head: impl Fn(usize) -> String,
        out: &mut impl Write,
    ) -> io::Result<()> {
        for (&place, sections) in &self.sections {
            out.write_all(head(place).as_bytes())?;
            let mut days = Vec::new();
            for &section in sections {
                days.push(Lines::of(&self.file, section)?);
            }
            while let Some(series) = days.iter().filter_map(Lines::series).min() {
                let series = series.to_owned();
                for day in &mut days {
                    while day.series() == Some(&series) {
                        out.write_all(day.line.as_bytes())?;
                        day.advance()?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The lines of a section, and the one that is next: empty behind the last.
struct Lines<'f> {
    reader: BufReader<SectionReader<'f>>,
    line: String,
}

impl<'f> Lines<'f> {
    fn of(file: &'f File, section: Section) -> io::Result<Self> {
        let reader = BufReader::with_capacity(CHUNK, SectionReader { file, section });
        let mut lines = Self {
            reader,
            line: String::new(),
        };
        lines.advance()?;
        Ok(lines)
    }

    fn series(&self) -> Option<&str> {
        (!self.line.is_empty()).then(|| series_of(&self.line))
    }

    fn advance(&mut self) -> io::Result<()> {
        self.line.clear();
        self.reader.read_line(&mut self.line)?;
        Ok(())
    }
}

/// What is left of a section.
struct SectionReader<'f> {
    file: &'f File,
    section: Section,
}

impl Read for SectionReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.section.end - self.section.start;
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most) else {
            return Ok(0);
        };
        let read = self.file.read_at(buffer, self.section.start)?;
        self.section.start += read as u64;
        Ok(read)
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
        spill
            .merge(|place| format!("# {place}\n"), &mut out)
            .unwrap();
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
