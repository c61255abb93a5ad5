//! Content codings, in pieces that can be joined without compressing them again.
//!
//! A scrape's answer is the exporter's own families, which change all the time, and the agents',
//! which change once per poll and are much larger. Each is compressed by itself and for as long as
//! it holds; joined they must be one valid answer for every reader. Several gzip members, or several
//! zstd frames, are valid too, and there are readers who stop after the first, so there is one:
//!
//! - gzip (RFC 1952): the pieces are raw deflate blocks that end on a byte (a sync flush), and the join
//!   puts one member around them. The checksum of the whole follows from those of the pieces.
//! - zstd (RFC 8878): the pieces are blocks, and the join puts one frame around them. A compressed
//!   block may build on what others before it in the frame have left behind, so a frame has one
//!   compressed piece, that of today's agents; the others are raw blocks, which leave nothing behind.

use std::io::{self, Read, Write};
use std::mem::take;
use std::sync::Arc;
use std::vec::IntoIter;

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use hyper::body::{Buf as _, Bytes};

/// How an answer's body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952: what every Prometheus asks for.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The value of `Content-Encoding`; none where there is nothing to say.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// One body out of `pieces`, in their order. Nothing of them is copied.
    pub fn join(self, pieces: &[&Piece]) -> Vec<Bytes> {
        let chunks = pieces.iter().flat_map(|piece| piece.chunks());
        match self {
            Self::Identity => chunks.collect(),
            Self::Gzip => {
                let mut member = vec![Bytes::from_static(&GZIP_HEAD)];
                member.extend(chunks);
                member.push(gzip_tail(pieces));
                member
            }
            Self::Zstd => zstd_frames(pieces),
        }
    }
}

/// Deflate, no name, no time, no extra flags, made on Unix.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// An empty last block, then the checksum and the length (modulo 2^32) of what was compressed.
fn gzip_tail(pieces: &[&Piece]) -> Bytes {
    let mut checksum = Crc::new();
    for piece in pieces {
        checksum.combine(&piece.checksum);
    }
    let mut tail = vec![0x03, 0x00];
    tail.extend(checksum.sum().to_le_bytes());
    tail.extend(checksum.amount().to_le_bytes());
    tail.into()
}

/// One frame, but where several pieces are compressed.
fn zstd_frames(pieces: &[&Piece]) -> Vec<Bytes> {
    let mut frames = vec![Bytes::from_static(&ZSTD_HEAD)];
    let mut has_compressed = false;
    for piece in pieces {
        if piece.is_compressed && std::mem::replace(&mut has_compressed, true) {
            frames.push(Bytes::from_static(&ZSTD_TAIL));
            frames.push(Bytes::from_static(&ZSTD_HEAD));
        }
        frames.extend(piece.chunks());
    }
    frames.push(Bytes::from_static(&ZSTD_TAIL));
    frames
}

/// Neither length nor checksum nor dictionary, and a window of 2 to the power of [`ZSTD_WINDOW`].
const ZSTD_HEAD: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (ZSTD_WINDOW - 10) << 3];
const ZSTD_WINDOW: u8 = 19;

/// A raw block of nothing, the last one.
const ZSTD_TAIL: [u8; 3] = [1, 0, 0];

/// A part of an answer in some coding.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    chunks: Vec<Bytes>,
    /// By gzip: of what was compressed.
    checksum: Arc<Crc>,
    /// By zstd: blocks that stand for something else in another place.
    is_compressed: bool,
}

impl Piece {
    /// How many bytes it holds.
    pub fn size(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// The bytes that it holds.
    pub fn chunks(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.chunks.iter().cloned()
    }
}

/// Codes what is written to it.
pub struct Encoder {
    /// None where it became larger than it may, or the compressor has no memory.
    body: Option<Body>,
    checksum: Crc,
    is_empty: bool,
}

enum Body {
    Identity(Chunks),
    Gzip(DeflateEncoder<Chunks>),
    Zstd(Box<zstd::Encoder<'static, Chunks>>),
    RawZstd(Chunks),
}

impl Encoder {
    /// Starts a piece that may hold `most` bytes.
    pub fn within(most: usize, coding: Coding) -> Self {
        match coding {
            Coding::Identity | Coding::Gzip => Self::raw_within(most, coding),
            Coding::Zstd => Self::of(zstd_encoder(most).ok()),
        }
    }

