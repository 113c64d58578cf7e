//! Finding servers, and their lifetime.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, mem};

use vexil_testing::servers::{
    DynamoDbLocal, RedisCluster, RedisSentinel, RedisServer, ServerError, ServerKind, dynamodb_url,
    redis_cluster_urls, redis_url,
};

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
            assert!(matches!(error, ServerError::Unavailable { .. }), "{error}");
            println!("\nerror {error}");
        }
        return;
    }
    let mut inner = again("life::a_missing_program_is_an_error_that_says_what_to_install");
    inner
        .env("PATH", "/nowhere")
        .env_remove("VEXIL_CONTAINER_ENGINE")
        .env_remove("VEXIL_SERVERS");
    let inner = inner.output().unwrap();
    let output = String::from_utf8(inner.stdout).unwrap();
    let errors: Vec<_> = output
        .lines()
        .filter_map(|line| line.strip_prefix("error "))
        .collect();
    let [redis, dynamodb] = errors[..] else {
        panic!("{output}")
    };
    let container = if cfg!(feature = "containers") {
        "container: docker was not found, podman was not found, \
         VEXIL_CONTAINER_ENGINE may name an engine"
    } else {
        "container: the feature `containers` of vexil-testing is off"
    };
    for (error, server, program) in [
        (
            redis,
            "Redis is not available",
            "program: redis-server was not found: install the Debian package redis-server",
        ),
        (
            dynamodb,
            "DynamoDB Local is not available",
            "program: java was not found: DynamoDB Local needs Java 17",
        ),
    ] {
        assert!(error.contains(server), "{error}");
        assert!(error.contains(program), "{error}");
        assert!(error.contains(container), "{error}");
    }
    assert!(inner.status.success());
}

/// So that a run for one kind of server tests no other.
#[test]
fn servers_are_of_the_required_kind() {
    let Some(kind) = ServerKind::required().unwrap() else {
        return;
    };
    assert_eq!(RedisServer::start().unwrap().kind(), kind);
    for node in RedisCluster::start().unwrap().nodes() {
        assert_eq!(node.kind(), kind);
    }
    let sentinel = RedisSentinel::start().unwrap();
    for server in sentinel.servers().iter().chain([sentinel.sentinel()]) {
        assert_eq!(server.kind(), kind);
    }
    assert_eq!(DynamoDbLocal::start().unwrap().kind(), kind);
}

#[test]
fn no_other_kind_replaces_the_required_one() {
    let name = "life::no_other_kind_replaces_the_required_one";
    if env::var_os(INNER).is_some() {
        for error in [
            RedisServer::start().map(drop),
            RedisCluster::start().map(drop),
            RedisSentinel::start().map(drop),
            DynamoDbLocal::start().map(drop),
            redis_url().map(drop),
            redis_cluster_urls().map(drop),
            dynamodb_url().map(drop),
        ] {
            println!("\nerror {}", error.unwrap_err());
        }
        return;
    }
    // A URL and a program that could be used are not.
    let inner = again(name)
        .env("VEXIL_SERVERS", "container")
        .env("VEXIL_CONTAINER_ENGINE", "/nowhere/docker")
        .env("VEXIL_REDIS_URL", "redis://elsewhere:1")
        .output()
        .unwrap();
    assert!(inner.status.success());
    let output = String::from_utf8(inner.stdout).unwrap();
    let errors: Vec<_> = output
        .lines()
        .filter(|line| line.starts_with("error "))
        .collect();
    assert_eq!(errors.len(), 7, "{output}");
    for error in errors {
        assert!(
            error.contains("program: excluded by VEXIL_SERVERS"),
            "{error}"
        );
    }
    // A program or container that the test controls is not a running server.
    let inner = again(name)
        .env("VEXIL_SERVERS", "running")
        .env_remove("VEXIL_REDIS_CLUSTER_URLS")
        .env_remove("VEXIL_DYNAMODB_URL")
        .output()
        .unwrap();
    assert!(inner.status.success());
    let output = String::from_utf8(inner.stdout).unwrap();
    for variable in [
        "VEXIL_REDIS_URL",
        "VEXIL_REDIS_CLUSTER_URLS",
        "VEXIL_DYNAMODB_URL",
    ] {
        let expected = format!("running: {variable} is not set; program: excluded");
        assert!(output.contains(&expected), "{output}");
    }
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
        .env_remove("VEXIL_SERVERS")
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
    if env::var_os("VEXIL_REDIS_URL").is_none()
        || ServerKind::required()
            .unwrap()
            .is_some_and(|kind| kind != ServerKind::Running)
    {
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
