//! `vexil mirror` into Redis.

use std::sync::Arc;

use crate::support::{Folder, Ran, Running, until};
use serde_json::{Value, json};
use vexil::{Client, Context};
use vexil_cli::Exit;
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

/// A YAML file as a person writes it, with what other SDKs require left out.
const MINIMAL: &str = "\
flags:
  theme:
    on: true
    variations: [light, dark]
    fallthrough: { variation: 1 }
";

fn flags(count: usize) -> Value {
    let flag = |number: usize| {
        let flag = json!({"version": 5, "on": true, "variations": ["a", "b"], "fallthrough": {"variation": number % 2},
            "targets": [{"variation": 1, "values": ["ada", "bob"]}], "salt": format!("salt {number}")});
        (format!("f{number:03}"), flag)
    };
    let segment = |number: usize| {
        (
            format!("s{number:03}"),
            json!({"version": 1, "included": ["ada"]}),
        )
    };
    let (flags, segments): (serde_json::Map<_, _>, serde_json::Map<_, _>) = (
        (0..count).map(flag).collect(),
        (0..count / 2).map(segment).collect(),
    );
    json!({"flags": flags, "segments": segments})
}

fn mirror(folder: &Folder, from: &str, server: &RedisServer, options: &[&str]) -> Ran {
    folder.vexil(&[&["mirror", from, &server.url()], options].concat())
}

