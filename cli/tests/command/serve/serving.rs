//! [`Serving`]: a server that runs in the process of the test, and requests to it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Request as HttpRequest, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::support::{Folder, Ran, Running, TIMEOUT, until};

/// `{"key":"ada"}`, without the padding that it has.
pub(crate) const ADA: &str = "eyJrZXkiOiJhZGEifQ";

/// Flags for each family of SDKs, a segment, and a prerequisite.
pub(crate) const FLAGS: &str = r#"{
    "flags": {
        "beta": {"version": 3, "on": false, "variations": [true, false], "offVariation": 1,
            "clientSideAvailability": {"usingEnvironmentId": false, "usingMobileKey": false}},
        "limit": {"version": 5, "on": true, "variations": [10, 20], "offVariation": 0,
            "fallthrough": {"variation": 1}, "prerequisites": [{"key": "theme", "variation": 1}],
            "clientSideAvailability": {"usingEnvironmentId": false, "usingMobileKey": true}},
        "theme": {"version": 8, "on": true, "variations": ["light", "dark"], "offVariation": 0,
            "fallthrough": {"variation": 0}, "rules": [{"id": "staff", "variation": 1, "clauses": [
                {"attribute": "", "op": "segmentMatch", "values": ["staff"]}]}],
            "clientSideAvailability": {"usingEnvironmentId": true, "usingMobileKey": true}}
    },
    "segments": {"staff": {"version": 2, "included": ["ada"]}}
}"#;

/// A server that is a process of its own, whose log begins with it.
pub(crate) struct Program {
    process: Child,
    folder: Arc<Folder>,
    port: u16,
}

impl Program {
    const LOG: &str = "server.log";

    /// Starts a server of the flags in [`FLAGS`].
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = folder();
        let log = File::create(folder.path(Self::LOG)).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_vexil"))
            .args(["serve", "flags.json", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(folder.path(""))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut ready).unwrap();
        let port = port_of(&ready).expect("the server is ready");
        Self {
            process,
            folder,
            port,
        }
    }

    /// Requests to the server.
    pub(crate) fn serving(&self) -> Serving {
        Serving {
            running: None,
            port: self.port,
        }
    }

    /// What the server has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path(Self::LOG)).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn port_of(ready: &str) -> Option<u16> {
    let rest = ready.strip_prefix("vexil serve listening on http://127.0.0.1:")?;
    rest.split_once(' ')?.0.parse().ok()
}

/// A running server.
pub(crate) struct Serving {
    /// `None` if the server does not run in this process.
    running: Option<Running>,
    pub(crate) port: u16,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    })
}

/// A folder with the file `flags.json`.
pub(crate) fn folder() -> Arc<Folder> {
    Arc::new(Folder::with(&[("flags.json", FLAGS)]))
}

impl Serving {
    /// Starts a server of the flags in [`FLAGS`].
    pub(crate) fn flags() -> Self {
        Self::start(&folder(), &["flags.json"])
    }

