//! The HTTP around the simulated Desk: reads a request whole, asks [`Desk`], writes the answer.
//!
//! It listens inside the exporter's own process and on loopback, but reads as if it did not: no
//! body and no header without end, and no connection that outlives the server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::desk::{BODY_TOO_LARGE, Desk, Request};
use crate::clock::Clock;

/// A thousand agent ids fit in several times over.
const LARGEST_BODY: usize = 256 * 1024;
/// How long a client may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait where the system has no socket to give.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests on `listener` for as long as it is polled; dropped, it closes everything.
pub async fn serve(listener: TcpListener, desk: Desk, clock: Arc<dyn Clock>) -> Infallible {
    let desk = Arc::new(desk);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(talk(stream, Arc::clone(&desk), Arc::clone(&clock)));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn talk(stream: TcpStream, desk: Arc<Desk>, clock: Arc<dyn Clock>) {
    let service = service_fn(|request| answer(request, &desk, clock.as_ref()));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A connection that breaks is the client's affair; Desk has nobody to tell.
    drop(served);
}

async fn answer(
    request: hyper::Request<Incoming>,
    desk: &Desk,
    clock: &dyn Clock,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let said = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => desk.answer(
            Request {
                method: head.method.as_str(),
                path: head.uri.path(),
                query: head.uri.query().unwrap_or_default(),
                body: &body.to_bytes(),
            },
            clock.now().wall,
        ),
        Err(_) => BODY_TOO_LARGE.envelope(),
    };
    let mut response = hyper::Response::new(Full::from(said.to_string()));
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{DayWindow, SystemClock};
    use crate::demo::centre::Centre;
    use crate::demo::{Account, zone_for};
    use crate::desk::usersig::UserSig;
    use serde_json::Value;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::SocketAddr;

    /// Sends on one kept connection, and returns status and body of each answer.
    fn talk_to(address: SocketAddr, requests: &[String]) -> Vec<(String, Value)> {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let exchange = |request: &String| {
            stream.write_all(request.as_bytes()).unwrap();
            let (mut status, mut length) = (String::new(), 0);
            reader.read_line(&mut status).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let said = serde_json::from_slice(&body).unwrap();
            (status.trim().to_owned(), said)
        };
        requests.iter().map(exchange).collect()
    }

    fn post(target: &str, body: &str) -> String {
        let length = body.len();
        format!("POST {target} HTTP/1.1\r\nHost: desk\r\nContent-Length: {length}\r\n\r\n{body}")
    }

    #[tokio::test]
    async fn it_speaks_http_and_keeps_the_connection() {
        let account = Account::throw_away();
        let now = SystemClock.now().wall;
        let (_, zone) = zone_for(now);
        let day = DayWindow::around(now, &zone).unwrap();
        let sig = UserSig::sign(
            account.sdk_app_id,
            &account.identifier,
            &account.key,
            now.as_second(),
            86_400,
        );
        let target = format!(
            "/v4/desk_http_svc/describe_agent_statistics?sdkappid={}&identifier={}&usersig={}&random=1&contenttype=json",
            account.sdk_app_id,
            account.identifier,
            sig.encode().unwrap().expose()
        );
        let body = format!(
            "{{\"From\":{},\"To\":{}}}",
            day.from_second(),
            day.to_second()
        );
        let requests = vec![
            post(&target, &body),
            post("/elsewhere", &body),
            post(&target, ""),
            post(&target, &body),
            post(&target, &" ".repeat(LARGEST_BODY + 1)),
        ];

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Desk::new(account, Centre::new(1), zone);
        let server = tokio::spawn(serve(listener, desk, Arc::new(SystemClock)));
        let answers = tokio::task::spawn_blocking(move || talk_to(address, &requests));
        let answers = answers.await.unwrap();
        server.abort();

        let codes: Vec<_> = answers.iter().map(|(_, said)| &said["ErrorCode"]).collect();
        assert_eq!(codes, [0, 60009, 60003, 0, 60002]);
        for (status, _) in &answers {
            assert_eq!(status, "HTTP/1.1 200 OK");
        }
        assert!(answers[0].1["Data"].as_array().unwrap().len() >= 12);
    }
}
