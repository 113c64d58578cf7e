//! `vexil mirror --follow` from the flag service into Redis.

use std::sync::Arc;

use crate::support::{Folder, until};
use vexil_cli::Exit;
use vexil_testing::FakeService;
use vexil_testing::servers::RedisServer;

/// The text of a flag in the database.
fn stored(server: &RedisServer, key: &str) -> String {
    let reply = server.command(["HGET", "launchdarkly:features", key]);
    reply.unwrap().text().unwrap_or_default()
}

#[test]
fn changes_of_the_service_arrive_one_by_one_and_newer_items_are_replaced() {
    let server = RedisServer::start().unwrap();
    let service = FakeService::builder().sdk_key("sdk-key").start().unwrap();
    service.set("theme", "light").set("other", 1);
    let mut folder = Folder::new();
    folder
        .variables
        .insert("VEXIL_SDK_KEY".to_owned(), "sdk-key".to_owned());
    let folder = Arc::new(folder);
    let from = format!("service?base={0}&stream={0}", service.url());
    let url = server.url();
    let copy = folder.begin(&["mirror", &from, &url, "--follow", "--interval", "200ms"]);
    until("the first copy", || {
        stored(&server, "theme").contains("light")
    });
    service.set("theme", "dark");
    until("the change", || stored(&server, "theme").contains("dark"));
    service.delete("other");
    until("the deletion", || {
        stored(&server, "other").contains("\"deleted\":true")
    });

    // Another program has written a newer version.
    let newer = r#"{"key":"theme","version":1000,"on":false}"#;
    server
        .command(["HSET", "launchdarkly:features", "theme", newer])
        .unwrap();
    service.set("theme", "blue");
    until("the replacement", || {
        stored(&server, "theme").contains("blue")
    });

    // Both sides are lost, and come back.
    server.kill();
    service.set("theme", "green");
    until("the outage", || {
        copy.written.stderr.text().contains("is tried again")
    });
    service.cut_streams();
    server.restart().unwrap();
    until("the return", || stored(&server, "theme").contains("green"));
    let ran = copy.interrupt();
    assert_eq!(ran.exit, Exit::Interrupted);
    let newer = ran
        .stderr
        .matches("has a newer version (1000) of the flag \"theme\"")
        .count();
    assert_eq!(newer, 1, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("flag other  version "),
        "{}",
        ran.stdout
    );
}
