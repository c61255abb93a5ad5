//! A real Alertmanager on a loopback port, killed when dropped, and those whom it tells: a webhook and
//! a mail server that keep what they get.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::desk::response;
use super::{http, listening, tools};

pub(crate) struct Alertmanager {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Alertmanager {
    /// Starts with this configuration.
    pub(crate) fn configured(config: &str) -> Alertmanager {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name).display().to_string();
        fs::write(inside("alertmanager.yml"), config).unwrap();
        let log = fs::File::create(inside("log")).unwrap();
        let child = Command::new(tools::alertmanager())
            .arg(format!("--config.file={}", inside("alertmanager.yml")))
            .arg(format!("--storage.path={}", inside("data")))
            .arg("--web.listen-address=127.0.0.1:0")
            // Alone: no gossip, no port for it.
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut alertmanager = Alertmanager {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            folder,
        };
        alertmanager.address = listening(|| alertmanager.log());
        alertmanager
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells it of these alerts.
    #[track_caller]
    pub(crate) fn post(&self, alerts: &Value) {
        let body = alerts.to_string();
        let head = format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: alertmanager\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let answer = http::exchange(self.address, (head + &body).as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The labels of the alerts that others silence.
    pub(crate) fn inhibited(&self) -> Vec<Value> {
        let request =
            b"GET /api/v2/alerts HTTP/1.1\r\nHost: alertmanager\r\nConnection: close\r\n\r\n";
        let answer = http::exchange(self.address, request).unwrap();
        let alerts: Vec<Value> = serde_json::from_str(answer.text()).unwrap();
        let silent = |alert: &&Value| alert["status"]["inhibitedBy"] != Value::Array(Vec::new());
        alerts
            .iter()
            .filter(silent)
            .map(|it| it["labels"].clone())
            .collect()
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes webhooks and keeps the alerts in them, in the order in which they came.
pub(crate) struct Webhook {
    address: SocketAddr,
    alerts: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    pub(crate) fn listen() -> Webhook {
        let alerts = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&alerts);
        let address = serve(move |mut stream| {
            let mut buffer = Vec::new();
            while let Some(request) = http::read_request(&mut stream, &mut buffer)? {
                let message: Value = serde_json::from_slice(&request.body)?;
                let alerts = message["alerts"].as_array().cloned();
                kept.lock().unwrap().extend(alerts.unwrap_or_default());
                stream.write_all(&response(200, &[], b"{}"))?;
            }
            Ok(())
        });
        Webhook { address, alerts }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/alerts", self.address)
    }

    /// Every alert that has come, each with `status`, `labels` and `annotations`.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        self.alerts.lock().unwrap().clone()
    }
}

/// As much of SMTP as it takes to be given a mail.
pub(crate) struct MailServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) fn listen() -> MailServer {
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        let address = serve(move |stream| take_mails(stream, &kept));
        MailServer { address, mails }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every mail that has come: envelope, head and body.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

fn take_mails(mut stream: TcpStream, kept: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 a mail server\r\n")?;
    let mut mail = String::new();
    while let Some(line) = lines.next().transpose()? {
        mail.push_str(&line);
        mail.push('\n');
        match line.get(..4).unwrap_or_default() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                kept.lock().unwrap().push(std::mem::take(&mut mail));
                stream.write_all(b"250 taken\r\n")?;
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => stream.write_all(b"250 well\r\n")?,
        }
    }
    Ok(())
}

/// Serves each connection on a thread of its own, for as long as the tests run.
fn serve(take: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let take = Arc::new(take);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let take = Arc::clone(&take);
            // A client that goes away in the middle tries again.
            thread::spawn(move || take(stream));
        }
    });
    address
}
