//! Authentication, permissions and TLS: STO-1.7 and STO-9.5.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_redis::{
    RedisBigSegmentStore, RedisConfigError, RedisConnection, RedisCredentials, RedisDataStore,
};
use vexil_testing::FakeService;
use vexil_testing::fake_service::Certificate;
use vexil_testing::servers::RedisServer;

use crate::support::{
    Log, TIMEOUT, chain, connection_builder, data, item, keys, store_builder, store_on, until,
};

/// The permissions of a read-only service, word for word from STO-1.7.
pub(crate) const READER: &str = "resetkeys %R~launchdarkly:* -@all +hget +hgetall +exists +get +smembers +multi +exec +ping +hello \
                      +auth +select +client|tracking +client|id +client|setname";

// STO-1.7: read permissions are enough for daemon mode, and allow no writes
#[tokio::test]
async fn a_read_only_user_reads_everything_and_writes_nothing() {
    let server = RedisServer::builder()
        .acl_user("reader", "secret", READER)
        .start()
        .unwrap();
    store_on(&server).init(&data(&["a"], &["s"])).await.unwrap();
    server
        .command(["SADD", "launchdarkly:big_segment_include:h", "vip.g1"])
        .unwrap();

    let connection = connection_builder()
        .url(server.url_as("reader", "secret"))
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    let mut changes = store.changes().unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.initialized);
    assert_eq!(keys(&snapshot.collections[0].items), ["a"]);
    assert!(store.get(DataKind::Segment, "s").await.unwrap().is_some());
    assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 1);
    store.probe().await.unwrap();
    let big_segments = RedisBigSegmentStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    assert_eq!(
        big_segments
            .membership("h")
            .await
            .unwrap()
            .unwrap()
            .is_included("vip.g1"),
        Some(true)
    );
    assert_eq!(big_segments.last_synchronized().await.unwrap(), None);
    server
        .command(["HSET", "launchdarkly:features", "b", "{}"])
        .unwrap();
    timeout(TIMEOUT, changes.changed())
        .await
        .expect("the server notifies the store");

    let refusals = [
        store.init(&data(&[], &[])).await.unwrap_err(),
        store
            .upsert(DataKind::Flag, "a", &item("a", 9))
            .await
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, StoreError::Auth { .. }), "{refusal:?}");
        assert!(chain(&refusal).contains("NOPERM"), "{}", chain(&refusal));
    }
    assert_eq!(
        keys(&store.get_all(DataKind::Flag).await.unwrap()),
        ["a", "b"]
    );
}

// STO-1.7: the additional permissions of writers
#[tokio::test]
async fn a_user_with_write_permissions_writes() {
    let rights = format!("{READER} ~launchdarkly:* +hset +del +set +eval +evalsha +watch +unwatch");
    let server = RedisServer::builder()
        .acl_user("writer", "secret", &rights)
        .start()
        .unwrap();
    let store = store_builder(server.url_as("writer", "secret"))
        .build()
        .unwrap();
    store.init(&data(&["a"], &["s"])).await.unwrap();
    store
        .upsert(DataKind::Flag, "a", &item("a", 9))
        .await
        .unwrap();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap().unwrap().body,
        item("a", 9).body
    );
}

// STO-9.5 and STO-F13: refused at once, with the cause, and without the password
#[tokio::test]
async fn a_wrong_password_is_refused_access() {
    let server = RedisServer::builder().password("right").start().unwrap();
    for url in [
        format!("redis://:wr0ng@{}", server.address()),
        format!("redis://{}", server.address()),
    ] {
        let (log, _guard) = Log::start();
        let store = store_builder(url).build().unwrap();
        for _ in 0..3 {
            let error = store.snapshot().await.unwrap_err();
            assert!(matches!(error, StoreError::Auth { .. }), "{error:?}");
            assert!(!chain(&error).contains("wr0ng"), "{}", chain(&error));
        }
        assert_eq!(
            log.count(&["WARN", "no connection to Redis"]),
            1,
            "once a minute: {:?}",
            log.lines()
        );
        assert_eq!(log.count(&["wr0ng"]), 0);
    }
    let store = store_builder(server.url()).build().unwrap();
    store.snapshot().await.unwrap();
}

// The server requires no password, and the client sends one
#[tokio::test]
async fn an_unneeded_password_is_never_shown() {
    let server = RedisServer::start().unwrap();
    let connection = connection_builder()
        .url(server.url())
        .credentials(RedisCredentials::user("unknown", "s3cret"))
        .build()
        .unwrap();
    let error = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Auth { .. }), "{error:?}");
    assert!(!format!("{} {connection:?}", chain(&error)).contains("s3cret"));
}