    /// Starts a piece of which zstd makes raw blocks: several of them fit in one frame.
    pub fn raw_within(most: usize, coding: Coding) -> Self {
        let chunks = Chunks::within(most);
        Self::of(Some(match coding {
            Coding::Identity => Body::Identity(chunks),
            Coding::Gzip => Body::Gzip(DeflateEncoder::new(chunks, Compression::fast())),
            Coding::Zstd => Body::RawZstd(chunks),
        }))
    }

    fn of(body: Option<Body>) -> Self {
        Self {
            body,
            checksum: Crc::new(),
            is_empty: true,
        }
    }

    /// Adds `text`, in vain where the piece becomes larger than it may.
    pub fn push(&mut self, text: &[u8]) {
        self.is_empty &= text.is_empty();
        let written = match &mut self.body {
            None => return,
            Some(Body::Identity(chunks)) => chunks.write_all(text),
            Some(Body::Gzip(encoder)) => {
                self.checksum.update(text);
                encoder.write_all(text)
            }
            Some(Body::Zstd(encoder)) => encoder.write_all(text),
            Some(Body::RawZstd(chunks)) => write_raw_blocks(text, chunks),
        };
        if written.is_err() {
            self.body = None;
        }
    }

    /// The piece, empty if nothing was written; `None` where it would hold more than it may.
    pub fn finish(self) -> Option<Piece> {
        let body = self.body?;
        if self.is_empty {
            return Some(Piece::default());
        }
        let is_compressed = matches!(body, Body::Zstd(_));
        let chunks = match body {
            Body::Identity(chunks) | Body::RawZstd(chunks) => chunks.into_bytes(),
            Body::Gzip(mut encoder) => {
                encoder.flush().ok()?;
                take(encoder.get_mut()).into_bytes()
            }
            Body::Zstd(encoder) => blocks_of(*encoder)?,
        };
        Some(Piece {
            chunks,
            checksum: Arc::new(self.checksum),
            is_compressed,
        })
    }
}

fn zstd_encoder(most: usize) -> io::Result<Body> {
    // What it writes begins with a head, which is cut off again.
    let chunks = Chunks::within(most.saturating_add(ZSTD_HEAD.len()));
    let mut encoder = zstd::Encoder::new(chunks, 1)?;
    encoder.window_log(ZSTD_WINDOW.into())?;
    Ok(Body::Zstd(Box::new(encoder)))
}

/// The blocks that zstd has written, without the head of a frame, none of them the last.
fn blocks_of(mut encoder: zstd::Encoder<'static, Chunks>) -> Option<Vec<Bytes>> {
    encoder.flush().ok()?;
    let mut blocks = take(encoder.get_mut()).into_bytes();
    let first = blocks.first_mut()?;
    let head = first.split_to(ZSTD_HEAD.len().min(first.len()));
    // Another head would be of another zstd than the join is made for.
    (*head == ZSTD_HEAD).then_some(blocks)
}

/// Writes `text` as it is, in blocks of zstd.
fn write_raw_blocks(text: &[u8], out: &mut Chunks) -> io::Result<()> {
    for block in text.chunks(ROOM / 2) {
        // A block's length has 17 bits; before it are its kind, 0, and whether it is the last one.
        let [low, middle, high, ..] = (block.len() << 3).to_le_bytes();
        out.write_all(&[low, middle, high])?;
        out.write_all(block)?;
    }
    Ok(())
}

/// Bytes in chunks of bounded size: a long piece never has to be moved to a larger place, and what
/// it leaves behind goes back to the system. Writing more than it may hold fails.
#[derive(Default)]
struct Chunks {
    full: Vec<Bytes>,
    open: Vec<u8>,
    /// How many bytes more it may hold.
    left: usize,
}

/// The most bytes of a chunk: twice as many are dearer to send by a tenth.
const CHUNK: usize = 128 * 1024;

/// What is written at once, at most: each chunk is filled but for that.
const ROOM: usize = 32 * 1024;

impl Chunks {
    fn within(most: usize) -> Self {
        Self {
            left: most,
            ..Self::default()
        }
    }

