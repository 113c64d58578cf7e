//! [`Table`]: a table, the key prefix, the lazily created client, and the order of writes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::{Builder, SharedHttpClient};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use vexil::PerProcess;
use vexil::store::StoreError;

use crate::backoff::{Backoff, INITIAL_DELAY, MAX_DELAY};
use crate::error::{RequestError, store_error};
use crate::row::{KEY, NAMESPACE, Row};
use crate::settings::{TableSettings, Timeouts};
use crate::write_order::{Turn, WriteOrder};

/// Minimum timeout until the first reply: configuration and credentials are resolved then, and a
/// connection is opened.
const FIRST_REPLY_TIMEOUT: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of one attempt, so that a lost request can be retried within the timeout of its call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ATTEMPTS: u32 = 3;

/// A table and the prefix of its rows.
pub(crate) struct Table {
    settings: TableSettings,
    /// A forked process has its own.
    client: PerProcess<TableClient>,
    /// Whether the table has replied. Until then, calls have a longer timeout.
    has_replied: AtomicBool,
}

/// The client of one process, and the order in which it writes.
#[derive(Default)]
struct TableClient {
    /// Created by the first successful call, on the runtime of that call.
    client: OnceCell<Client>,
    writes: WriteOrder,
}

impl Table {
    pub(crate) fn new(settings: TableSettings) -> Self {
        Self {
            settings,
            client: PerProcess::new(TableClient::default),
            has_replied: AtomicBool::new(false),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.table
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.settings.timeouts
    }

    /// The partition key of rows of this kind.
    pub(crate) fn namespace(&self, name: &str) -> String {
        match self.settings.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}:{name}"),
        }
    }

    /// Runs an operation with a timeout.
    pub(crate) async fn within<T, W>(
        &self,
        limit: Duration,
        work: impl FnOnce(Backoff) -> W,
    ) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let limit = if self.has_replied.load(Ordering::Relaxed) {
            limit
        } else {
            limit.max(FIRST_REPLY_TIMEOUT)
        };
        let result = timeout(limit, work(Backoff::of(limit)))
            .await
            .unwrap_or(Err(StoreError::Timeout));
        if result.is_ok() {
            self.has_replied.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Returns the client, creating it on first use.
    pub(crate) async fn client(&self) -> Result<Client, StoreError> {
        self.client
            .get()
            .client
            .get_or_try_init(|| self.settings.connect())
            .await
            .cloned()
    }

    /// Waits for the turn to write rows regardless of their version.
    pub(crate) async fn exclusive_turn(&self) -> Turn {
        self.client.get().writes.exclusive().await
    }

    /// Waits for the turn to write a row that versions protect.
    pub(crate) async fn shared_turn(&self) -> Turn {
        self.client.get().writes.shared().await
    }

    /// Reads one row.
    pub(crate) async fn row(
        &self,
        namespace: String,
        key: String,
        consistent: bool,
    ) -> Result<Option<Row>, StoreError> {
        let request = self
            .client()
            .await?
            .get_item()
            .table_name(self.name())
            .consistent_read(consistent);
        let request = request
            .key(NAMESPACE, AttributeValue::S(namespace))
            .key(KEY, AttributeValue::S(key));
        Ok(request
            .send()
            .await
            .map_err(|error| self.error(&error))?
            .item)
    }

    /// The store error for a failed request.
    pub(crate) fn error<E, R>(&self, error: &SdkError<E, R>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: fmt::Debug + 'static,
    {
        store_error(error, self.name())
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}

impl TableSettings {
    async fn connect(&self) -> Result<Client, StoreError> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.load().await,
        };
        let Some(region) = client.config().region() else {
            return Err(StoreError::config(RequestError::NoRegion));
        };
        let (table, prefix, region) = (&self.table, &self.prefix, region.as_ref());
        tracing::info!(store = "DynamoDB", table, prefix, region, "using DynamoDB");
        Ok(client)
    }

    /// Creates a client from the settings and AWS's default chain.
    async fn load(&self) -> Client {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client())
            .timeout_config(timeouts())
            .retry_config(retries());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(credentials) = &self.credentials {
            loader = loader.credentials_provider(credentials.clone());
        }
        // A separate partition: otherwise the retry quota is shared by all clients of a region in
        // this process, including the application's.
        let partition = RetryPartition::custom("vexil").build();
        Client::from_conf(
            Builder::from(&loader.load().await)
                .retry_partition(partition)
                .build(),
        )
    }
}

/// The AWS SDK's HTTP client, with the cryptography provider of the cargo feature.
fn http_client() -> SharedHttpClient {
    #[cfg(any(feature = "tls-aws-lc-rs", feature = "tls-ring"))]
    {
        use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
        #[cfg(feature = "tls-aws-lc-rs")]
        let mode = CryptoMode::AwsLc;
        #[cfg(not(feature = "tls-aws-lc-rs"))]
        let mode = CryptoMode::Ring;
        aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(mode))
            .build_https()
    }
    #[cfg(not(any(feature = "tls-aws-lc-rs", feature = "tls-ring")))]
    aws_smithy_http_client::Builder::new().build_http()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// Standard mode, not adaptive. After throttling, adaptive mode would block a client with few
/// requests, such as this one, for seconds, and would never retry: a retry costs five tokens, and
/// the bucket then holds one. Longer throttling is handled here, with [`Backoff`].
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(INITIAL_DELAY)
        .with_max_backoff(MAX_DELAY)
}