// STO-9.5, auth: a provider that is called for each connection, for tokens that expire
#[tokio::test]
async fn the_credential_provider_is_called_for_each_connection() {
    let server = RedisServer::builder()
        .acl_user("flags", "token-1", "~* &* +@all")
        .start()
        .unwrap();
    let token = Arc::new(Mutex::new("token-1".to_owned()));
    let calls = Arc::new(AtomicUsize::new(0));
    let connection = connection_builder()
        .url(server.url())
        .credential_provider({
            let (token, calls) = (Arc::clone(&token), Arc::clone(&calls));
            move || {
                calls.fetch_add(1, Ordering::Relaxed);
                let token = token.lock().unwrap().clone();
                async move { Ok(RedisCredentials::user("flags", token)) }
            }
        })
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    store.snapshot().await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    server
        .command(["ACL", "SETUSER", "flags", "resetpass", ">token-2"])
        .unwrap();
    "token-2".clone_into(&mut token.lock().unwrap());
    server.command(["CLIENT", "KILL", "USER", "flags"]).unwrap();
    until("the new token is accepted", async || {
        store.probe().await.is_ok()
    })
    .await;
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

// STO-F13: after a refusal, the next attempt is after 5 s, with new credentials of the provider
#[tokio::test]
async fn a_refused_user_is_retried_after_five_seconds() {
    let server = RedisServer::builder().password("right").start().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let connection = connection_builder()
        .url(format!("redis://{}", server.address()))
        .credential_provider({
            let calls = Arc::clone(&calls);
            move || {
                let password = if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                    "wrong"
                } else {
                    "right"
                };
                async move { Ok(RedisCredentials::password(password)) }
            }
        })
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    let mut changes = store.changes().unwrap();
    let start = Instant::now();
    // Neither request waits for the next attempt.
    for _ in 0..2 {
        assert!(matches!(store.probe().await, Err(StoreError::Auth { .. })));
    }
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "a refusal is reported at once"
    );
    timeout(TIMEOUT, changes.changed())
        .await
        .expect("the store is admitted");
    assert!(start.elapsed() >= Duration::from_secs(5));
    store.probe().await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_failing_credential_provider_is_an_access_error() {
    let server = RedisServer::start().unwrap();
    let connection = connection_builder()
        .url(server.url())
        .credential_provider(|| async { Err("the vault is closed".into()) })
        .build()
        .unwrap();
    let error = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Auth { .. }), "{error:?}");
    assert!(
        chain(&error).contains("the vault is closed"),
        "{}",
        chain(&error)
    );
}

// STO-9.5, TLS: custom roots; no connection to an untrusted server
#[tokio::test]
async fn tls_rejects_an_untrusted_server() {
    let server = RedisServer::builder()
        .password("secret")
        .tls()
        .start()
        .unwrap();
    let trusting = connection_builder()
        .url(server.url())
        .ca_certs(server.tls().unwrap().ca_path())
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&trusting)
        .build()
        .unwrap();
    store.init(&data(&["a"], &[])).await.unwrap();
    assert_eq!(keys(&store.get_all(DataKind::Flag).await.unwrap()), ["a"]);
    // Only the application may install the process's default provider.
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());

    let error = store_on(&server).snapshot().await.unwrap_err();
    assert!(
        error.is_temporary() && chain(&error).contains("certificate"),
        "{}",
        chain(&error)
    );
    // Without TLS, the server's reply is not valid.
    let plain = store_builder(format!("redis://{}", server.address()))
        .build()
        .unwrap();
    assert!(plain.snapshot().await.is_err());
}

/// A service that is not Redis, whose handshake a store has to refuse.
fn presents(certificate: Certificate) -> FakeService {
    FakeService::builder()
        .tls_with(certificate)
        .start()
        .unwrap()
}

/// The error of a store that trusts this authority, with the server at this address.
async fn refusal_of(address: SocketAddr, authority: &Path) -> StoreError {
    let connection = connection_builder()
        .url(format!("rediss://:s3cret@{address}"))
        .ca_certs(authority)
        .build()
        .unwrap();
    let store = RedisDataStore::builder().connection(&connection).build();
    store.unwrap().snapshot().await.unwrap_err()
}