    fn close(&mut self) {
        let mut chunk = take(&mut self.open);
        chunk.shrink_to_fit();
        self.full.push(chunk.into());
    }

    fn into_bytes(mut self) -> Vec<Bytes> {
        if !self.open.is_empty() {
            self.close();
        }
        self.full
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or(io::ErrorKind::StorageFull)?;
        for part in bytes.chunks(ROOM) {
            if self.open.len() + part.len() > CHUNK {
                self.close();
            }
            self.open.extend_from_slice(part);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The plain bytes of a piece in gzip, decompressed as they are read.
#[derive(Debug)]
pub struct Inflating {
    piece: Arc<Piece>,
    plain: DeflateDecoder<Blocks>,
}

/// How much of it is made at a time.
const STEP: usize = 64 * 1024;

impl Inflating {
    /// All of `piece`, which is in gzip.
    pub fn new(piece: Arc<Piece>) -> Self {
        let blocks = Blocks {
            chunk: Bytes::new(),
            behind: piece.chunks.clone().into_iter(),
        };
        Self {
            piece,
            plain: DeflateDecoder::new(blocks),
        }
    }

    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        let all = u64::from(self.piece.checksum.amount());
        all.saturating_sub(self.plain.total_out())
    }

    /// What they are made of.
    pub fn source(&self) -> &[Bytes] {
        &self.piece.chunks
    }
}

impl Iterator for Inflating {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        // No more than there is: no block says that it is the last one.
        let step = self.left().min(STEP as u64);
        let mut made = Vec::with_capacity(STEP);
        match self.plain.by_ref().take(step).read_to_end(&mut made) {
            Ok(0) => None,
            read => Some(read.map(|_| made.into())),
        }
    }
}

/// What is not decompressed yet: the rest of a chunk, and the chunks behind it.
#[derive(Debug)]
struct Blocks {
    chunk: Bytes,
    behind: IntoIter<Bytes>,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            self.chunk = self.behind.next().unwrap_or_default();
        }
        let read = (&*self.chunk).read(buffer)?;
        self.chunk.advance(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(mut encoder: Encoder, text: &[u8]) -> Piece {
        encoder.push(text);
        encoder.finish().unwrap()
    }

    /// Of few letters, so that it repeats itself in every way, from its first byte on.
    fn repetitive_text(most: usize) -> Vec<u8> {
        let letters = fastrand::u8(1..5);
        let length = fastrand::usize(..most);
        (0..length)
            .map(|_| b'a' + fastrand::u8(..letters))
            .collect()
    }

    #[test]
    fn a_compressed_block_builds_on_nothing_that_a_raw_piece_has_left_behind() {
        for _ in 0..500 {
            let (before, text, after) = (
                repetitive_text(400),
                repetitive_text(400),
                repetitive_text(40),
            );
            let coding = Coding::Zstd;
            let joined = coding.join(&[
                &piece(Encoder::raw_within(usize::MAX, coding), &before),
                &piece(Encoder::within(usize::MAX, coding), &text),
                &piece(Encoder::raw_within(usize::MAX, coding), &after),
            ]);
            let joined = joined.concat();
            let mut rest = joined.as_slice();
            let mut frame = zstd::Decoder::with_buffer(&mut rest)
                .unwrap()
                .single_frame();
            let mut plain = Vec::new();
            frame.read_to_end(&mut plain).unwrap();
            assert!(plain == [before, text, after].concat());
            assert!(rest.is_empty(), "it is all in one frame");
        }
    }
}
