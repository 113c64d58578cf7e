//! Errors are distinguished, and name the remedy if there is one.

use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials};
use serde_json::json;
use tempfile::NamedTempFile;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbDataStore, aws_sdk_dynamodb};
use vexil_testing::FakeService;
use vexil_testing::fake_service::Certificate;

use crate::support::{Reply, Tap, TestTable, data, item, local, refusal};

fn cause(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

/// A store with this client and a table that does not exist.
fn store(client: Client) -> DynamoDbDataStore {
    DynamoDbDataStore::builder("flags")
        .client(client)
        .build()
        .unwrap()
}

// STO-F30: a missing table is a configuration error, whatever the call
#[tokio::test]
async fn a_missing_table_is_named_with_the_remedy() {
    let store = local(DynamoDbDataStore::builder("no-such-table"))
        .build()
        .unwrap();
    let errors = [
        store.get(DataKind::Flag, "a").await.unwrap_err(),
        store.get_all(DataKind::Flag).await.unwrap_err(),
        store.is_initialized().await.unwrap_err(),
        store.probe().await.unwrap_err(),
        store.snapshot().await.unwrap_err(),
        store.init(&data(vec![], vec![])).await.unwrap_err(),
        store
            .upsert(DataKind::Flag, "a", &item(1, "{}"))
            .await
            .unwrap_err(),
        local(DynamoDbBigSegmentStore::builder("no-such-table"))
            .build()
            .unwrap()
            .membership("x")
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
        assert!(
            cause(&error).contains("no table \"no-such-table\""),
            "{error:?}"
        );
        assert!(
            cause(&error).contains("partition key \"namespace\""),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_table_with_other_keys_is_a_configuration_error() {
    let table = TestTable::with_keys("id", "sort").await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    for error in [
        store.get(DataKind::Flag, "a").await.unwrap_err(),
        store.snapshot().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
        assert!(
            cause(&error).contains("partition key \"namespace\""),
            "{error:?}"
        );
    }
}

/// Provides credentials once the flag is set, and an error of this kind until then.
#[derive(Debug)]
struct Later(Arc<AtomicBool>, fn() -> CredentialsError);

impl ProvideCredentials for Later {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        Provided::ready(if self.0.load(Ordering::Relaxed) {
            Ok(credentials)
        } else {
            Err((self.1)())
        })
    }
}

// STO-F30: missing credentials too; once there are some, the same store works
#[tokio::test]
async fn missing_credentials_are_distinguished_from_a_failing_provider() {
    let answer = Tap::new(|_, _| Reply::Answer(200, json!({})));
    let there = Arc::new(AtomicBool::new(false));
    let with = |credentials| {
        answer.client_with(|settings| settings.credentials_provider(credentials).build())
    };

    let missing = store(with(Later(there.clone(), || {
        CredentialsError::not_loaded("no credentials")
    })));
    let error = missing.is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
    assert!(cause(&error).contains("AWS_PROFILE"), "{error:?}");

    let failing = store(with(Later(there.clone(), || {
        CredentialsError::provider_error("no answer")
    })));
    let error = failing.is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    there.store(true, Ordering::Relaxed);
    assert!(!missing.is_initialized().await.unwrap());
    assert!(!failing.is_initialized().await.unwrap());
}

/// Set for the process that runs the test again with an otherwise empty environment.
const BARE: &str = "VEXIL_TEST_BARE";

// STO-F30, for the default client, on a machine without AWS settings
#[test]
fn errors_without_aws_settings_name_the_missing_setting() {
    if env::var_os(BARE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(lacks_everything());
    }
    let mut bare = Command::new(env::current_exe().unwrap());
    bare.args([
        "--exact",
        "errors::errors_without_aws_settings_name_the_missing_setting",
    ])
    .env_clear();
    let output = bare
        .env(BARE, "1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", "/nowhere")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}

async fn lacks_everything() {
    let store = DynamoDbDataStore::builder("flags").build().unwrap();
    let error = store.is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
    assert!(cause(&error).contains("AWS_REGION"), "{error:?}");
    let store = DynamoDbDataStore::builder("flags")
        .region("eu-central-1")
        .build()
        .unwrap();
    let error = store.is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
    assert!(cause(&error).contains("AWS_PROFILE"), "{error:?}");
}

#[tokio::test]
async fn a_client_without_a_region_is_a_configuration_error() {
    let tap = Tap::open();
    let client = tap.client_with(|settings| {
        let mut settings = settings;
        settings.set_region(None);
        settings.build()
    });
    let error = store(client).is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
    assert_eq!(tap.operations(), [""; 0]);
}

// STO-F13: refused credentials may be replaced in place
#[tokio::test]
async fn refused_access_names_the_required_permissions() {
    for code in [
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "InvalidSignatureException",
    ] {
        let error = store(Tap::new(move |_, _| refusal(code)).client())
            .is_initialized()
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Auth { .. }), "{error:?}");
        assert!(cause(&error).contains("dynamodb:GetItem"), "{error:?}");
        assert!(cause(&error).contains(code), "{error:?}");
    }
}

#[tokio::test]
async fn service_and_connection_errors_are_temporary() {
    let replies: [fn() -> Reply; 4] = [
        || refusal("InternalServerError"),
        || Reply::Answer(503, json!({})),
        || Reply::Answer(200, json!("unexpected")),
        || Reply::Broken,
    ];
    for reply in replies {
        let error = store(Tap::new(move |_, _| reply()).client())
            .is_initialized()
            .await
            .unwrap_err();
        assert!(
            matches!(error, StoreError::Unavailable { .. }),
            "{:?}: {error:?}",
            reply()
        );
    }
}

#[tokio::test]
async fn a_closed_port_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let unreachable =
        DynamoDbDataStore::builder("flags").endpoint(format!("http://127.0.0.1:{port}"));
    let unreachable = unreachable
        .region("eu-central-1")
        .credentials("id", "a secret")
        .build()
        .unwrap();
    let error = unreachable.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error:?} {unreachable:?}").contains("a secret"));
}

