//! Sources in Redis: real servers, alone, as a cluster and with sentinels.

use std::path::Path;

use crate::support::{Folder, Ran};
use vexil_cli::Exit;
use vexil_testing::servers::{RedisCluster, RedisSentinel, RedisServer};

const FLAG: &str = r#"{ "key": "theme","version": 8, "x": 1.50 }"#;

fn fill(server: &RedisServer, prefix: &str) {
    let features = format!("{prefix}:features");
    let run = |command: &[&str]| server.command(command).unwrap();
    run(&["HSET", &features, "theme", FLAG]);
    run(&["SET", &format!("{prefix}:$inited"), ""]);
}

#[track_caller]
fn is_shown(ran: &Ran) {
    let shown = (ran.exit, ran.stdout.as_str(), ran.stderr.as_str());
    assert_eq!(shown, (Exit::Done, FLAG, ""));
}

#[track_caller]
fn is_refused(ran: &Ran, exit: Exit, message: &str, help: &str) {
    assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{ran:?}");
    let expected = format!("error: {message}\nhelp: {help}\n");
    assert_eq!(ran.stderr, expected);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_item_is_shown_byte_for_byte() {
    let server = RedisServer::start().unwrap();
    fill(&server, "ld:shop");
    let url = format!("{}?prefix=ld:shop", server.url());
    let ran = Folder::new().vexil(&["show", &url, "theme", "--raw"]);
    is_shown(&ran);
}

#[test]
fn a_missing_marker_is_a_warning() {
    let server = RedisServer::start().unwrap();
    server
        .command(["HSET", "launchdarkly:features", "theme", FLAG])
        .unwrap();
    let ran = Folder::new().vexil(&["show", &server.url(), "theme", "--raw"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, FLAG));
    assert_eq!(
        ran.stderr,
        "warning: flags are there but the marker \"launchdarkly:$inited\" is not: a writer may have stopped half way\n"
    );
}

#[test]
fn an_empty_prefix_names_the_others() {
    let server = RedisServer::builder()
        .acl_user("reader", "pw", "~* +@all -scan")
        .start()
        .unwrap();
    let url = server.url();
    let folder = Folder::new();
    let nothing = |url: &str| format!("{url}: nothing is stored under the prefix \"launchdarkly\"");
    let ran = folder.vexil(&["list", &url]);
    let generic = "is it the right database? ?prefix=NAME selects another prefix";
    is_refused(&ran, Exit::Unreadable, &nothing(&url), generic);

    fill(&server, "test");
    let ran = folder.vexil(&["list", &url]);
    is_refused(
        &ran,
        Exit::Unreadable,
        &nothing(&url),
        "1 other prefix holds flags: test. Add ?prefix=test",
    );

    fill(&server, "ld:shop:qa");
    fill(&server, "ld:shop:live");
    let ran = folder.vexil(&["list", &url]);
    is_refused(
        &ran,
        Exit::Unreadable,
        &nothing(&url),
        "3 other prefixes hold flags: ld:shop:live, ld:shop:qa, test. Add ?prefix=…",
    );

    let mut folder = Folder::new();
    folder.variables.insert("PW".to_owned(), "pw".to_owned());
    let address = server.address();
    let ran = folder.vexil(&["list", &format!("redis://reader@{address}?password-env=PW")]);
    let shown = format!("redis://…@{address}?password-env=PW");
    is_refused(&ran, Exit::Unreadable, &nothing(&shown), generic);

    // An environment without flags is no error.
    server.command(["SET", "launchdarkly:$inited", ""]).unwrap();
    assert_eq!(folder.vexil(&["list", &url]).exit, Exit::Done);
}

#[test]
fn a_password_is_read_from_a_variable_or_a_file() {
    let server = RedisServer::builder().password("pw!/@").start().unwrap();
    fill(&server, "launchdarkly");
    let address = server.address();
    let mut folder = Folder::with(&[("password", "pw!/@\n")]);
    let variables = [("PW", "pw!/@"), ("WRONG", "wrong"), ("URL", &server.url())];
    for (name, value) in variables {
        folder.variables.insert(name.to_owned(), value.to_owned());
    }
    for source in [
        format!("redis://{address}?password-env=PW"),
        format!("redis://{address}?password-file=password"),
        "env:URL".to_owned(),
    ] {
        is_shown(&folder.vexil(&["show", &source, "theme", "--raw"]));
    }
    for (source, reason) in [
        (format!("redis://{address}"), "NOAUTH"),
        (
            format!("redis://{address}?password-env=WRONG"),
            "refuses access",
        ),
    ] {
        let ran = folder.vexil(&["list", &source]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Unreachable, ""));
        let begin = format!("error: {source} refuses access: ");
        assert!(ran.stderr.starts_with(&begin), "{}", ran.stderr);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("help: check the user, the password"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("pw!"), "{}", ran.stderr);
    }
    let ran = folder.vexil(&["list", &server.url()]);
    is_refused(
        &ran,
        Exit::Usage,
        "the URL on the command line holds a password, which other users of this machine can read",
        "put the URL into a variable and write env:REDIS_URL",
    );
    let ran = folder.vexil(&["list", &format!("redis://{address}?password-env=UNSET")]);
    is_refused(
        &ran,
        Exit::Usage,
        "the password is missing: the environment variable UNSET is not set",
        "export UNSET=…",
    );
}

