//! The harness's side: a service in this process, requests to it, and its calls to the harness.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test file is a separate crate and uses only a part"
)]

mod callbacks;

use std::net::Ipv4Addr;
use std::thread::{self, JoinHandle};

pub(crate) use callbacks::Callbacks;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;
use vexil_contract_tests::Options;

/// A service under test. It is stopped on drop, unless it was stopped before.
pub(crate) struct Service {
    agent: Agent,
    url: String,
    running: Option<JoinHandle<()>>,
}

/// A response of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// Asserts that the response is a bad request whose message contains `words`.
    #[track_caller]
    pub(crate) fn is_refused_with(&self, words: &str) {
        self.is_error_with(400, words);
    }

    /// Asserts that the response has this status and that its message contains `words`.
    #[track_caller]
    pub(crate) fn is_error_with(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.body.contains(words), "not {words:?}: {}", self.body);
    }
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let running = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                vexil_contract_tests::serve(listener, options)
                    .await
                    .unwrap();
            });
        });
        let mut service = Self::elsewhere(url);
        service.running = Some(running);
        service
    }

    /// A service that runs in another process. It is not stopped on drop.
    pub(crate) fn elsewhere(url: String) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        Self {
            agent,
            url,
            running: None,
        }
    }

    pub(crate) fn status(&self) -> Value {
        read(self.agent.get(self.at("/")).call()).json()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        read(self.agent.post(self.at(path)).send(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        read(self.agent.delete(self.at(path)).call())
    }

    /// Requests a client.
    pub(crate) fn create(&self, configuration: &Value) -> Answer {
        self.post(
            "/",
            &json!({"tag": "a test", "configuration": configuration}).to_string(),
        )
    }

    /// Creates a client.
    #[track_caller]
    pub(crate) fn client(&self, configuration: &Value) -> TestClient<'_> {
        let answer = self.create(configuration);
        assert_eq!(answer.status, 201, "{}", answer.body);
        TestClient {
            service: self,
            path: answer.location.unwrap(),
        }
    }

    /// Stops the service and waits until it has ended.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(running) = self.running.take() {
            assert_eq!(self.delete("/").status, 204);
            running.join().unwrap();
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.end();
        }
    }
}

/// A client created by the service.
pub(crate) struct TestClient<'a> {
    service: &'a Service,
    pub(crate) path: String,
}

impl TestClient<'_> {
    /// Sends a command with its parameters.
    pub(crate) fn send(&self, command: &str, params: &Value) -> Answer {
        self.service.post(
            &self.path,
            &json!({"command": command, command: params}).to_string(),
        )
    }

    /// Sends a command that has a response.
    #[track_caller]
    pub(crate) fn ask(&self, command: &str, params: &Value) -> Value {
        self.send(command, params).json()
    }

    /// Evaluates a flag with details.
    #[track_caller]
    pub(crate) fn evaluate(&self, flag: &str, value_type: &str, default: &Value) -> Value {
        let context = json!({"kind": "user", "key": "ada"});
        let params = json!({"flagKey": flag, "context": context, "valueType": value_type, "defaultValue": default, "detail": true});
        self.ask("evaluate", &params)
    }

    pub(crate) fn close(&self) -> Answer {
        self.service.delete(&self.path)
    }
}

fn read(answer: Result<Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut answer = answer.unwrap();
    Answer {
        status: answer.status().as_u16(),
        location: answer
            .headers()
            .get("location")
            .map(|location| location.to_str().unwrap().to_owned()),
        body: answer.body_mut().read_to_string().unwrap(),
    }
}