// The default client uses TLS, and a server without TLS is unavailable
#[tokio::test]
async fn an_https_endpoint_uses_tls() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = DynamoDbDataStore::builder("flags")
        .endpoint(format!("https://{}", server.local_addr().unwrap()));
    let store = builder
        .region("eu-central-1")
        .credentials("id", "secret")
        .build()
        .unwrap();
    let served = thread::spawn(move || {
        let mut first = [0];
        server.accept().unwrap().0.read_exact(&mut first).unwrap();
        first
    });
    let error = store.probe().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    // The first byte of a TLS handshake record.
    assert_eq!(served.join().unwrap(), [0x16]);
}

/// Set for the process that runs the test again with other root certificates. Holds the addresses of
/// the servers and whether their certificates are valid.
const SERVERS: &str = "VEXIL_TEST_SERVERS";

// The default client verifies the certificate and its host
#[test]
fn an_https_endpoint_must_present_a_valid_certificate() {
    if let Ok(servers) = env::var(SERVERS) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return servers.split(' ').for_each(|server| {
            let (address, is_valid) = server.split_once('=').unwrap();
            runtime.block_on(handshake(address, is_valid == "valid"));
        });
    }
    let present = |certificate| {
        FakeService::builder()
            .tls_with(certificate)
            .start()
            .unwrap()
    };
    let services = [
        ("valid", present(Certificate::valid())),
        ("expired", present(Certificate::expired())),
        ("elsewhere", present(Certificate::for_host("example.com"))),
    ];
    let stranger = present(Certificate::valid());
    // The roots of all servers but the stranger.
    let mut roots = NamedTempFile::new().unwrap();
    for (_, service) in &services {
        roots
            .write_all(service.ca_pem().unwrap().as_bytes())
            .unwrap();
    }
    let servers = services.iter().map(|(name, service)| (*name, service));
    let servers = servers.chain([("unknown", &stranger)]);
    let servers: Vec<_> = servers
        .map(|(name, service)| format!("{}={name}", service.address()))
        .collect();
    let output = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "errors::an_https_endpoint_must_present_a_valid_certificate",
        ])
        .env(SERVERS, servers.join(" "))
        .env("SSL_CERT_FILE", roots.path())
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
    assert_eq!(
        services[0].1.requests().len(),
        1,
        "the valid server is asked"
    );
    for service in [&services[1].1, &services[2].1, &stranger] {
        assert!(service.failed_handshakes() > 0 && service.requests().is_empty());
    }
}

async fn handshake(address: &str, is_valid: bool) {
    let builder = DynamoDbDataStore::builder("flags").endpoint(format!("https://{address}"));
    let store = builder
        .region("eu-central-1")
        .credentials("id", "secret")
        .build()
        .unwrap();
    let error = store.probe().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    let wanted = if is_valid {
        "DynamoDB returned"
    } else {
        "certificate"
    };
    assert!(
        causes.iter().any(|cause| cause.contains(wanted)),
        "{address}: {causes:?}"
    );
}

// Secrets never appear in errors: AWS's own errors would show the reply of the credential service
#[tokio::test]
async fn errors_never_show_received_data() {
    let hidden = json!({"__type": "Unheard", "Message": "no", "SecretAccessKey": "hidden"});
    for (status, body) in [(200, json!("hidden")), (400, hidden)] {
        let error = store(Tap::new(move |_, _| Reply::Answer(status, body.clone())).client());
        let error = error.is_initialized().await.unwrap_err();
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
}
