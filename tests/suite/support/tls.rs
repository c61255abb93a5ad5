//! What may stand between the exporter and Desk: TLS with a certificate of no known authority, and a
//! proxy. Each takes connections on a loopback port until it is dropped.

use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;

/// The name in the certificate; no DNS has it.
pub(crate) const NAME: &str = "desk.test";

/// A certificate that signed itself, for [`NAME`] and 127.0.0.1.
pub(crate) struct Certificate(TempDir);

impl Certificate {
    pub(crate) fn make() -> Certificate {
        Certificate::with("basicConstraints=critical,CA:FALSE")
    }

    /// One with these extensions as well, a line each.
    pub(crate) fn with(extensions: &str) -> Certificate {
        let authority = Authority::empty();
        let names = format!("subjectAltName=DNS:{NAME},IP:127.0.0.1");
        authority.issue(NAME, &format!("{extensions}\n{names}"), None);
        Certificate::of(&authority, NAME)
    }

    /// The one that `authority` has by this name.
    pub(crate) fn of(authority: &Authority, name: &str) -> Certificate {
        let folder = tempfile::tempdir().unwrap();
        for (from, to) in [("crt", "cert.pem"), ("key", "key.pem")] {
            fs::copy(
                authority.file(&format!("{name}.{from}")),
                folder.path().join(to),
            )
            .unwrap();
        }
        Certificate(folder)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    fn server_config(&self) -> ServerConfig {
        let read = |path: &Path| CertificateDer::from_pem_file(path).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.0.path().join("key.pem")).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![read(&self.file())], key)
            .unwrap()
    }
}

/// Something that connections pass through, or end at.
pub(crate) struct Middleman {
    address: SocketAddr,
    seen: Seen,
    _runtime: Runtime,
}

/// The first bytes of each connection.
type Seen = Arc<Mutex<Vec<String>>>;

impl Middleman {
    /// TLS in front of the plain server at `behind`.
    pub(crate) fn tls(certificate: &Certificate, behind: SocketAddr) -> Middleman {
        let acceptor = TlsAcceptor::from(Arc::new(certificate.server_config()));
        Middleman::taking(move |stream, seen| {
            let acceptor = acceptor.clone();
            async move {
                note(&seen, "TLS");
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let Ok(mut behind) = TcpStream::connect(behind).await else {
                    return;
                };
                let _ = copy_bidirectional(&mut stream, &mut behind).await;
            }
        })
    }

    /// A proxy for CONNECT that connects each client to `to`, whatever it asks for.
    pub(crate) fn proxy(to: SocketAddr) -> Middleman {
        Middleman::taking(move |mut stream, seen| async move {
            let head = read_head(&mut stream).await;
            note(&seen, &head);
            let Ok(mut to) = TcpStream::connect(to).await else {
                return;
            };
            let _ = stream.write_all(b"HTTP/1.1 200 Well\r\n\r\n").await;
            let _ = copy_bidirectional(&mut stream, &mut to).await;
        })
    }

    /// A proxy that answers whatever it is asked with these bytes.
    pub(crate) fn refusing(answer: &'static str) -> Middleman {
        Middleman::taking(move |mut stream, seen| async move {
            let head = read_head(&mut stream).await;
            note(&seen, &head);
            let _ = stream.write_all(answer.as_bytes()).await;
        })
    }

    fn taking<F>(serve: impl Fn(TcpStream, Seen) -> F + Send + 'static) -> Middleman
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let seen = Seen::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let notes = Arc::clone(&seen);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&notes)));
            }
        });
        Middleman {
            address,
            seen,
            _runtime: runtime,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came, a text for each connection.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn note(seen: &Seen, text: &str) {
    seen.lock().unwrap().push(text.to_owned());
}

/// A request's head, or as much of it as comes.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}