    /// Starts a server on a free port, and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(folder: &Arc<Folder>, arguments: &[&str]) -> Self {
        let command = ["serve", "--listen", "127.0.0.1:0"];
        let command: Vec<_> = command.iter().chain(arguments).copied().collect();
        let running = folder.begin(&command);
        until("the server is ready", || {
            running.has_ended() || running.written.stdout.text().ends_with('\n')
        });
        let ready = running.written.stdout.text();
        let port =
            port_of(&ready).unwrap_or_else(|| panic!("{ready}{}", running.written.stderr.text()));
        Self {
            running: Some(running),
            port,
        }
    }

    pub(crate) fn ready_line(&self) -> String {
        self.running().written.stdout.text()
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }

    /// Presses Ctrl-C, and waits for the end.
    pub(crate) fn stop(mut self) -> Ran {
        self.running.take().expect("the server runs").interrupt()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Request<'_> {
        let host = format!("127.0.0.1:{}", self.port);
        let head = HttpRequest::builder().method(method).uri(target);
        Request {
            server: self,
            head: head.body(()).expect("the request is valid"),
            body: Bytes::new(),
        }
        .header("host", &host)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send()
    }

    /// A request of the page's API, below `/vexil/api`.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.api_request(method, path, body).send()
    }

    pub(crate) fn api_request(&self, method: &str, path: &str, body: &Value) -> Request<'_> {
        let request = self
            .request(method, &format!("/vexil/api{path}"))
            .header("x-vexil", "1");
        match body {
            Value::Null => request,
            body => request
                .header("content-type", "application/json")
                .body(body.to_string()),
        }
    }

    /// The state of the only environment.
    pub(crate) fn state(&self) -> Value {
        let state = self.api("GET", "/state", &Value::Null).json();
        state["environments"][0].clone()
    }

    /// Sets an override of a flag.
    #[track_caller]
    pub(crate) fn set(&self, key: &str, form: Value) {
        let path = format!("/env/default/overrides/flags/{key}");
        let answer = self.api("PUT", &path, &form);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The value of a flag for server-side SDKs and the context "ada".
    pub(crate) fn value(&self, key: &str) -> Value {
        let body = json!({"context": {"key": "ada"}});
        let evaluated = self.api("POST", "/env/default/evaluate", &body).json();
        evaluated["flags"][key]["value"].clone()
    }

    #[track_caller]
    pub(crate) fn stream(&self, target: &str) -> Events {
        self.request("GET", target).stream()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.interrupt();
        }
    }
}

/// A request that is not sent yet.
pub(crate) struct Request<'s> {
    server: &'s Serving,
    head: HttpRequest<()>,
    body: Bytes,
}

impl Request<'_> {
    /// Sets a header, instead of an earlier value.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("the value is valid");
        self.head.headers_mut().insert(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    async fn respond(self) -> Response<Incoming> {
        let stream = TcpStream::connect(("127.0.0.1", self.server.port)).await;
        let stream = TokioIo::new(stream.expect("the server accepts connections"));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = self.head.map(|()| Full::new(self.body));
        sender
            .send_request(request)
            .await
            .expect("there is an answer")
    }

    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let answer = async {
            let response = self.respond().await;
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("the body is whole").to_bytes();
            Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
            }
        };
        runtime()
            .block_on(async { timeout(TIMEOUT, answer).await })
            .expect("an answer in time")
    }

    /// Opens a stream.
    #[track_caller]
    pub(crate) fn stream(self) -> Events {
        let response = runtime()
            .block_on(async { timeout(TIMEOUT, self.respond()).await })
            .expect("an answer in time");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events {
            headers: response.headers().clone(),
            body: response.into_body(),
            received: BytesMut::new(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The value of a header, or "" without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }
}

/// An open stream.
pub(crate) struct Events {
    pub(crate) headers: HeaderMap,
    body: Incoming,
    received: BytesMut,
}

impl Events {
    /// Returns the name and the data of the next event, or `None` when the stream has ended.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(end) = self.received.windows(2).position(|two| two == b"\n\n") {
                let event = self.received.split_to(end);
                self.received.advance(2);
                let text = std::str::from_utf8(&event).unwrap();
                let lines = || text.lines().filter(|line| !line.starts_with(':'));
                let name = lines().find_map(|line| line.strip_prefix("event: "));
                let Some(name) = name else { continue };
                let data = lines().filter_map(|line| line.strip_prefix("data: "));
                let data: String = data.collect();
                let data = serde_json::from_str(&data).unwrap_or(Value::Null);
                return Some((name.to_owned(), data));
            }
            let frame = runtime()
                .block_on(async { timeout(TIMEOUT, self.body.frame()).await })
                .expect("an event in time");
            match frame {
                Some(Ok(frame)) => {
                    self.received
                        .extend_from_slice(&frame.into_data().unwrap_or_default());
                }
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Returns the next event, whose name is this.
    #[track_caller]
    pub(crate) fn expect(&mut self, name: &str) -> Value {
        let (found, data) = self.next().expect("the stream has not ended");
        assert_eq!(found, name, "{data}");
        data
    }
}
