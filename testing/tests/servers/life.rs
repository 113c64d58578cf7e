//! Finding servers, and their lifetime.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, mem};

use vexil_testing::servers::{DynamoDbLocal, RedisServer, ServerError, redis_url};

/// Marks the child process in which a test runs again.
const INNER: &str = "VEXIL_TESTING_INNER";

#[test]
fn a_server_ends_when_its_value_is_dropped() {
    let server = RedisServer::start().unwrap();
    let address = server.address();
    assert!(TcpStream::connect(address).is_ok());
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_ends_with_its_test_process_however_that_ends() {
    if env::var_os(INNER).is_some() {
        let server = RedisServer::start().unwrap();
        println!("\nport {}", server.port());
        mem::forget(server);
        loop {
            thread::park();
        }
    }
    let mut inner = again("life::a_server_ends_with_its_test_process_however_that_ends")
        .spawn()
        .unwrap();
    let mut output = BufReader::new(inner.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let port = output
        .find_map(|line| {
            line.strip_prefix("port ")
                .map(|port| port.parse::<u16>().unwrap())
        })
        .unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    inner.kill().unwrap();
    inner.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < deadline, "the server outlives its test");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_missing_program_is_an_error_that_says_what_to_install() {
    if env::var_os(INNER).is_some() {
        for error in [
            RedisServer::start().unwrap_err(),
            DynamoDbLocal::start().unwrap_err(),
        ] {
            assert!(matches!(error, ServerError::Missing { .. }), "{error}");
            println!("\nerror {error}");
        }
        return;
    }
    let mut inner = again("life::a_missing_program_is_an_error_that_says_what_to_install");
    let inner = inner.env("PATH", "/nowhere").output().unwrap();
    let output = String::from_utf8(inner.stdout).unwrap();
    let errors: Vec<_> = output
        .lines()
        .filter_map(|line| line.strip_prefix("error "))
        .collect();
    let [redis, dynamodb] = errors[..] else {
        panic!("{output}")
    };
    assert!(
        redis.starts_with("redis-server was not found: install the Debian package redis-server"),
        "{redis}"
    );
    assert!(
        dynamodb.starts_with("java was not found: DynamoDB Local needs Java 17"),
        "{dynamodb}"
    );
    assert!(inner.status.success());
}

#[test]
fn the_url_of_an_external_server_is_returned_unchanged() {
    if env::var_os(INNER).is_some() {
        println!("\nurl {}", redis_url().unwrap());
        return;
    }
    let mut inner = again("life::the_url_of_an_external_server_is_returned_unchanged");
    let inner = inner
        .env("VEXIL_REDIS_URL", "redis://elsewhere:1")
        .output()
        .unwrap();
    assert!(
        String::from_utf8(inner.stdout)
            .unwrap()
            .contains("\nurl redis://elsewhere:1\n")
    );
    assert!(inner.status.success());
}

#[test]
fn tests_of_a_process_share_a_server() {
    if env::var_os("VEXIL_REDIS_URL").is_none() {
        let port = redis_url()
            .unwrap()
            .rsplit_once(':')
            .unwrap()
            .1
            .parse::<u16>()
            .unwrap();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    }
    assert_eq!(redis_url().unwrap(), redis_url().unwrap());
}

#[test]
fn a_refused_configuration_is_an_error_with_the_output() {
    let error = RedisServer::builder()
        .config("no-such-setting yes")
        .start()
        .unwrap_err();
    assert!(error.to_string().contains("no-such-setting"), "{error}");
}

/// Runs this test again in a separate process.
fn again(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(INNER, "yes")
        .env_remove("VEXIL_REDIS_URL");
    command.stdout(Stdio::piped());
    command
}
