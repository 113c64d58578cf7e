//! [`Table`]: a table, whose rows in it, and the client that reaches it, made when it is first needed.

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

use crate::config::{Limits, Settings};
use crate::error::{RequestError, store_error};
use crate::patience::{FIRST_DELAY, LONGEST_DELAY, Patience};
use crate::row::{KEY, NAMESPACE, Row};

/// How long the first answer may take: configuration and credentials are found then, and a
/// connection is made.
const FIRST_LIMIT: Duration = Duration::from_secs(10);

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long one request may take, so that one that got lost can be repeated within the limit of its
/// call.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

/// A table, and whose rows in it.
pub(crate) struct Table {
    settings: Settings,
    /// Made by the first call that succeeds in it, on the runtime that the call runs on. A forked
    /// process makes another.
    client: PerProcess<OnceCell<Client>>,
    /// Whether the table ever answered: until then, calls are given more time.
    has_answered: AtomicBool,
}

impl Table {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            client: PerProcess::new(OnceCell::new),
            has_answered: AtomicBool::new(false),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.table
    }

    pub(crate) fn limits(&self) -> Limits {
        self.settings.limits
    }

    /// The value of the partition key of these rows.
    pub(crate) fn namespace(&self, name: &str) -> String {
        match self.settings.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}:{name}"),
        }
    }

    /// Does some work within a limit.
    pub(crate) async fn within<T, W>(
        &self,
        limit: Duration,
        work: impl FnOnce(Patience) -> W,
    ) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let limit = if self.has_answered.load(Ordering::Relaxed) {
            limit
        } else {
            limit.max(FIRST_LIMIT)
        };
        let result = timeout(limit, work(Patience::of(limit)))
            .await
            .unwrap_or(Err(StoreError::Timeout));
        if result.is_ok() {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        result
    }

    /// The client that reaches the table.
    pub(crate) async fn client(&self) -> Result<Client, StoreError> {
        self.client
            .get()
            .get_or_try_init(|| self.settings.connect())
            .await
            .cloned()
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

    /// What a failed request means to a store.
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

impl Settings {
    async fn connect(&self) -> Result<Client, StoreError> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.load().await,
        };
        let Some(region) = client.config().region() else {
            return Err(StoreError::config(RequestError::NoRegion));
        };
        let (table, prefix, region) = (&self.table, &self.prefix, region.as_ref());
        tracing::info!(
            store = "DynamoDB",
            table,
            prefix,
            region,
            "the store is going to be used"
        );
        Ok(client)
    }

    /// A client with what AWS's programs find in the environment, the profile and the machine.
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
        // Of its own: how often may be repeated is counted for all clients of a region in this
        // process otherwise, the application's too.
        let partition = RetryPartition::custom("vexil").build();
        Client::from_conf(
            Builder::from(&loader.load().await)
                .retry_partition(partition)
                .build(),
        )
    }
}

/// The AWS SDK's own, with the provider of cryptography that the cargo feature names.
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
        .connect_timeout(CONNECT_LIMIT)
        .operation_attempt_timeout(ATTEMPT_LIMIT)
        .build()
}

/// Not adaptive: for a client with few requests, as this one is, that means none at all for seconds
/// once it is throttled, and none that is repeated ever, as that costs five of the tokens of which
/// its bucket then holds one. What should outlast throttling is repeated here, with [`Patience`].
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_DELAY)
        .with_max_backoff(LONGEST_DELAY)
}
