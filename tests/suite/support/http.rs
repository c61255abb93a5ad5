//! Just enough HTTP/1.1 over raw sockets: the fake Desk reads requests with it, the tests ask the
//! exporter and Prometheus with it. Hand-made, so that no library corrects what is sent or read.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::LIMIT;

const MOST_HEADERS: usize = 64;
const LONGEST_HEAD: usize = 64 * 1024;

/// Headers in the order in which they came.
pub(crate) type Headers = Vec<(String, String)>;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// An answer as it came over the wire, its body unchunked.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }
}

pub(crate) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The next request of a connection; `None` where the client closed it between two requests.
/// `buffer` keeps what was read beyond it.
pub(crate) fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Incoming>> {
    loop {
        if let Some((head, length)) = parse_request_head(buffer)? {
            buffer.drain(..length);
            return read_request_body(stream, buffer, head).map(Some);
        }
        if read_more(stream, buffer)? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        if buffer.len() > LONGEST_HEAD {
            return Err(io::Error::other("an endless head"));
        }
    }
}

fn read_request_body(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    mut head: Incoming,
) -> io::Result<Incoming> {
    let length = match header(&head.headers, "content-length") {
        Some(text) => text.parse().map_err(io::Error::other)?,
        None => 0,
    };
    while buffer.len() < length {
        if read_more(stream, buffer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    head.body = buffer.drain(..length).collect();
    Ok(head)
}

fn parse_request_head(bytes: &[u8]) -> io::Result<Option<(Incoming, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let status = request.parse(bytes).map_err(io::Error::other)?;
    let httparse::Status::Complete(length) = status else {
        return Ok(None);
    };
    let head = Incoming {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers: owned(request.headers),
        body: Vec::new(),
    };
    Ok(Some((head, length)))
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    headers
        .iter()
        .map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).into()))
        .collect()
}

fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 8192];
    let count = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..count]);
    Ok(count)
}

/// One request on a connection of its own, without a body.
pub(crate) fn fetch(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    exchange(address, request.as_bytes())
}

/// Sends these very bytes and reads the answer until the other side closes.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let _ = stream.shutdown(Shutdown::Both);
    parse_response(&bytes)
}

pub(crate) fn parse_response(bytes: &[u8]) -> io::Result<Response> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(bytes).map_err(io::Error::other)?;
    let httparse::Status::Complete(length) = status else {
        return Err(io::Error::other("half an answer"));
    };
    let headers = owned(response.headers);
    let body = &bytes[length..];
    let chunked = header(&headers, "transfer-encoding").is_some_and(|v| v == "chunked");
    Ok(Response {
        status: response.code.unwrap_or_default(),
        body: if chunked {
            unchunk(body)?
        } else {
            body.to_vec()
        },
        headers,
    })
}

fn unchunk(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let broken = || io::Error::other("a broken chunk");
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(bytes).map_err(|_| broken())?;
        let httparse::Status::Complete((start, size)) = size else {
            return Err(broken());
        };
        let end = start + usize::try_from(size).map_err(|_| broken())?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(bytes.get(start..end).ok_or_else(broken)?);
        bytes = bytes.get(end + 2..).ok_or_else(broken)?;
    }
}
