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

use std::io::{self, Write};
use std::sync::Arc;

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use hyper::body::Bytes;

use super::Output;

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
        match self {
            Self::Identity => pieces.iter().flat_map(|piece| piece.chunks()).collect(),
            Self::Gzip => gzip_member(pieces),
            Self::Zstd => zstd_frames(pieces),
        }
    }
}

fn gzip_member(pieces: &[&Piece]) -> Vec<Bytes> {
    let head = std::iter::once(Bytes::from_static(&GZIP_HEAD));
    let blocks = pieces.iter().flat_map(|piece| piece.chunks());
    head.chain(blocks)
        .chain(std::iter::once(gzip_tail(pieces)))
        .collect()
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

/// Deflate, no name, no time, no extra flags, made on Unix.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// An empty last block, then the checksum and the length (modulo 2^32) of what was compressed.
fn gzip_tail(pieces: &[&Piece]) -> Bytes {
    let mut checksum = Crc::new();
    let mut length: u64 = 0;
    for piece in pieces {
        checksum.combine(&piece.checksum);
        length = length.wrapping_add(piece.length);
    }
    let mut tail = vec![0x03, 0x00];
    tail.extend_from_slice(&checksum.sum().to_le_bytes());
    tail.extend(length.to_le_bytes().into_iter().take(4));
    tail.into()
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
    /// Of what was compressed by gzip.
    checksum: Arc<Crc>,
    /// Of what was written, before it was coded.
    length: u64,
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
    body: Body,
    length: u64,
    most: usize,
}

enum Body {
    Identity(Chunks),
    Gzip(Box<Deflate>),
    Zstd(Box<zstd::Encoder<'static, Chunks>>),
    RawZstd(RawBlocks),
    /// It became larger than it may, or the compressor has no memory.
    Given,
}

impl Encoder {
    /// Starts a piece that may hold `most` bytes.
    pub fn within(most: usize, coding: Coding) -> Self {
        let body = match coding {
            Coding::Zstd => {
                zstd_encoder().map_or(Body::Given, |encoder| Body::Zstd(Box::new(encoder)))
            }
            _ => return Self::raw_within(most, coding),
        };
        Self::of(body, most)
    }

    /// Starts a piece of which zstd makes raw blocks: several of them fit in one frame.
    pub fn raw_within(most: usize, coding: Coding) -> Self {
        let body = match coding {
            Coding::Identity => Body::Identity(Chunks::default()),
            Coding::Gzip => Body::Gzip(Box::new(Deflate::new())),
            Coding::Zstd => Body::RawZstd(RawBlocks::default()),
        };
        Self::of(body, most)
    }

    fn of(body: Body, most: usize) -> Self {
        Self {
            body,
            length: 0,
            most,
        }
    }

    /// The piece, empty if nothing was written; `None` where it would hold more than it may.
    pub fn finish(self) -> Option<Piece> {
        let is_compressed = matches!(self.body, Body::Zstd(_));
        let (chunks, checksum) = match self.body {
            Body::Given => return None,
            _ if self.length == 0 => Default::default(),
            Body::Identity(text) => (text, Crc::new()),
            Body::Gzip(deflate) => deflate.finish()?,
            Body::Zstd(encoder) => (blocks_of(*encoder)?, Crc::new()),
            Body::RawZstd(blocks) => (blocks.0, Crc::new()),
        };
        (chunks.size() <= self.most).then(|| Piece {
            chunks: chunks.into_bytes(),
            checksum: Arc::new(checksum),
            length: self.length,
            is_compressed,
        })
    }
}

impl Output for Encoder {
    fn push(&mut self, text: &[u8]) {
        let size = match &mut self.body {
            Body::Identity(all) => {
                all.push(text);
                Some(all.size())
            }
            Body::Gzip(deflate) => deflate.push(text),
            Body::Zstd(encoder) => encoder
                .write_all(text)
                .ok()
                .map(|()| encoder.get_ref().size()),
            Body::RawZstd(blocks) => {
                blocks.push(text);
                Some(blocks.0.size())
            }
            Body::Given => None,
        };
        self.length += text.len() as u64;
        if size.is_none_or(|size| size > self.most) {
            self.body = Body::Given;
        }
    }
}

fn zstd_encoder() -> io::Result<zstd::Encoder<'static, Chunks>> {
    let mut encoder = zstd::Encoder::new(Chunks::default(), 1)?;
    encoder.window_log(ZSTD_WINDOW.into())?;
    Ok(encoder)
}

/// The blocks that zstd has written, without the head of a frame, none of them the last.
fn blocks_of(mut encoder: zstd::Encoder<'static, Chunks>) -> Option<Chunks> {
    encoder.flush().ok()?;
    let mut blocks = std::mem::take(encoder.get_mut());
    // Another head would be of another zstd than the join is made for.
    (*blocks.cut(ZSTD_HEAD.len()) == ZSTD_HEAD).then_some(blocks)
}

/// Blocks of zstd that hold what they stand for as it is.
#[derive(Default)]
struct RawBlocks(Chunks);

impl RawBlocks {
    fn push(&mut self, text: &[u8]) {
        for block in text.chunks(ROOM / 2) {
            // A block's length has 17 bits; before it are its kind, 0, and whether it is the last one.
            let [low, middle, high, ..] = (block.len() << 3).to_le_bytes();
            let blocks = self.0.open();
            blocks.extend_from_slice(&[low, middle, high]);
            blocks.extend_from_slice(block);
        }
    }
}

/// Bytes in chunks of bounded size: a long piece never has to be moved to a larger place, and what
/// it leaves behind goes back to the system.
#[derive(Default)]
struct Chunks {
    full: Vec<Bytes>,
    in_full: usize,
    open: Vec<u8>,
}

/// The size of a chunk: twice as much is dearer to send by a tenth.
const CHUNK: usize = 128 * 1024;

/// Room that is made whenever there is none left.
const ROOM: usize = 32 * 1024;

impl Chunks {
    /// Where the next bytes go: never without room, if only a little.
    fn open(&mut self) -> &mut Vec<u8> {
        if self.open.len() >= CHUNK - ROOM {
            self.close();
        }
        self.open.reserve(ROOM);
        &mut self.open
    }

    fn close(&mut self) {
        let mut chunk = std::mem::take(&mut self.open);
        chunk.shrink_to_fit();
        self.in_full += chunk.len();
        self.full.push(chunk.into());
    }

    /// Takes the first `count` bytes away, or as many as there are in one place.
    fn cut(&mut self, count: usize) -> Bytes {
        if self.full.is_empty() {
            self.close();
        }
        self.full.first_mut().map_or_else(Bytes::new, |first| {
            let cut = first.split_to(count.min(first.len()));
            self.in_full -= cut.len();
            cut
        })
    }

    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(ROOM) {
            self.open().extend_from_slice(part);
        }
    }

    fn size(&self) -> usize {
        self.in_full + self.open.len()
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
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Raw deflate blocks, and the checksum of their content.
struct Deflate {
    compress: Compress,
    blocks: Chunks,
    checksum: Crc,
}

impl Deflate {
    fn new() -> Self {
        Self {
            compress: Compress::new(Compression::fast(), false),
            blocks: Chunks::default(),
            checksum: Crc::new(),
        }
    }

    /// How much there is then; `None` where it cannot be compressed.
    fn push(&mut self, text: &[u8]) -> Option<usize> {
        self.checksum.update(text);
        self.run(text, FlushCompress::None)?;
        Some(self.blocks.size())
    }

    fn finish(mut self) -> Option<(Chunks, Crc)> {
        self.run(&[], FlushCompress::Sync)?;
        Some((self.blocks, self.checksum))
    }

    /// Feeds `text` to the end; with a flush, until all that is compressed has come out.
    fn run(&mut self, mut text: &[u8], flush: FlushCompress) -> Option<()> {
        loop {
            let blocks = self.blocks.open();
            let before = self.compress.total_in();
            let status = self.compress.compress_vec(text, blocks, flush).ok()?;
            text = behind(text, self.compress.total_in() - before);
            let has_room_left = blocks.len() < blocks.capacity();
            if text.is_empty() && (has_room_left || status == Status::BufError) {
                return Some(());
            }
        }
    }
}

fn behind(bytes: &[u8], taken: u64) -> &[u8] {
    let taken = usize::try_from(taken).unwrap_or(usize::MAX);
    bytes.get(taken..).unwrap_or_default()
}

/// The plain bytes of a piece in gzip, decompressed as they are read.
#[derive(Debug)]
pub struct Inflating {
    piece: Arc<Piece>,
    decompress: Decompress,
    /// Where it is: in which chunk, and how far.
    chunk: usize,
    offset: usize,
}

/// How much of it is made at a time.
const STEP: usize = 64 * 1024;

impl Inflating {
    /// All of `piece`, which is in gzip.
    pub fn new(piece: Arc<Piece>) -> Self {
        Self {
            piece,
            decompress: Decompress::new(false),
            chunk: 0,
            offset: 0,
        }
    }

    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        let made = self.decompress.total_out();
        self.piece.length.saturating_sub(made)
    }

    /// What they are made of.
    pub fn source(&self) -> &[Bytes] {
        &self.piece.chunks
    }

    /// Fills `plain` as far as there is something to fill it with.
    fn fill(&mut self, plain: &mut Vec<u8>) -> io::Result<()> {
        while let Some(chunk) = self.piece.chunks.get(self.chunk) {
            let blocks = chunk.get(self.offset..).unwrap_or_default();
            let before = self.decompress.total_in();
            self.decompress
                .decompress_vec(blocks, plain, FlushDecompress::None)
                .map_err(io::Error::other)?;
            self.offset += blocks.len() - behind(blocks, self.decompress.total_in() - before).len();
            if plain.len() == plain.capacity() {
                break;
            }
            self.chunk += 1;
            self.offset = 0;
        }
        Ok(())
    }
}

impl Iterator for Inflating {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut plain = Vec::with_capacity(STEP);
        let filled = self.fill(&mut plain);
        match filled {
            Ok(()) if plain.is_empty() => None,
            filled => Some(filled.map(|()| plain.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

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
