//! Responses, and bodies of several parts that are neither copied nor held longer than needed.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
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

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.remaining.pop_front()? {
                Part::Ready(bytes) => return Some(Ok(bytes)),
                Part::Lazy(mut lazy) => {
                    if let Some(bytes) = lazy.next() {
                        if lazy.left() > 0 {
                            self.remaining.push_front(Part::Lazy(lazy));
                        }
                        return Some(bytes);
                    }
                }
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = self.next().map(|bytes| {
            bytes.map(|bytes| {
                let _pending = self.pending.clone();
                Frame::data(Bytes::from_owner(Chunk { bytes, _pending }))
            })
        });
        Poll::Ready(chunk)
    }

    fn is_end_stream(&self) -> bool {
        self.remaining.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining.iter().map(Part::remaining).sum())
    }
}

/// Bytes of a body that hyper is writing. Their response stays pending until they are dropped.
struct Chunk {
    bytes: Bytes,
    _pending: Option<Arc<PendingResponse>>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
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

    #[tokio::test]
    async fn ready_and_lazy_parts_come_in_their_order() {
        let text: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(100_000)
            .collect();
        let parts = [
            Part::Ready(Bytes::from_static(b"<")),
            lazy(&text),
            lazy(b""),
            Part::Ready(Bytes::from_static(b">")),
        ];
        let whole = [b"<", text.as_slice(), b">"].concat();
        let mut body = ResponseBody::from_iter(parts);
        assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
        let mut read = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            read.extend_from_slice(&frame.unwrap().into_data().unwrap());
            let remaining = (whole.len() - read.len()) as u64;
            assert_eq!(body.size_hint().exact(), Some(remaining));
            assert_eq!(body.is_end_stream(), remaining == 0);
        }
        assert!(read == whole);
    }
}
