//! What goes wrong is told apart, with a remedy where there is one.

use std::env;
use std::error::Error;
use std::io::Read;
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
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbDataStore, aws_sdk_dynamodb};

use crate::support::{Reply, Tap, TestTable, data, item, local, refusal};

fn cause(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

/// A store over a client, and a table that is not there.
fn store(client: Client) -> DynamoDbDataStore {
    DynamoDbDataStore::builder("flags")
        .client(client)
        .build()
        .unwrap()
}

// spec/04 10 row 30: a missing table is the configuration's fault, whatever is asked.
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
async fn a_table_with_other_keys_is_the_configurations_fault() {
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

/// Gives credentials once they are there, and an error of a kind until then.
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

// spec/04 10 row 30: missing credentials too; as soon as there are some, the same store works.
#[tokio::test]
async fn missing_credentials_are_told_from_trouble_in_getting_them() {
    let answer = Tap::new(|_, _| Reply::Answer(200, json!({})));
    let there = Arc::new(AtomicBool::new(false));
    let with = |credentials| {
        answer.client_with(|settings| settings.credentials_provider(credentials).build())
    };

    let missing = store(with(Later(there.clone(), || {
        CredentialsError::not_loaded("none")
    })));
    let error = missing.is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
    assert!(cause(&error).contains("AWS_PROFILE"), "{error:?}");

    let trouble = store(with(Later(there.clone(), || {
        CredentialsError::provider_error("no answer")
    })));
    let error = trouble.is_initialized().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    there.store(true, Ordering::Relaxed);
    assert!(!missing.is_initialized().await.unwrap());
    assert!(!trouble.is_initialized().await.unwrap());
}

/// Set where the test runs again, without anything else in the environment.
const BARE: &str = "VEXIL_TEST_BARE";

// spec/04 10 row 30, for the client that is made here, on a machine that knows nothing of AWS.
#[test]
fn a_machine_without_settings_is_told_what_it_lacks() {
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
        "errors::a_machine_without_settings_is_told_what_it_lacks",
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
async fn a_client_without_a_region_is_the_configurations_fault() {
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

// spec/04 10 row 13: credentials that are refused may be replaced in place.
#[tokio::test]
async fn refused_access_says_what_is_needed() {
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
async fn trouble_of_the_service_or_the_line_is_temporary() {
    let replies: [fn() -> Reply; 4] = [
        || refusal("InternalServerError"),
        || Reply::Answer(503, json!({})),
        || Reply::Answer(200, json!("not what was asked for")),
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
async fn a_port_where_nobody_listens_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = DynamoDbDataStore::builder("flags").endpoint(format!("http://127.0.0.1:{port}"));
    let nobody = nobody
        .region("eu-central-1")
        .credentials("id", "a secret")
        .build()
        .unwrap();
    let error = nobody.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error:?} {nobody:?}").contains("a secret"));
}

// The client that is made here speaks TLS, and whoever does not is unavailable.
#[tokio::test]
async fn https_is_tls() {
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
    // A record of a handshake.
    assert_eq!(served.join().unwrap(), [0x16]);
}

// Secrets never appear in errors: AWS's own would show the answer of whoever gives out credentials.
#[tokio::test]
async fn an_error_shows_nothing_of_what_was_received() {
    let hidden = json!({"__type": "Unheard", "Message": "no", "SecretAccessKey": "hidden"});
    for (status, body) in [(200, json!("hidden")), (400, hidden)] {
        let error = store(Tap::new(move |_, _| Reply::Answer(status, body.clone())).client());
        let error = error.is_initialized().await.unwrap_err();
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
}