// STO-9.5, TLS: the password is sent only to a server with a valid certificate
#[tokio::test]
async fn tls_refuses_a_certificate_that_is_expired_or_of_another_host_or_authority() {
    let (expired, elsewhere, stranger) = (
        presents(Certificate::expired()),
        presents(Certificate::for_host("example.com")),
        presents(Certificate::valid()),
    );
    for (service, authority, cause) in [
        (&expired, &expired, "expired"),
        (&elsewhere, &elsewhere, "not valid for name"),
        (&stranger, &expired, "BadSignature"),
    ] {
        let file = authority.ca_pem_path().unwrap();
        let error = refusal_of(service.address(), file).await;
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        let chain = chain(&error);
        assert!(
            chain.contains("certificate") && chain.contains(cause),
            "{chain}"
        );
        assert!(service.failed_handshakes() > 0);
        assert!(service.requests().is_empty());
    }
}

#[tokio::test]
async fn tls_to_a_server_without_tls_is_an_error_and_sends_no_password() {
    let roots = presents(Certificate::valid());
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = plain.local_addr().unwrap();
    let received = tokio::spawn(async move {
        let mut stream = plain.accept().await.unwrap().0;
        let mut first = [0; 1024];
        let length = stream.read(&mut first).await.unwrap();
        stream.write_all(b"-ERR unknown command\r\n").await.unwrap();
        first[..length].to_vec()
    });
    let error = refusal_of(address, roots.ca_pem_path().unwrap()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let received = received.await.unwrap();
    assert_eq!(received[0], 0x16, "a TLS handshake");
    assert!(!received.windows(6).any(|part| part == b"s3cret"));
}

// STO-9.5, TLS: client certificate
#[tokio::test]
async fn tls_presents_a_client_certificate_on_request() {
    let server = RedisServer::builder()
        .tls()
        .config("tls-auth-clients yes")
        .start()
        .unwrap();
    let files = server.tls().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("identity.pem");
    let pem = [
        fs::read(files.certificate_path()).unwrap(),
        fs::read(files.key_path()).unwrap(),
    ]
    .concat();
    fs::write(&identity, pem).unwrap();
    let builder = connection_builder()
        .url(server.url())
        .ca_certs(files.ca_path());
    let unknown = builder
        .clone()
        .connect_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    assert!(
        RedisDataStore::builder()
            .connection(&unknown)
            .build()
            .unwrap()
            .snapshot()
            .await
            .is_err()
    );
    let known = builder.cert_file(&identity).build().unwrap();
    RedisDataStore::builder()
        .connection(&known)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap();
}

#[tokio::test]
async fn invalid_certificates_in_a_bundle_are_skipped() {
    let server = RedisServer::builder().tls().start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let good = fs::read_to_string(server.tls().unwrap().ca_path()).unwrap();
    fs::write(&bundle, format!("{broken}{good}{broken}")).unwrap();
    let (log, _guard) = Log::start();
    let connection = connection_builder()
        .url(server.url())
        .ca_certs(&bundle)
        .build()
        .unwrap();
    for position in ["position=1", "position=3"] {
        assert_eq!(log.count(&["WARN", position, "bundle.pem"]), 1);
    }
    assert_eq!(log.count(&["WARN"]), 2);
    RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap();
}

#[test]
fn certificates_without_tls_log_a_warning() {
    let (log, _guard) = Log::start();
    RedisConnection::builder()
        .url("redis://ada:secret@h")
        .ca_certs("roots.pem")
        .build()
        .unwrap();
    assert_eq!(
        log.count(&["WARN", "certificates have no effect", "redis://…@h"]),
        1
    );
}

#[test]
fn no_setting_or_error_shows_a_secret() {
    for url in [
        "redis://ada:secret@h",
        "redis://:sec@secret@h/1",
        "redis://h/0?password=secret",
        "http://ada:secret@h",
        "redis://ada:secret@h/secret",
        "ada:secret@h",
        "redis://ada:a?secret@h",
        "redis://ada:secret@h:99999",
    ] {
        let builder = RedisConnection::builder().url(url);
        let store = RedisDataStore::builder().url(url);
        let shown = format!("{builder:?} {store:?} {:?}", store.clone().build());
        assert!(!shown.replace("h/secret", "").contains("secret"), "{shown}");
        match builder.build() {
            Ok(connection) => assert!(
                !format!("{connection:?}").contains("secret"),
                "{connection:?}"
            ),
            Err(error) => assert!(
                !format!("{error} {error:?}")
                    .replace("h/secret", "")
                    .contains("secret"),
                "{error}"
            ),
        }
    }
}

#[test]
fn a_file_without_certificates_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pem");
    fs::write(&path, "").unwrap();
    let builder = RedisConnection::builder().url("rediss://h");
    for error in [
        builder.clone().ca_certs(&path).build(),
        builder.cert_file(&path).build(),
    ] {
        let error = error.expect_err("the file is empty");
        assert!(
            matches!(&error, RedisConfigError::File { path: named, .. } if *named == path),
            "{error}"
        );
    }
}
