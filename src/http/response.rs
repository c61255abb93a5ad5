//! Responses, and bodies of several parts that are neither copied nor held longer than needed.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Buf, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use crate::exposition::coding::Inflating;
use crate::http::connections::PendingResponse;

/// A response of `body`.
pub fn response(
    status: StatusCode,
    content_type: HeaderValue,
    body: ResponseBody,
) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A response of one line of plain text.
pub fn text(status: StatusCode, line: impl Into<Bytes>) -> Response<ResponseBody> {
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    let body = std::iter::once(line.into());
    response(status, content_type, body.collect())
}

/// The response to HEAD where GET gets `response`: without its body, which hyper omits by itself in
/// HTTP/1 only.
pub(crate) fn without_body(response: Response<ResponseBody>) -> Response<ResponseBody> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(head, ResponseBody::default())
}

/// The body of a response: its parts in order.
#[derive(Debug, Default)]
pub struct ResponseBody {
    remaining: VecDeque<Part>,
    pending: Option<Arc<PendingResponse>>,
}

/// A part of a body.
#[derive(Debug)]
pub enum Part {
    /// Bytes in memory.
    Ready(Bytes),
    /// Bytes made as the client reads them, so that a slow client holds only what they are made from.
    Lazy(Box<Inflating>),
}

/// The memory that a lazy part needs beside its source: the latest chunk, and the decoder's window
/// and buffer of 32 KiB each.
const LAZY_MEMORY: usize = 128 * 1024;

impl Part {
    fn remaining(&self) -> u64 {
        match self {
            Self::Ready(bytes) => bytes.len() as u64,
            Self::Lazy(lazy) => lazy.left(),
        }
    }

    fn held(&self) -> &[Bytes] {
        match self {
            Self::Ready(bytes) => std::slice::from_ref(bytes),
            Self::Lazy(lazy) => lazy.source(),
        }
    }
}

impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Self {
        Self::Ready(bytes)
    }
}

impl<P: Into<Part>> FromIterator<P> for ResponseBody {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        let parts = parts.into_iter().map(Into::into);
        Self {
            remaining: parts.filter(|part| part.remaining() > 0).collect(),
            pending: None,
        }
    }
}

impl ResponseBody {
    /// Makes this the body of `pending`, which stays pending until its last byte is written.
    pub(crate) fn of(mut self, pending: PendingResponse) -> Self {
        let is_lazy = |part: &&Part| matches!(part, Part::Lazy(_));
        pending.has_body(
            self.remaining.iter().flat_map(Part::held),
            self.remaining.iter().filter(is_lazy).count() * LAZY_MEMORY,
        );
        self.pending = Some(Arc::new(pending));
        self
    }

    /// What is to be written next: all that is ready, or the next of what is made as it is read, and what stands
    /// ready behind it.
    fn next(&mut self) -> Option<io::Result<Written>> {
        let mut parts = VecDeque::new();
        loop {
            match self.remaining.front_mut() {
                Some(Part::Ready(bytes)) => {
                    parts.push_back(take(bytes));
                    self.remaining.pop_front();
                }
                Some(Part::Lazy(lazy)) if parts.is_empty() => {
                    let made = lazy.next();
                    if made.is_none() || lazy.left() == 0 {
                        self.remaining.pop_front();
                    }
                    match made.transpose() {
                        Ok(bytes) => parts.extend(bytes),
                        Err(error) => return Some(Err(error)),
                    }
                }
                _ => break,
            }
        }
        let _pending = self.pending.clone();
        (!parts.is_empty()).then_some(Ok(Written { parts, _pending }))
    }
}

impl Body for ResponseBody {
    type Data = Written;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Written>>>> {
        Poll::Ready(self.next().map(|written| written.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining.iter().map(Part::remaining).sum())
    }
}

/// Parts of a body that hyper is writing: together, so that they take as few calls of the system as they fit in.
/// Their response stays pending until they are dropped.
#[derive(Debug)]
pub struct Written {
    parts: VecDeque<Bytes>,
    _pending: Option<Arc<PendingResponse>>,
}

impl Buf for Written {
    fn remaining(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&[], Bytes::as_ref)
    }

    fn chunks_vectored<'s>(&'s self, slices: &mut [IoSlice<'s>]) -> usize {
        let places = slices.iter_mut().zip(&self.parts);
        places
            .map(|(slice, part)| *slice = IoSlice::new(part))
            .count()
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(part) = self.parts.front_mut() {
            if written < part.len() {
                return part.advance(written);
            }
            written -= part.len();
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::coding::{Coding, Encoder};
    use std::future::poll_fn;

    /// The plain bytes of `text`, decompressed as they are read.
    fn lazy(text: &[u8]) -> Part {
        let mut encoder = Encoder::within(usize::MAX, Coding::Gzip);
        encoder.push(text);
        Part::Lazy(Box::new(Inflating::new(Arc::new(
            encoder.finish().unwrap(),
        ))))
    }

    /// What the system takes of two parts that are offered to it.
    fn some_of(written: &mut Written) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 2];
        let offered = written.chunks_vectored(&mut slices);
        let offered: Vec<u8> = slices[..offered]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect();
        assert!(offered.starts_with(written.chunk()));
        let taken = fastrand::usize(1..=offered.len());
        written.advance(taken);
        offered[..taken].to_vec()
    }

    #[tokio::test]
    async fn ready_and_lazy_parts_come_in_their_order() {
        let text: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(100_000)
            .collect();
        let parts = [
            Part::Ready(Bytes::from_static(b"<")),
            Part::Ready(Bytes::from_static(b"")),
            Part::Ready(Bytes::from_static(b"-")),
            lazy(&text),
            lazy(b""),
            lazy(&text),
            Part::Ready(Bytes::from_static(b">")),
            lazy(b"."),
        ];
        let whole = [b"<-", text.as_slice(), &text, b">."].concat();
        let mut body = ResponseBody::from_iter(parts);
        assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
        let mut read = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let mut written = frame.unwrap().into_data().unwrap();
            assert!(
                written.remaining() < text.len(),
                "not all of it is made at once"
            );
            while written.has_remaining() {
                read.extend(some_of(&mut written));
            }
            let remaining = (whole.len() - read.len()) as u64;
            assert_eq!(body.size_hint().exact(), Some(remaining));
            assert_eq!(body.is_end_stream(), remaining == 0);
        }
        assert!(read == whole);
        assert!(ResponseBody::from_iter([Bytes::new()]).is_end_stream());
    }
}