#[test]
fn a_server_that_is_not_running_is_unreachable() {
    let ran = Folder::new().vexil(&["list", "redis://127.0.0.1:1"]);
    is_refused(
        &ran,
        Exit::Unreachable,
        "cannot connect to redis://127.0.0.1:1: connection refused",
        "is it running? \"vexil list redis://127.0.0.1:1 -v\" logs each attempt",
    );
    let ran = Folder::new().vexil(&["list", "redis://host.invalid"]);
    is_refused(
        &ran,
        Exit::Unreachable,
        "cannot connect to redis://host.invalid: the host is unknown",
        "is the name of the host right?",
    );
}

#[test]
fn a_server_that_does_not_answer_is_unreachable() {
    let server = RedisServer::start().unwrap();
    server.pause().unwrap();
    let url = format!("{}?timeout=200ms", server.url());
    let ran = Folder::new().vexil(&["list", &url]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("{url} did not answer in time"),
        "is the address right? ?timeout=30s waits longer",
    );
}

#[test]
fn a_server_with_tls_is_trusted_by_its_authority() {
    let server = RedisServer::builder().tls().start().unwrap();
    fill(&server, "launchdarkly");
    let files = server.tls().unwrap();
    let folder = Folder::new();
    let url = format!("{}?ca={}", server.url(), path(files.ca_path()));
    is_shown(&folder.vexil(&["show", &url, "theme", "--raw"]));
    let url = server.url();
    let ran = folder.vexil(&["list", &url]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("the certificate of {url} is not trusted: its issuer is unknown"),
        "add ?ca=FILE, the PEM file of the certificate authority, if you trust it",
    );
    let ran = folder.vexil(&["list", &format!("{url}?ca=none.pem")]);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.exit, Exit::Usage, "{ran:?}");
    assert!(ran.stderr.contains("none.pem"), "{ran:?}");
}

#[test]
fn a_cluster_and_sentinels_are_read() {
    let cluster = RedisCluster::start().unwrap();
    let prefix = "{ld:shop}";
    fill(cluster.node_of(prefix).unwrap(), prefix);
    let hosts: Vec<_> = cluster
        .nodes()
        .iter()
        .map(|node| node.address().to_string())
        .collect();
    let folder = Folder::new();
    let url = format!("redis+cluster://{}?prefix={prefix}", hosts.join(","));
    is_shown(&folder.vexil(&["show", &url, "theme", "--raw"]));
    let other = cluster
        .nodes()
        .iter()
        .find(|node| node.address() != cluster.node_of("launchdarkly:features").unwrap().address());
    let url = other.unwrap().url();
    let ran = folder.vexil(&["list", &url]);
    assert_eq!(ran.exit, Exit::Unreachable, "{ran:?}");
    assert!(
        ran.stderr.starts_with(&format!(
            "error: {url}: the server is part of a Redis Cluster\nhelp: "
        )),
        "{ran:?}"
    );

    let sentinels = RedisSentinel::start().unwrap();
    fill(sentinels.primary().unwrap(), "launchdarkly");
    let host = sentinels.sentinel().address();
    let url = format!("redis+sentinel://{host}?master={}", sentinels.name());
    is_shown(&folder.vexil(&["show", &url, "theme", "--raw"]));
}

#[test]
fn a_socket_is_read() {
    let server = RedisServer::start().unwrap();
    fill(&server, "launchdarkly");
    let setting = server.command(["CONFIG", "GET", "unixsocket"]).unwrap();
    let socket = setting.list().unwrap()[1].text().unwrap();
    let source = format!("redis+unix:{socket}");
    is_shown(&Folder::new().vexil(&["show", &source, "theme", "--raw"]));
}

#[test]
fn members_of_big_segments_are_read_from_the_same_database() {
    let server = RedisServer::start().unwrap();
    let run = |command: &[&str]| server.command(command).unwrap();
    let flag = r#"{"version": 1, "on": true, "variations": [false, true], "fallthrough": {"variation": 0},
        "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["vip"]}]}]}"#;
    let segment = r#"{"version": 1, "unbounded": true, "generation": 1}"#;
    run(&["HSET", "p:features", "beta", flag]);
    run(&["HSET", "p:segments", "vip", segment]);
    run(&["SET", "p:$inited", ""]);
    run(&["SET", "p:big_segments_synchronized_on", "4102444800000"]);
    let url = format!("{}?prefix=p", server.url());
    let folder = Folder::new();
    let hash = base64_sha256("ada");
    run(&["SADD", &format!("p:big_segment_include:{hash}"), "vip.g1"]);
    for (key, expected) in [("ada", true), ("bob", false)] {
        let ran = folder.vexil(&["eval", &url, "beta", "--key", key, "--json"]);
        let value = format!(r#""value":{expected}"#);
        assert!(ran.stdout.contains(&value), "{key}: {ran:?}");
    }
}

fn base64_sha256(text: &str) -> String {
    use base64::Engine;
    use sha2::Digest;
    base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text.as_bytes()))
}
