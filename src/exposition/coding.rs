//! Content codings, in pieces that can be joined without compressing them again.
//!
//! A scrape's answer is the exporter's own families, which change all the time, and the agents',
//! which change once per poll and are much larger. Each is compressed by itself and for as long as
//! it holds; joined they must be one valid answer for every reader:
//!
//! - gzip: curl, browsers and others stop after the first of several members, so the pieces are raw
//!   deflate blocks that end on a byte (a sync flush), and the join puts one member around them. The
//!   checksum of the whole follows from those of the pieces.
//! - zstd: frames, one behind the other, are one stream by its own definition (RFC 8878).

use std::io::{self, Write};

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};
use hyper::body::Bytes;

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
    pub fn join<const N: usize>(self, pieces: [&Piece; N]) -> Vec<Bytes> {
        let bodies = pieces.iter().flat_map(|piece| piece.chunks.iter().cloned());
        match self {
            Self::Identity | Self::Zstd => bodies.collect(),
            Self::Gzip => {
                let mut checksum = Hasher::new();
                let mut length: u32 = 0;
                for piece in pieces {
                    checksum.combine(&piece.checksum);
                    length = length.wrapping_add(piece.length);
                }
                let head = std::iter::once(Bytes::from_static(&GZIP_HEAD));
                head.chain(bodies)
                    .chain(std::iter::once(gzip_tail(checksum, length)))
                    .collect()
            }
        }
    }
}

/// Deflate, no name, no time, no extra flags, made on Unix.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// An empty last block, then the checksum and the length (modulo 2^32) of what was compressed.
fn gzip_tail(checksum: Hasher, length: u32) -> Bytes {
    let mut tail = vec![0x03, 0x00];
    tail.extend_from_slice(&checksum.finalize().to_le_bytes());
    tail.extend_from_slice(&length.to_le_bytes());
    tail.into()
}

/// A part of an answer in some coding.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    chunks: Vec<Bytes>,
    checksum: Hasher,
    length: u32,
}

/// Compresses what is written to it.
pub struct Encoder(Kind);

enum Kind {
    Identity(Chunks),
    Gzip(Box<Deflate>),
    Zstd(Box<zstd::Encoder<'static, Chunks>>),
}

impl Encoder {
    /// Starts a piece.
    ///
    /// # Errors
    /// Where zstd cannot get its memory.
    pub fn new(coding: Coding) -> io::Result<Self> {
        Ok(Self(match coding {
            Coding::Identity => Kind::Identity(Chunks::default()),
            Coding::Gzip => Kind::Gzip(Box::new(Deflate::new())),
            Coding::Zstd => Kind::Zstd(Box::new(zstd::Encoder::new(Chunks::default(), 1)?)),
        }))
    }

    /// The piece; empty if nothing was written.
    ///
    /// # Errors
    /// Those of the compressor: none, writing into memory.
    pub fn finish(self) -> io::Result<Piece> {
        match self.0 {
            Kind::Identity(text) => Ok(text.into_piece()),
            Kind::Gzip(deflate) => deflate.finish(),
            Kind::Zstd(encoder) => Ok(encoder.finish()?.into_piece()),
        }
    }
}

impl Write for Encoder {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Identity(all) => all.write(text),
            Kind::Gzip(deflate) => deflate.write(text),
            Kind::Zstd(encoder) => encoder.write(text),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes in chunks of bounded size: a long piece never has to be moved to a larger place, and what
/// it leaves behind goes back to the system.
#[derive(Default)]
struct Chunks {
    full: Vec<Bytes>,
    open: Vec<u8>,
}

/// The size of a chunk: twice as much is dearer to send by a tenth.
const CHUNK: usize = 128 * 1024;

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
        self.full.push(chunk.into());
    }

    fn into_piece(mut self) -> Piece {
        if !self.open.is_empty() {
            self.close();
        }
        Piece {
            chunks: self.full,
            ..Piece::default()
        }
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (now, _) = bytes.split_at(bytes.len().min(ROOM));
        self.open().extend_from_slice(now);
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Raw deflate blocks, and what gzip wants to know of their content.
struct Deflate {
    compress: Compress,
    blocks: Chunks,
    checksum: Hasher,
    length: u32,
}

/// Room that is made whenever the compressor has none left.
const ROOM: usize = 32 * 1024;

impl Deflate {
    fn new() -> Self {
        Self {
            compress: Compress::new(Compression::fast(), false),
            blocks: Chunks::default(),
            checksum: Hasher::new(),
            length: 0,
        }
    }

    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.checksum.update(text);
        // gzip counts modulo 2^32.
        #[allow(clippy::cast_possible_truncation, reason = "that is the modulo")]
        let length = text.len() as u32;
        self.length = self.length.wrapping_add(length);
        self.run(text, FlushCompress::None)?;
        Ok(text.len())
    }

    fn finish(mut self) -> io::Result<Piece> {
        if self.length > 0 {
            self.run(&[], FlushCompress::Sync)?;
        }
        Ok(Piece {
            checksum: self.checksum,
            length: self.length,
            ..self.blocks.into_piece()
        })
    }

    /// Feeds `text` to the end; with a flush, until all that is compressed has come out.
    fn run(&mut self, mut text: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            let blocks = self.blocks.open();
            let before = self.compress.total_in();
            let status = self
                .compress
                .compress_vec(text, blocks, flush)
                .map_err(io::Error::other)?;
            let taken = usize::try_from(self.compress.total_in() - before).unwrap_or(usize::MAX);
            text = text.get(taken..).unwrap_or_default();
            let has_room_left = blocks.len() < blocks.capacity();
            if text.is_empty() && (has_room_left || status == Status::BufError) {
                return Ok(());
            }
        }
    }
}
