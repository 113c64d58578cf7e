//! Settings and operations of Redis servers.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use vexil_testing::servers::{RedisReply, RedisServer, ServerError};

use crate::is_closed;

#[test]
fn replies_are_returned_unchanged() {
    let server = RedisServer::start().unwrap();
    let text = |text: &str| RedisReply::Text(text.into());
    assert_eq!(
        server.command(["SET", "a", "\0ключ\r\n"]).unwrap(),
        text("OK")
    );
    assert_eq!(server.command(["GET", "a"]).unwrap(), text("\0ключ\r\n"));
    assert_eq!(server.command(["GET", "b"]).unwrap(), RedisReply::Nil);
    assert_eq!(
        server.command(["SADD", "s", "x", "y"]).unwrap(),
        RedisReply::Integer(2)
    );
    assert_eq!(
        server.command(["MGET", "a", "b"]).unwrap(),
        RedisReply::List(vec![text("\0ключ\r\n"), RedisReply::Nil])
    );
    let error = server.command(["HGET", "a", "b"]).unwrap_err();
    assert!(
        matches!(&error, ServerError::Refused { command, reply } if command == "HGET" && reply.starts_with("WRONGTYPE"))
    );
    // A refusal keeps the connection. After the server has closed it, a new one is opened.
    server
        .command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"])
        .unwrap();
    assert_eq!(server.command(["PING"]).unwrap(), text("PONG"));
}

#[test]
fn a_password_is_required_and_part_of_the_url() {
    let server = RedisServer::builder()
        .password("open \"sesame\"")
        .start()
        .unwrap();
    assert_eq!(
        server.url(),
        format!("redis://:open%20%22sesame%22@127.0.0.1:{}", server.port())
    );
    let mut client = Client::connect(&server);
    assert!(client.say("PING").starts_with("-NOAUTH"));
    assert!(client.say(r#"AUTH "open \"sesame\"""#).starts_with("+OK"));
    assert!(client.say("PING").starts_with("+PONG"));
    assert!(!format!("{server:?}").contains("sesame"));
}

#[test]
fn users_have_only_their_rights() {
    let server = RedisServer::builder()
        .acl_user("reader", "secret", "~* +@read")
        .start()
        .unwrap();
    assert_eq!(
        server.url_as("reader", "secret"),
        format!("redis://reader:secret@127.0.0.1:{}", server.port())
    );
    let mut client = Client::connect(&server);
    assert!(client.say("AUTH reader secret").starts_with("+OK"));
    assert!(client.say("GET a").starts_with("$-1"));
    assert!(client.say("SET a b").starts_with("-NOPERM"));
    // The test's own connection has all rights.
    server.command(["SET", "a", "b"]).unwrap();
}

#[test]
fn with_tls_the_server_presents_a_certificate_signed_by_its_authority() {
    let server = RedisServer::builder().tls().start().unwrap();
    assert!(server.url().starts_with("rediss://"));
    let files = server.tls().unwrap();
    assert_eq!(
        std::fs::read_to_string(files.ca_path()).unwrap(),
        files.ca_pem()
    );
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(files.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = vexil::tls::provider().unwrap();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, TcpStream::connect(server.address()).unwrap());
    stream.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    server.restart().unwrap();
    assert!(server.command(["PING"]).is_ok());
}

#[test]
fn a_killed_server_is_empty_after_a_restart_on_its_port() {
    let server = RedisServer::start().unwrap();
    server.command(["SET", "a", "b"]).unwrap();
    let mut client = Client::connect(&server);
    server.kill();
    assert_eq!(client.say("PING"), "");
    assert!(is_closed(server.address()));
    assert!(server.command(["PING"]).is_err());
    assert!(server.pause().is_err());
    server.restart().unwrap();
    assert_eq!(server.command(["GET", "a"]).unwrap(), RedisReply::Nil);
    assert!(Client::connect(&server).say("PING").starts_with("+PONG"));
}

#[test]
fn a_server_that_writes_to_disk_keeps_its_data_after_a_restart() {
    let server = RedisServer::builder()
        .config("appendonly yes")
        .config("appendfsync always")
        .start()
        .unwrap();
    server.command(["SET", "a", "b"]).unwrap();
    server.restart().unwrap();
    assert_eq!(
        server.command(["GET", "a"]).unwrap().text().as_deref(),
        Some("b")
    );
}

#[test]
fn a_paused_server_is_silent_and_responds_after_it_resumes() {
    let server = RedisServer::start().unwrap();
    let mut client = Client::connect(&server);
    server.pause().unwrap();
    client
        .0
        .get_ref()
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    client.0.get_mut().write_all(b"PING\r\n").unwrap();
    let silence = client.0.fill_buf().unwrap_err();
    assert!(
        matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{silence}"
    );
    // The operating system still accepts connections for it.
    assert!(TcpStream::connect(server.address()).is_ok());
    server.resume().unwrap();
    client
        .0
        .get_ref()
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    assert!(client.answer().starts_with("+PONG"));
    // A paused server ends too when it is dropped.
    server.pause().unwrap();
    let address = server.address();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn limits_do_not_include_the_connection_of_the_test() {
    let server = RedisServer::builder()
        .max_clients(1)
        .max_memory(3_000_000)
        .start()
        .unwrap();
    let mut first = Client::connect(&server);
    assert!(first.say("PING").starts_with("+PONG"));
    assert!(
        Client::connect(&server)
            .answer()
            .starts_with("-ERR max number of clients")
    );
    let refused = server
        .command(["SET", "a", &"x".repeat(4_000_000)])
        .and_then(|_| server.command(["SET", "b", "c"]));
    assert!(
        matches!(&refused, Err(ServerError::Refused { reply, .. }) if reply.starts_with("OOM")),
        "{refused:?}"
    );
}

/// A client of the server's port that uses the protocol's inline commands.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: &RedisServer) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, command: &str) -> String {
        // If the server is gone, reading the reply fails.
        let _ = self
            .0
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes());
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        match self.0.read_line(&mut answer) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => {
                panic!("no answer: {error}")
            }
            _ => answer,
        }
    }
}