fn diff(folder: &Folder, from: &str, server: &RedisServer) -> Value {
    let ran = folder.vexil(&["diff", from, &server.url(), "--json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

fn differences(folder: &Folder, from: &str, server: &RedisServer) -> usize {
    diff(folder, from, server)["differences"]
        .as_array()
        .unwrap()
        .len()
}

fn number(server: &RedisServer, command: &[&str]) -> String {
    format!("{:?}", server.command(command).unwrap())
}

#[test]
fn a_minimal_file_is_read_by_a_client_in_daemon_mode() {
    let server = RedisServer::start().unwrap();
    let folder = Folder::with(&[("flags.yaml", MINIMAL)]);
    let ran = mirror(&folder, "flags.yaml", &server, &[]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""));
    let begin = "mirrored 1 flag, 0 segments (";
    assert!(ran.stdout.starts_with(begin), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with(" s; removed 0; marker set\n"),
        "{}",
        ran.stdout
    );

    let text = server
        .command(["HGET", "launchdarkly:features", "theme"])
        .unwrap();
    let expected = r#"{"on":true,"variations":["light","dark"],"fallthrough":{"variation":1},"key":"theme","version":1,"offVariation":null,"salt":"","prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"trackEvents":false,"trackEventsFallthrough":false,"debugEventsUntilDate":null,"clientSide":false,"deleted":false}"#;
    assert_eq!(text.text().unwrap(), expected);

    let store = RedisDataStore::builder().url(server.url());
    let client = Client::builder("sdk-key")
        .daemon_mode(store)
        .start()
        .unwrap();
    let ada = Context::new("ada").unwrap();
    until("the flag", || {
        client.str_variation("theme", &ada, "none") != "none"
    });
    assert_eq!(client.str_variation("theme", &ada, "none"), "dark");

    // A second copy changes nothing, not even the version.
    assert_eq!(mirror(&folder, "flags.yaml", &server, &[]).exit, Exit::Done);
    let again = server
        .command(["HGET", "launchdarkly:features", "theme"])
        .unwrap();
    assert_eq!(again.text().unwrap(), expected);
    folder.write(
        "flags.yaml",
        &MINIMAL.replace("variation: 1", "variation: 0"),
    );
    assert_eq!(mirror(&folder, "flags.yaml", &server, &[]).exit, Exit::Done);
    let changed = server
        .command(["HGET", "launchdarkly:features", "theme"])
        .unwrap();
    assert!(changed.text().unwrap().contains("\"version\":2"));
    assert_eq!(differences(&folder, "flags.yaml", &server), 0);
}

#[test]
fn twenty_differences_are_found_and_none_after_the_copy() {
    let server = RedisServer::start().unwrap();
    let mut data = flags(40);
    let folder = Folder::with(&[("flags.json", &data.to_string())]);
    assert_eq!(mirror(&folder, "flags.json", &server, &[]).exit, Exit::Done);
    assert_eq!(differences(&folder, "flags.json", &server), 0);
    for number in 0..10 {
        data["flags"][format!("f{number:03}")]["salt"] = json!("other");
        data["flags"][format!("new{number}")] = json!({"version": 1});
    }
    data["flags"].as_object_mut().unwrap().remove("new9");
    data["flags"].as_object_mut().unwrap().remove("new8");
    data["flags"].as_object_mut().unwrap().remove("f039");
    data["segments"]["s000"]["included"] = json!(["eve"]);
    folder.write("flags.json", &data.to_string());
    assert_eq!(differences(&folder, "flags.json", &server), 20);

    let refused = mirror(&folder, "flags.json", &server, &[]);
    assert_eq!(refused.exit, Exit::Refused);
    assert_eq!(differences(&folder, "flags.json", &server), 20);
    assert_eq!(
        mirror(&folder, "flags.json", &server, &["--yes"]).exit,
        Exit::Done
    );
    assert_eq!(differences(&folder, "flags.json", &server), 0);
    assert_eq!(
        number(&server, &["HLEN", "launchdarkly:features"]),
        "Integer(47)"
    );
    // A copy of the copy is the same, byte for byte.
    let copy = format!("{}?prefix=copy", server.url());
    let copied = folder.vexil(&["mirror", &server.url(), &copy, "--json"]);
    let document: Value = serde_json::from_str(&copied.stdout).unwrap();
    assert_eq!(document["schema"], "vexil.mirror/1");
    assert_eq!(
        document["flags"],
        json!({"written": 47, "removed": 0, "skipped": []})
    );
    assert_eq!(
        (&document["segments"]["written"], &document["marker"]),
        (&json!(20), &json!(true))
    );
    let all = |prefix: &str| number(&server, &["HGETALL", &format!("{prefix}:segments")]);
    assert_eq!(all("copy").len(), all("launchdarkly").len());
    let exact = folder.vexil(&["diff", &server.url(), &copy, "--exact", "--settle", "0s"]);
    assert_eq!(exact.exit, Exit::Done, "{}", exact.stdout);
}

#[test]
fn a_copy_that_would_empty_the_database_is_refused() {
    let server = RedisServer::start().unwrap();
    let few = flags(3);
    let folder = Folder::with(&[
        ("many.json", &flags(10).to_string()),
        ("few.json", &few.to_string()),
        ("none.json", r#"{"flags": {}}"#),
        (
            "other.json",
            r#"{"flags": {"x0": {}, "x1": {}, "x2": {}, "x3": {}, "x4": {}}}"#,
        ),
    ]);
    assert_eq!(mirror(&folder, "many.json", &server, &[]).exit, Exit::Done);
    for file in ["few.json", "none.json"] {
        let ran = mirror(&folder, file, &server, &["--yes"]);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (Exit::Refused, ""),
            "{file}"
        );
        assert!(
            ran.stderr.contains("the target has 10 flags"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("--allow-empty"), "{}", ran.stderr);
    }
    // Half of the flags is enough, but others have filled it.
    let ran = mirror(&folder, "other.json", &server, &[]);
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(differences(&folder, "many.json", &server), 0);

    let kept = mirror(&folder, "other.json", &server, &["--yes", "--keep-missing"]);
    assert_eq!(kept.exit, Exit::Done, "{}", kept.stderr);
    assert_eq!(
        number(&server, &["HLEN", "launchdarkly:features"]),
        "Integer(15)"
    );
    let emptied = mirror(&folder, "none.json", &server, &["--yes", "--allow-empty"]);
    assert_eq!(emptied.exit, Exit::Done, "{}", emptied.stderr);
    assert!(emptied.stdout.contains("removed 20"), "{}", emptied.stdout);
    let left = number(
        &server,
        &["EXISTS", "launchdarkly:$inited", "launchdarkly:features"],
    );
    assert_eq!(left, "Integer(1)");
}

#[test]
fn a_dry_run_shows_the_differences_and_writes_nothing() {
    let rights =
        "~* -@all +hget +hgetall +exists +ping +hello +auth +select +client|tracking +multi +exec";
    let server = RedisServer::builder()
        .acl_user("reader", "secret-7391", rights)
        .start()
        .unwrap();
    let folder = Folder::with(&[("flags.json", &flags(4).to_string())]);
    let mut folder = folder;
    let reader = server.url_as("reader", "secret-7391");
    folder.variables.insert("READER".to_owned(), reader);
    let ran = folder.vexil(&["mirror", "flags.json", "env:READER", "--dry-run"]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    let end = "4 flags, 2 segments: 6 differences (0 only left, 6 only right, 0 changed)\n\
               would write 4 flags, 2 segments, and remove 0; nothing was written\n";
    assert!(ran.stdout.ends_with(end), "{}", ran.stdout);
    let json = folder.vexil(&["mirror", "flags.json", "env:READER", "--dry-run", "--json"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&document["dryRun"], &document["flags"]["written"]),
        (&json!(true), &json!(4))
    );
    assert_eq!(document["differences"].as_array().unwrap().len(), 6);
    assert_eq!(number(&server, &["DBSIZE"]), "Integer(0)");
    // A write is refused, and says so.
    let refused = folder.vexil(&["mirror", "flags.json", "env:READER"]);
    assert_eq!(refused.exit, Exit::Unreachable);
    assert!(
        refused.stderr.contains("nothing was written"),
        "{}",
        refused.stderr
    );
    assert!(!format!("{ran:?}{json:?}{refused:?}").contains("secret-7391"));
}

#[test]
fn an_item_that_cannot_be_read_stops_the_copy() {
    let server = RedisServer::start().unwrap();
    let folder = Folder::with(&[
        ("good.json", &flags(2).to_string()),
        (
            "bad.json",
            r#"{"flags": {"f000": {"on": "yes", "version": 6}, "f001": {"version": 6}, "f002": {}}}"#,
        ),
    ]);
    assert_eq!(mirror(&folder, "good.json", &server, &[]).exit, Exit::Done);
    let ran = mirror(&folder, "bad.json", &server, &["--yes"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Unreadable, ""));
    assert!(ran.stderr.contains("flag \"f000\""), "{}", ran.stderr);
    assert_eq!(differences(&folder, "good.json", &server), 0);
    let tolerant = mirror(&folder, "bad.json", &server, &["--yes", "--tolerant"]);
    assert_eq!(tolerant.exit, Exit::Done, "{}", tolerant.stderr);
    assert!(
        tolerant.stderr.contains("flag \"f000\""),
        "{}",
        tolerant.stderr
    );
    let kept = server
        .command(["HGET", "launchdarkly:features", "f000"])
        .unwrap();
    assert!(kept.text().unwrap().contains("\"version\":5"));
    assert_eq!(
        number(&server, &["HLEN", "launchdarkly:features"]),
        "Integer(3)"
    );
}

#[test]
fn what_cannot_be_written_to_is_an_error_of_the_command_line() {
    let folder = Folder::with(&[("flags.json", &flags(1).to_string())]);
    let ran = folder.vexil(&["mirror", "flags.json", "other.json"]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.stderr.contains("redis://HOST"), "{}", ran.stderr);
    let ran = folder.vexil(&["mirror", "flags.json", "redis://127.0.0.1:1"]);
    assert_eq!(ran.exit, Exit::Unreachable);
    assert!(ran.stderr.contains("help: "), "{}", ran.stderr);
}

#[test]
fn two_copies_at_once_end_with_a_whole_one() {
    let server = RedisServer::start().unwrap();
    let (one, mut other) = (flags(200), flags(200));
    for number in 0..200 {
        other["flags"][format!("f{number:03}")]["salt"] = json!("other");
    }
    let folder = Arc::new(Folder::with(&[
        ("one.json", &one.to_string()),
        ("other.json", &other.to_string()),
    ]));
    for _ in 0..5 {
        let url = server.url();
        let copies = ["one.json", "other.json"]
            .map(|file| folder.begin(&["mirror", file, &url, "--no-verify"]));
        for copy in copies {
            let ran = copy.wait();
            assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
        }
        let counts = ["one.json", "other.json"].map(|file| differences(&folder, file, &server));
        assert!(counts.contains(&0), "{counts:?}");
    }
}

#[test]
fn an_interrupted_copy_leaves_the_old_data_set_or_the_new_one() {
    let server = RedisServer::start().unwrap();
    let (one, mut other) = (flags(500), flags(500));
    for number in 0..500 {
        other["flags"][format!("f{number:03}")]["salt"] = json!("other");
    }
    let folder = Arc::new(Folder::with(&[
        ("one.json", &one.to_string()),
        ("other.json", &other.to_string()),
    ]));
    assert_eq!(mirror(&folder, "one.json", &server, &[]).exit, Exit::Done);
    let files = ["one.json", "other.json"];
    for sent in [0, 1, 4, 8, 16] {
        for file in files {
            let before = commands(&server);
            let copy = folder.begin(&["mirror", file, &server.url()]);
            until("the copy has sent so many commands", || {
                copy.has_ended() || commands(&server) >= before + sent
            });
            let ran = copy.interrupt();
            assert!(
                matches!(ran.exit, Exit::Interrupted | Exit::Done),
                "{ran:?}"
            );
            let counts = files.map(|file| differences(&folder, file, &server));
            assert!(counts.contains(&0), "{counts:?} after {ran:?}");
            assert_eq!(diff(&folder, file, &server)["markers"][1], true);
        }
    }
}

/// The number of commands that the server has run, without those of this function.
fn commands(server: &RedisServer) -> u64 {
    let statistics = server
        .command(["INFO", "commandstats"])
        .unwrap()
        .text()
        .unwrap();
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse::<u64>().ok()?;
        (name != "info").then_some(calls)
    };
    statistics.lines().filter_map(calls).sum()
}

/// A copy that follows its source.
fn follow(folder: &Arc<Folder>, from: &str, server: &RedisServer, options: &[&str]) -> Running {
    let url = server.url();
    let command = [
        "mirror",
        from,
        &url,
        "--follow",
        "--check-interval",
        "100ms",
    ];
    folder.begin(&[&command, options].concat())
}

fn is_copied(folder: &Folder, from: &str, server: &RedisServer) -> bool {
    let ran = folder.vexil(&["diff", from, &server.url()]);
    ran.exit == Exit::Done
}

#[test]
fn a_followed_file_is_copied_at_each_change() {
    let server = RedisServer::start().unwrap();
    let mut data = flags(4);
    let folder = Arc::new(Folder::with(&[("flags.json", &data.to_string())]));
    let copy = follow(&folder, "flags.json", &server, &["--json"]);
    until("the first copy", || {
        is_copied(&folder, "flags.json", &server)
    });
    data["flags"]["f000"]["version"] = json!(6);
    data["flags"]["f000"]["salt"] = json!("other");
    folder.write("flags.json", &data.to_string());
    until("one flag", || is_copied(&folder, "flags.json", &server));
    data["flags"].as_object_mut().unwrap().remove("f001");
    folder.write("flags.json", &data.to_string());
    until("a removal", || is_copied(&folder, "flags.json", &server));
    // A source that loses its flags empties nothing.
    folder.write("flags.json", r#"{"flags": {}}"#);
    until("the refusal", || {
        copy.written.stdout.text().contains("\"refused\"")
    });
    folder.write("flags.json", &flags(4).to_string());
    until("the return", || is_copied(&folder, "flags.json", &server));
    let ran = copy.interrupt();
    assert_eq!(ran.exit, Exit::Interrupted);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "written");
    assert_eq!(events[0]["flags"]["written"], 4);
    assert!(
        events
            .iter()
            .all(|event| event["schema"] == "vexil.mirror/1"),
        "{events:?}"
    );
}

#[test]
fn a_followed_copy_survives_the_loss_of_the_database() {
    let server = RedisServer::start().unwrap();
    let mut data = flags(20);
    let folder = Arc::new(Folder::with(&[("flags.json", &data.to_string())]));
    let copy = follow(&folder, "flags.json", &server, &[]);
    until("the first copy", || {
        is_copied(&folder, "flags.json", &server)
    });
    server.kill();
    data["flags"]["f000"]["salt"] = json!("other");
    data["flags"].as_object_mut().unwrap().remove("f001");
    folder.write("flags.json", &data.to_string());
    until("the outage", || {
        copy.written.stderr.text().contains("is tried again")
    });
    // Nothing of the old contents comes back.
    server.restart().unwrap();
    until("the return", || is_copied(&folder, "flags.json", &server));
    let ran = copy.interrupt();
    assert_eq!(ran.exit, Exit::Interrupted);
    assert_eq!(
        ran.stderr.matches("is tried again").count(),
        1,
        "{}",
        ran.stderr
    );
    assert_eq!(
        ran.stderr.matches("works again").count(),
        1,
        "{}",
        ran.stderr
    );
}

#[test]
fn an_emptied_database_is_filled_again() {
    let server = RedisServer::start().unwrap();
    let folder = Arc::new(Folder::with(&[("flags.json", &flags(20).to_string())]));
    let copy = follow(&folder, "flags.json", &server, &[]);
    until("the first copy", || {
        is_copied(&folder, "flags.json", &server)
    });
    for command in [
        vec!["FLUSHALL"],
        vec!["DEL", "launchdarkly:segments"],
        vec!["DEL", "launchdarkly:$inited"],
        vec!["HDEL", "launchdarkly:features", "f003"],
    ] {
        server.command(&command).unwrap();
        until("the return", || {
            is_copied(&folder, "flags.json", &server)
                && number(&server, &["EXISTS", "launchdarkly:$inited"]) == "Integer(1)"
        });
    }
    let ran = copy.interrupt();
    assert!(
        ran.stderr.matches("has lost items").count() >= 4,
        "{}",
        ran.stderr
    );
}

#[test]
fn a_copy_waits_for_the_lock_of_another_one() {
    let server = RedisServer::start().unwrap();
    let folder = Arc::new(Folder::with(&[
        ("one.json", &flags(4).to_string()),
        ("other.json", &flags(6).to_string()),
    ]));
    let holder = follow(&folder, "one.json", &server, &["--lock"]);
    until("the first copy", || is_copied(&folder, "one.json", &server));
    let url = server.url();
    let second = folder.begin(&["mirror", "other.json", &url, "--lock"]);
    until("the wait", || {
        second.written.stderr.text().contains("has the lock")
    });
    assert!(is_copied(&folder, "one.json", &server));
    holder.interrupt();
    let ran = second.wait();
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(is_copied(&folder, "other.json", &server));
    assert_eq!(
        number(&server, &["EXISTS", "launchdarkly:vexil_mirror_lock"]),
        "Integer(0)"
    );
    // A program that has died blocks for as long as its lease lasts, and a waiting one can be ended.
    server
        .command(["SET", "launchdarkly:vexil_mirror_lock", "another"])
        .unwrap();
    let third = folder.begin(&["mirror", "other.json", &url, "--lock"]);
    until("the wait", || {
        third.written.stderr.text().contains("has the lock")
    });
    assert_eq!(third.interrupt().exit, Exit::Interrupted);
}

#[test]
fn the_members_of_big_segments_are_copied_from_one_database_to_another() {
    let server = RedisServer::start().unwrap();
    let folder = Folder::with(&[(
        "flags.json",
        r#"{"segments": {"vip": {"version": 1, "unbounded": true, "generation": 2}}}"#,
    )]);
    let (from, to) = (
        format!("{}?prefix=a*", server.url()),
        format!("{}?prefix=b", server.url()),
    );
    let ran = folder.vexil(&["mirror", "flags.json", &from]);
    assert!(ran.stderr.contains("--big-segments"), "{}", ran.stderr);
    let refused = folder.vexil(&["mirror", "flags.json", &from, "--big-segments"]);
    assert_eq!(refused.exit, Exit::Usage);
    for number in 0..3_000 {
        let (key, segment) = (format!("a*:big_segment_include:hash{number}="), "vip.g2");
        server.command(["SADD", &key, segment, "other.g1"]).unwrap();
    }
    for (key, member) in [
        ("a*:big_segment_exclude:hash7=", "other.g3"),
        // Of another prefix, which the pattern of the first one would match.
        ("axx:big_segment_include:foreign=", "vip.g2"),
        ("b:big_segment_include:hash7=", "old.g1"),
        ("b:big_segment_exclude:gone=", "vip.g2"),
    ] {
        server.command(["SADD", key, member]).unwrap();
    }
    server
        .command(["SET", "a*:big_segments_synchronized_on", "1764000000000"])
        .unwrap();
    let diff = folder.vexil(&["diff", &from, &to, "--big-segments"]);
    let end = "3001 contexts in big segments: 3001 differences (2999 only left, 1 only right, 1 changed)\n";
    assert_eq!(diff.exit, Exit::No);
    assert!(diff.stdout.ends_with(end), "{}", diff.stdout);
    assert!(
        diff.stdout.contains("only right  context  gone="),
        "{}",
        diff.stdout
    );
    let ran = folder.vexil(&["mirror", &from, &to, "--big-segments", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = json!({"contexts": 3000, "removed": 1, "synchronizedOn": 1_764_000_000_000_u64});
    assert_eq!(document["bigSegments"], expected);
    let equal = folder.vexil(&["diff", &from, &to, "--big-segments", "--json"]);
    let document: Value = serde_json::from_str(&equal.stdout).unwrap();
    assert_eq!(
        (equal.exit, &document["counts"]["contexts"]),
        (Exit::Done, &json!(3000))
    );
    let members = |key: &str| number(&server, &["SCARD", key]);
    assert_eq!(members("b:big_segment_include:hash2999="), "Integer(2)");
    assert_eq!(members("b:big_segment_include:hash7="), "Integer(2)");
    assert_eq!(members("b:big_segment_exclude:hash7="), "Integer(1)");
    let gone = [
        "EXISTS",
        "b:big_segment_exclude:gone=",
        "b:big_segment_include:foreign=",
    ];
    assert_eq!(number(&server, &gone), "Integer(0)");
    let time = server
        .command(["GET", "b:big_segments_synchronized_on"])
        .unwrap();
    assert_eq!(time.text().unwrap(), "1764000000000");
}
