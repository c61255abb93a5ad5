//! Whether what a client has sent so far ends in the middle of something.
//!
//! A client that has begun to ask is to go on; one that has not may wait for minutes. In HTTP/1 any
//! byte behind an answer begins a request. In HTTP/2 there is other traffic as well, pings above all,
//! so that only what is cut off counts: a frame, or a head of which more frames are to come.

/// The length of a frame's own head (RFC 9113, section 4.1).
const FRAME_HEAD: usize = 9;

/// What comes before the first frame.
const PREFACE: usize = 24;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows what a client sends.
#[derive(Debug)]
pub(crate) enum Heads {
    Http1,
    Http2(Frames),
}

impl Heads {
    /// Those of a new connection.
    pub(crate) fn of(is_http2: bool) -> Self {
        match is_http2 {
            false => Self::Http1,
            true => Self::Http2(Frames {
                head: Vec::with_capacity(FRAME_HEAD),
                skip: PREFACE,
                is_open: false,
            }),
        }
    }

    /// Whether something has begun and not ended, now that `bytes` have come.
    pub(crate) fn are_open_after(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Http1 => true,
            Self::Http2(frames) => frames.are_open_after(bytes),
        }
    }
}

/// Frames as they come.
#[derive(Debug)]
pub(crate) struct Frames {
    /// What is there of the next frame's head.
    head: Vec<u8>,
    /// What is missing of the latest frame's content.
    skip: usize,
    /// Whether the latest frame was part of a request's head, and not the last one.
    is_open: bool,
}

impl Frames {
    fn are_open_after(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let (_, rest) = bytes.split_at(self.skip.min(bytes.len()));
            self.skip -= bytes.len() - rest.len();
            let (head, rest) = rest.split_at((FRAME_HEAD - self.head.len()).min(rest.len()));
            self.head.extend_from_slice(head);
            let [a, b, c, kind, flags, ..] = self.head[..] else {
                break;
            };
            if self.head.len() < FRAME_HEAD {
                break;
            }
            self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if matches!(kind, HEADERS | CONTINUATION) {
                self.is_open = flags & END_HEADERS == 0;
            }
            self.head.clear();
            bytes = rest;
        }
        self.skip > 0 || !self.head.is_empty() || self.is_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.extend_from_slice(content);
        frame
    }

    #[test]
    fn frames_are_told_apart_however_they_are_cut() {
        let mut all = vec![b'.'; PREFACE];
        // Where everything is complete: behind each of these.
        let mut ends = vec![all.len()];
        for part in [
            frame(4, 0, b""),
            frame(6, 0, b"12345678"),
            frame(HEADERS, END_HEADERS, b"abc"),
            [
                frame(HEADERS, 0, b"a"),
                frame(CONTINUATION, 0, b""),
                frame(CONTINUATION, END_HEADERS, b"c"),
            ]
            .concat(),
            frame(8, 0, b"1234"),
        ] {
            all.extend_from_slice(&part);
            ends.push(all.len());
        }
        for size in 1..all.len() {
            let mut heads = Heads::of(true);
            let mut seen = 0;
            for bytes in all.chunks(size) {
                seen += bytes.len();
                let is_open = heads.are_open_after(bytes);
                assert_eq!(is_open, !ends.contains(&seen), "{seen} bytes by {size}");
            }
        }
        assert!(Heads::of(false).are_open_after(b"G"));
    }
}
