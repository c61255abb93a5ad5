//! Whether the bytes that a client has sent so far end in the middle of something.
//!
//! A request that has begun must be completed within seconds; a connection without one may idle for
//! minutes. In HTTP/1 every byte after a response begins a request. In HTTP/2, which is followed here, there
//! are other frames too, pings above all: only an incomplete frame counts, and a head that more frames continue.

/// The length of a frame's header (RFC 9113, section 4.1).
const FRAME_HEADER: usize = 9;

/// The length of the connection preface, which precedes the first frame.
const PREFACE: usize = 24;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the bytes of one connection in HTTP/2.
#[derive(Debug)]
pub(crate) struct Frames {
    /// The bytes of the next frame's header so far.
    header: Vec<u8>,
    /// The number of bytes missing from the latest frame.
    missing: usize,
    /// Whether the latest frame of a request's head was not its last.
    is_head_open: bool,
}

impl Frames {
    /// The start of a connection: its preface is to come.
    pub(crate) fn new() -> Self {
        Self {
            header: Vec::with_capacity(FRAME_HEADER),
            missing: PREFACE,
            is_head_open: false,
        }
    }

    /// Whether something is incomplete once `bytes` have come.
    pub(crate) fn is_incomplete_after(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let (_, rest) = bytes.split_at(self.missing.min(bytes.len()));
            self.missing -= bytes.len() - rest.len();
            let (header, rest) = rest.split_at((FRAME_HEADER - self.header.len()).min(rest.len()));
            self.header.extend_from_slice(header);
            let [a, b, c, kind, flags, _, _, _, _] = self.header[..] else {
                break;
            };
            self.missing = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if matches!(kind, HEADERS | CONTINUATION) {
                self.is_head_open = flags & END_HEADERS == 0;
            }
            self.header.clear();
            bytes = rest;
        }
        self.missing > 0 || !self.header.is_empty() || self.is_head_open
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
        // Nothing is incomplete after these numbers of bytes.
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
            let mut frames = Frames::new();
            let mut seen = 0;
            for bytes in all.chunks(size) {
                seen += bytes.len();
                let is_incomplete = frames.is_incomplete_after(bytes);
                assert_eq!(
                    is_incomplete,
                    !ends.contains(&seen),
                    "{seen} bytes by {size}"
                );
            }
        }
    }
}
