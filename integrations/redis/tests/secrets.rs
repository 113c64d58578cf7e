//! Plants passwords in all settings of the stores, and searches for them in all errors, debug output
//! and logs, of the SDK and of the libraries it uses.
//!
//! A separate test binary, because it captures the log of the whole process, of all threads and all
//! levels.

#![cfg(test)]

#[path = "../../../core/tests/support/log.rs"]
mod log;
#[path = "../../../core/tests/support/planted.rs"]
mod planted;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use planted::{
    PLANTED, found_in, found_in_error, hides, hides_in_error, log, logged, nothing_was_logged,
    secret,
};
use vexil::big_segments::BigSegmentStore;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::store::{PersistentDataStore, StoreError};
use vexil::{Client, Context};
use vexil_redis::{
    RedisBigSegmentStore, RedisConnection, RedisConnectionBuilder, RedisCredentials, RedisDataStore,
};
use vexil_testing::TestData;
use vexil_testing::servers::RedisServer;

/// Upper limit for every wait.
const SOON: Duration = Duration::from_secs(120);

fn builder(url: impl Into<String>) -> RedisConnectionBuilder {
    RedisConnection::builder()
        .url(url)
        .connect_timeout(Duration::from_secs(5))
}

/// Uses a connection that is refused, in every kind of client.
#[track_caller]
fn is_refused(builder: RedisConnectionBuilder) -> StoreError {
    log();
    hides(&builder);
    let connection = builder.build().unwrap();
    hides(&connection);
    let data = || RedisDataStore::builder().connection(&connection);
    let members = || RedisBigSegmentStore::builder().connection(&connection);
    hides(&data());
    hides(&members());
    for daemon in [true, false] {
        let client = Client::builder(secret("sdk-key"))
            .big_segments(BigSegmentsConfig::new(members()))
            .without_events();
        let client = if daemon {
            client.daemon_mode(data())
        } else {
            let flags = TestData::new().with("flag", secret("value"));
            client
                .data_source(flags)
                .data_store(PersistentStoreConfig::new(data()))
        };
        hides(&client);
        let client = client.start().unwrap();
        if let Err(error) = client.blocking_wait_until_ready(Duration::from_millis(100)) {
            hides_in_error(&error);
        }
        let context = Context::new(secret("context")).unwrap();
        drop(client.variation_detail("flag", &context, "default"));
        hides(&client.data_store_status().status());
        hides(&client.big_segment_store_status().blocking_status(SOON));
        client.blocking_close(SOON);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let error = members()
            .build()
            .unwrap()
            .membership("x")
            .await
            .unwrap_err();
        hides_in_error(&error);
        let store = data().build().unwrap();
        hides(&store);
        let error = store.snapshot().await.unwrap_err();
        hides_in_error(&error);
        error
    })
}

#[test]
fn wrong_passwords_and_missing_permissions_are_not_shown() {
    let server = RedisServer::builder()
        .password(secret("right"))
        .acl_user(
            "reader",
            &secret("reader"),
            "~other:* +ping +hello +auth +client",
        )
        .start()
        .unwrap();
    let address = server.address();
    let reader = RedisCredentials::user("reader", secret("reader"));
    for builder in [
        builder(format!("redis://:{}@{address}", secret("wrong"))),
        builder(format!("redis://reader:{}@{address}", secret("wrong"))),
        builder(format!("redis://{address}")).credentials(reader),
        builder(format!("redis://{address}")).credential_provider(|| async {
            Ok(RedisCredentials::user("unknown", secret("token")))
        }),
    ] {
        let error = is_refused(builder);
        assert!(matches!(error, StoreError::Auth { .. }), "{error:?}");
    }
    nothing_was_logged();
}

/// A server that does not know commands and quotes their arguments, as old servers and proxies do.
///
/// Returns its address, and a receiver of its answers.
fn quoting() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answers, answered) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answers) = (stream.unwrap(), answers.clone());
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length) = stream.read(&mut buffer)
                    && length > 0
                {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    let lines = text.split("\r\n");
                    let commands = lines.clone().filter(|line| line.starts_with('*')).count();
                    let arguments: Vec<_> =
                        lines.filter(|line| !line.starts_with(['*', '$'])).collect();
                    let error = format!(
                        "-ERR unknown command, with args beginning with: `{}`\r\n",
                        arguments.join("`, `")
                    );
                    // Not every test reads all answers.
                    answers.send(error.clone()).ok();
                    if stream.write_all(error.repeat(commands).as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, answered)
}

#[test]
fn a_server_that_quotes_the_password_is_not_quoted() {
    let (address, answers) = quoting();
    for user in ["", "ada"] {
        is_refused(builder(format!(
            "redis://{user}:{}@{address}",
            secret("password")
        )));
    }
    let quotes = answers.try_iter().filter(|answer| answer.contains(PLANTED));
    assert!(quotes.count() > 0, "the server has quoted the password");
    nothing_was_logged();
}

#[test]
fn credentials_of_sentinels_are_not_shown() {
    // The sentinel accepts every password of the default user, and the primary only one.
    let redis = RedisServer::builder().password(secret("right"));
    let redis = redis.start_sentinel().unwrap();
    let (quoting, answers) = quoting();
    for sentinel in [
        redis.sentinel().address().to_string(),
        quoting.to_string(),
        "127.0.0.1:1".to_owned(),
    ] {
        // A user without a password is probably a password in the wrong place.
        for credentials in [
            format!(":{}", secret("sentinel")),
            format!("ada:{}", secret("sentinel")),
            secret("sentinel-user"),
        ] {
            let sentinel = format!("redis://{credentials}@{sentinel}");
            let primary = format!("redis://:{}@ignored", secret("password"));
            is_refused(builder(primary).sentinels(redis.name(), [sentinel]));
        }
    }
    let quotes = answers.try_iter().filter(|answer| answer.contains(PLANTED));
    assert!(quotes.count() > 0, "a sentinel has quoted the password");
    nothing_was_logged();
}

#[test]
fn passwords_of_unreachable_and_unencrypted_servers_are_not_shown() {
    let nowhere = "127.0.0.1:1";
    let tls = RedisServer::builder()
        .password(secret("right"))
        .tls()
        .start()
        .unwrap();
    let address = tls.address();
    for builder in [
        builder(format!("redis://:{}@{nowhere}", secret("password"))),
        builder(format!("redis://:{}@{address}", secret("password"))),
        builder(format!("rediss://:{}@{address}", secret("password"))),
        builder(format!("rediss://:{}@{address}", secret("wrong")))
            .ca_certs(tls.tls().unwrap().ca_path()),
        RedisConnection::builder()
            .connect_timeout(Duration::from_secs(5))
            .cluster([format!("redis://:{}@{nowhere}", secret("password"))]),
    ] {
        is_refused(builder);
    }
    nothing_was_logged();
}

#[test]
fn these_tests_find_a_secret() {
    log();
    tracing::trace!("{}", "a secret");
    assert_eq!(logged("a secret").len(), 1);
    assert!(found_in(&Some(secret("debug"))).is_some());
    let error = StoreError::unavailable(std::io::Error::other(secret("cause")));
    assert!(found_in_error(&error).is_some());
}
