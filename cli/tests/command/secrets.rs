//! Plants secrets in every place that may contain one, and searches all output and the most detailed
//! log for them.
//!
//! The command runs as a program of its own, so that its log begins with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::servers::RedisServer;

/// The part that all secrets share, and that occurs nowhere else.
const PLANTED: &str = "pl4nted";
const DATA: &str = r#"{"flags": {"theme": {"version": 1}}, "segments": {}}"#;

struct Machine {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Machine {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            variables: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        let path: &Path = self.folder.path();
        path.join(name).to_str().unwrap().to_owned()
    }

    /// Lists the flags of a source, with its whole log, and returns the exit status.
    #[track_caller]
    fn list(&self, source: &str) -> i32 {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_vexil"))
            .args(["list", source, "-vvv", "--timeout", "60s"])
            .current_dir(self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let shown = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
        assert!(!shown.contains(PLANTED), "{source}: {shown}");
        status.code().unwrap()
    }

    /// Whether the log of a source has this text.
    fn logs(&self, source: &str, text: &str) -> bool {
        let output = Command::new(env!("CARGO_BIN_EXE_vexil"))
            .args(["list", source, "-v"])
            .current_dir(self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stderr).contains(text)
    }
}

#[test]
fn passwords_of_databases_appear_nowhere() {
    let server = RedisServer::builder()
        .password("right-pl4nted")
        .tls()
        .start()
        .unwrap();
    server
        .command(["HSET", "launchdarkly:features", "theme", "{}"])
        .unwrap();
    server.command(["SET", "launchdarkly:$inited", ""]).unwrap();
    let ca = server.tls().unwrap().ca_path().to_str().unwrap();
    let address = server.address();
    let mut machine = Machine::new();
    machine.set("PW", "right-pl4nted");
    machine.set("WRONG", "wrong-pl4nted");
    machine.set("URL", format!("{}?ca={ca}", server.url()));
    machine.set("URL_UNTRUSTED", server.url());
    machine.set(
        "URL_WRONG",
        format!("rediss://ada:pl4nted@{address}?ca={ca}"),
    );
    machine.set("URL_REFUSED", "redis://ada:pl4nted@127.0.0.1:1");
    machine.set("URL_MALFORMED", "redis://ada:pl4nted/x@h:1/2?prefix=a");
    machine.set("URL_PLAIN", "pl4nted@h");
    machine.set("URL_SCHEME", "mysql://ada:pl4nted@h/flags");
    machine.write("password", "right-pl4nted\n");
    machine.write("wrong", "wrong-pl4nted");
    let toml = format!(
        "[sources]\nlive = \"rediss://:right-pl4nted@{address}?ca={ca}\"\ndown = \"redis://:pl4nted@127.0.0.1:1\"\n"
    );
    machine.write("vexil.toml", &toml);
    let base = format!("rediss://{address}?ca={ca}");
    for (source, exit) in [
        ("env:URL", 0),
        ("@live", 0),
        (&format!("{base}&password-env=PW"), 0),
        (&format!("{base}&password-file=password"), 0),
        (&format!("{base}&password-env=WRONG"), 3),
        (&format!("{base}&password-file=wrong"), 3),
        ("env:URL_UNTRUSTED", 3),
        ("env:URL_WRONG", 3),
        ("env:URL_REFUSED", 3),
        ("@down", 3),
        ("env:URL_MALFORMED", 2),
        ("env:URL_SCHEME", 2),
        ("redis://ada:pl4nted@h", 2),
        ("redis://h?password=pl4nted", 2),
        ("redis://h?password-env=x-pl4nted", 2),
        ("env:redis://ada:pl4nted@h", 2),
    ] {
        assert_eq!(machine.list(source), exit, "{source}");
    }
    assert!(machine.logs("env:URL", "reading all flags and segments"));
    assert!(machine.logs("env:URL_REFUSED", "127.0.0.1:1"));
    machine.write(
        "vexil.toml",
        "[sources]\nlive = {url = \"redis://:pl4nted@h\"}\n",
    );
    assert_eq!(machine.list("@live"), 2);
    machine.write("vexil.toml", "[sources]\nlive = \"redis://:pl4nted@h\n");
    assert_eq!(machine.list("@live"), 2);
}

#[test]
fn keys_of_services_and_tokens_of_web_servers_appear_nowhere() {
    let service = FakeService::builder()
        .sdk_key("sdk-pl4nted")
        .data(DATA)
        .start()
        .unwrap();
    let url = service.url();
    let mut machine = Machine::new();
    machine.set("VEXIL_SDK_KEY", "sdk-pl4nted");
    machine.set("WRONG", "sdk-wrong-pl4nted");
    machine.set("INVALID", "sdk pl4nted");
    machine.set("RELAY", "relay+http://u:pl4nted@relay");
    machine.set("BASE", "service?base=https://u:pl4nted@h");
    let authority = url.trim_start_matches("http://");
    machine.set(
        "WEB",
        format!("http://ada:pl4nted@{authority}/snapshot.json?token=pl4nted"),
    );
    machine.set(
        "WEB_DOWN",
        "http://ada:pl4nted@127.0.0.1:1/snapshot.json?token=pl4nted",
    );
    machine.write("key", "sdk-pl4nted\n");
    machine.write("wrong", "sdk-wrong-pl4nted\n");
    let base = format!("service?base={url}");
    let key = machine.path("key");
    for (source, exit) in [
        (base.as_str(), 0),
        (&format!("{base}&mode=stream"), 0),
        (&format!("{base}&protocol=fdv2"), 0),
        (&format!("{base}&key-file={key}"), 0),
        (&format!("relay+http://{authority}?key-file=key"), 0),
        (&format!("{base}&key-env=WRONG"), 3),
        (&format!("{base}&key-file=wrong&mode=stream"), 3),
        (&format!("{base}&key-env=INVALID"), 2),
        ("relay+http://127.0.0.1:1", 3),
        ("env:RELAY", 2),
        ("env:BASE", 2),
        ("service?key-env=sdk-pl4nted", 2),
        ("service?key=sdk-pl4nted", 2),
        ("env:WEB_DOWN", 3),
    ] {
        assert_eq!(machine.list(source), exit, "{source}");
    }
    for (answer, exit) in [
        (Answer::json(DATA), 0),
        (Answer::status(403), 3),
        (Answer::redirect(302, "/snapshot.json?token=pl4nted"), 0),
        (Answer::json("{\"flags\": \"pl4nted\"}"), 4),
    ] {
        service.answers(Endpoint::Other, [answer, Answer::json(DATA)]);
        assert_eq!(machine.list("env:WEB"), exit);
        while service.answers_left(Endpoint::Other) > 0 {
            machine.list("env:WEB");
        }
    }
    assert!(machine.logs(&base, "connecting"));
    assert!(machine.logs(&format!("{base}&key-env=WRONG"), "an attempt has failed"));
}

/// Sends a request to a flag server, and returns the answer.
fn ask(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[cfg(unix)]
#[test]
fn keys_tokens_and_contexts_of_a_flag_server_appear_nowhere() {
    use base64::Engine;
    let mut machine = Machine::new();
    machine.set("KEY", "sdk-pl4nted-9f2c");
    machine.set("MOBILE", "mob-pl4nted-77aa");
    machine.set("TOKEN", "pl4nted-token");
    machine.write("flags.json", DATA);
    machine.write("admin.json", DATA);
    machine.write(
        "vexil.toml",
        "[serve.env.shop]\nsdk-key-env = \"KEY\"\nmobile-key-env = \"MOBILE\"\n",
    );
    let mut server = Command::new(env!("CARGO_BIN_EXE_vexil"))
        .args([
            "serve",
            "--env",
            "shop=flags.json",
            "--env",
            "admin=admin.json",
        ])
        .args(["--listen", "127.0.0.1:0", "--token-env", "TOKEN", "-vvv"])
        .current_dir(machine.folder.path())
        .envs(machine.variables.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = server.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).map(|_| log).unwrap()
    });
    let mut ready = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut ready).unwrap();
    let (_, address) = ready.split_once("http://").unwrap();
    let address = address.split(' ').next().unwrap();

    let context = r#"{"key":"pl4nted","email":"pl4nted@example.com","_meta":{"privateAttributes":["email"]}}"#;
    let invalid = r#"{"key":"pl4nted","kind":"pl4nted kind"}"#;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let (encoded, malformed) = (encode(context), encode(invalid));
    let (key, mobile) = (
        "Authorization: sdk-pl4nted-9f2c",
        "Authorization: mob-pl4nted-77aa",
    );
    let token = "Authorization: Bearer pl4nted-token";
    let event = format!(r#"[{{"kind":"identify","context":{context}}}]"#);
    for (head, body, status) in [
        (format!("GET /sdk/latest-all HTTP/1.1\r\n{key}"), "", 200),
        (
            "GET /sdk/latest-all HTTP/1.1\r\nAuthorization: sdk-wrong-pl4nted".to_owned(),
            "",
            401,
        ),
        (
            "GET /all HTTP/1.1\r\nAuthorization: sdk pl4nted".to_owned(),
            "",
            401,
        ),
        (
            format!("GET /msdk/evalx/contexts/{encoded} HTTP/1.1\r\n{mobile}"),
            "",
            200,
        ),
        (
            format!("GET /msdk/evalx/contexts/{malformed} HTTP/1.1\r\n{mobile}"),
            "",
            400,
        ),
        (
            format!("REPORT /msdk/evalx/context HTTP/1.1\r\n{mobile}"),
            invalid,
            400,
        ),
        (
            format!("GET /sdk/evalx/admin/contexts/{encoded}?h=pl4nted HTTP/1.1"),
            "",
            200,
        ),
        (
            format!("GET /sdk/evalx/pl4nted/contexts/{encoded} HTTP/1.1"),
            "",
            404,
        ),
        (format!("GET /pl4nted/{encoded} HTTP/1.1"), "", 404),
        (format!("POST /bulk HTTP/1.1\r\n{key}"), &event, 202),
        (format!("POST /bulk HTTP/1.1\r\n{key}"), invalid, 400),
        (format!("GET /vexil/api/state HTTP/1.1\r\n{token}"), "", 200),
        (
            "GET /vexil/api/state HTTP/1.1\r\nAuthorization: Bearer pl4nted".to_owned(),
            "",
            401,
        ),
        ("GET /status HTTP/1.1".to_owned(), "", 200),
        ("GET /metrics HTTP/1.1".to_owned(), "", 200),
    ] {
        let answer = ask(address, &head, body);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head}: {answer}"
        );
        assert!(!answer.contains(PLANTED), "{head}: {answer}");
    }
    kill_process(Pid::from_child(&server), Signal::INT).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(130));
    let log = log.join().unwrap();
    assert!(!log.contains(PLANTED), "{log}");
    for part in [&encoded[..20], &malformed[..20], "example.com"] {
        assert!(!log.contains(part), "{part}: {log}");
    }
    stdout.read_to_string(&mut ready).unwrap();
    assert!(!ready.contains(PLANTED), "{ready}");
}
