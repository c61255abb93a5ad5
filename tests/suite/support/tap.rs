//! Between a scraper and the exporter: records what was asked for, and what was answered.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::http::{self, Response};
use super::{LIMIT, eventually};

/// One scrape.
#[derive(Debug, Clone)]
pub(crate) struct Scrape {
    pub(crate) accept: String,
    pub(crate) response: Response,
}

#[derive(Default)]
struct Shared {
    scrapes: Mutex<Vec<Scrape>>,
    closing: AtomicBool,
}

/// Passes on each request to one exporter; closes when dropped.
pub(crate) struct Tap {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Tap {
    pub(crate) fn before(exporter: SocketAddr) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.closing.load(Ordering::Relaxed) {
                        break;
                    }
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || {
                        let passed = pass_on(stream, exporter)?;
                        shared.scrapes.lock().unwrap().extend(passed);
                        io::Result::Ok(())
                    });
                }
            }
        });
        Tap {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first scrape that came through and is so.
    #[track_caller]
    pub(crate) fn expect(&self, is_wanted: impl Fn(&Scrape) -> bool) -> Scrape {
        let scrapes = || self.shared.scrapes.lock().unwrap().clone();
        let found = eventually(|| scrapes().into_iter().find(&is_wanted));
        found.unwrap_or_else(|| {
            let heard: Vec<_> = scrapes()
                .into_iter()
                .map(|s| (s.accept, s.response.headers))
                .collect();
            panic!("no such scrape among {heard:#?}")
        })
    }
}

/// One request of a connection; the exporter is told to close it, and so does the scraper.
fn pass_on(mut scraper: TcpStream, exporter: SocketAddr) -> io::Result<Option<Scrape>> {
    scraper.set_read_timeout(Some(LIMIT))?;
    let Some(request) = http::read_request(&mut scraper, &mut Vec::new())? else {
        return Ok(None);
    };
    let mut text = format!(
        "{} {} HTTP/1.1\r\nConnection: close\r\n",
        request.method, request.target
    );
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(exporter)?;
    stream.write_all(format!("{text}\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    scraper.write_all(&answer)?;
    let accept = http::header(&request.headers, "accept").unwrap_or_default();
    Ok(Some(Scrape {
        accept: accept.to_owned(),
        response: http::parse_response(&answer)?,
    }))
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.acceptor.take().map(JoinHandle::join);
    }
}
