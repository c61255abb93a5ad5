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
        let bodies = pieces.iter().map(|piece| piece.bytes.clone());
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
    bytes: Bytes,
    checksum: Hasher,
    length: u32,
}

/// Compresses what is written to it.
pub struct Encoder(Kind);

enum Kind {
    Identity(Vec<u8>),
    Gzip(Box<Deflate>),
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
}

impl Encoder {
    /// Starts a piece.
    ///
    /// # Errors
    /// Where zstd cannot get its memory.
    pub fn new(coding: Coding) -> io::Result<Self> {
        Ok(Self(match coding {
            Coding::Identity => Kind::Identity(Vec::new()),
            Coding::Gzip => Kind::Gzip(Box::new(Deflate::new())),
            Coding::Zstd => Kind::Zstd(Box::new(zstd::Encoder::new(Vec::new(), 1)?)),
        }))
    }

    /// The piece; empty if nothing was written.
    ///
    /// # Errors
    /// Those of the compressor: none, writing into memory.
    pub fn finish(self) -> io::Result<Piece> {
        match self.0 {
            Kind::Identity(text) => Ok(Piece {
                bytes: text.into(),
                ..Piece::default()
            }),
            Kind::Gzip(deflate) => deflate.finish(),
            Kind::Zstd(encoder) => Ok(Piece {
                bytes: encoder.finish()?.into(),
                ..Piece::default()
            }),
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

/// Raw deflate blocks, and what gzip wants to know of their content.
struct Deflate {
    compress: Compress,
    blocks: Vec<u8>,
    checksum: Hasher,
    length: u32,
}

/// Room that is made whenever the compressor has none left.
const ROOM: usize = 32 * 1024;

impl Deflate {
    fn new() -> Self {
        Self {
            compress: Compress::new(Compression::fast(), false),
            blocks: Vec::new(),
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
        self.blocks.shrink_to_fit();
        Ok(Piece {
            bytes: self.blocks.into(),
            checksum: self.checksum,
            length: self.length,
        })
    }

    /// Feeds `text` to the end; with a flush, until all that is compressed has come out.
    fn run(&mut self, mut text: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            self.blocks.reserve(ROOM);
            let before = self.compress.total_in();
            let status = self
                .compress
                .compress_vec(text, &mut self.blocks, flush)
                .map_err(io::Error::other)?;
            let taken = usize::try_from(self.compress.total_in() - before).unwrap_or(usize::MAX);
            text = text.get(taken..).unwrap_or_default();
            let has_room_left = self.blocks.len() < self.blocks.capacity();
            if text.is_empty() && (has_room_left || status == Status::BufError) {
                return Ok(());
            }
        }
    }
}
