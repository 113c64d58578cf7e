//! Plants secrets in every place that may contain one, and searches all output and the most detailed
//! log for them.
//!
//! The command runs as a program of its own, so that its log begins with it.

use std::path::Path;
use std::process::{Command, Output};

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
