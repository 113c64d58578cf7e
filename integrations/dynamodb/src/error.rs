//! Errors of DynamoDB, and the store errors that they become.

use std::error::Error;
use std::fmt;
use std::str::Utf8Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;
use vexil::store::StoreError;

/// An invalid setting.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error("the table has no name")]
    NoTable,
    #[error("the endpoint must begin with https:// or http://")]
    Endpoint,
    #[error("the endpoint must name a host, without user and password")]
    EndpointHost,
    #[error(
        "https needs the cargo feature `tls-aws-lc-rs` or `tls-ring` of vexil-dynamodb, or a client \
         with its own TLS"
    )]
    NoTls,
}

/// A failed request.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    #[error("no AWS region is configured: set one in the builder, in AWS_REGION or in the profile")]
    NoRegion,
    #[error(
        "no AWS credentials found: assign a role to the process, set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or set a client with credentials"
    )]
    NoCredentials {
        #[source]
        source: Cause,
    },
    #[error(
        "there is no table \"{table}\" in this region and account: create it, with the \
         partition key \"namespace\" and the sort key \"key\", both of type String, or correct \
         its name"
    )]
    NoTable { table: String },
    #[error(
        "access to the table \"{table}\" is refused; {REQUIRED_PERMISSIONS} ({code}: {message})"
    )]
    Refused {
        table: String,
        code: String,
        message: String,
    },
    #[error(
        "the table \"{table}\" refuses the request; it must have the partition key \
         \"namespace\" and the sort key \"key\", both of type String ({code}: {message})"
    )]
    Invalid {
        table: String,
        code: String,
        message: String,
    },
    #[error("DynamoDB returned {code}: {message}")]
    Service { code: String, message: String },
    #[error(
        "the table throttles: {left} rows of a batch were not written in time; it needs more \
         write capacity"
    )]
    Throttled { left: usize },
    #[error("the time of the last synchronization is not a number of milliseconds")]
    SynchronizedOn,
}

const REQUIRED_PERMISSIONS: &str = "a reader needs dynamodb:GetItem and dynamodb:Query, a writer also \
                      dynamodb:PutItem and dynamodb:BatchWriteItem";

/// An item that cannot be stored.
#[derive(Debug, Error)]
pub(crate) enum ItemError {
    #[error("the item is not UTF-8")]
    NotText(#[source] Utf8Error),
    #[error("DynamoDB has no empty keys")]
    NoKey,
}

/// The messages of an error and of its sources.
///
/// The errors themselves are dropped. Their `Debug` form shows the data received: items and, for
/// credential providers, credentials.
#[derive(Debug, Error)]
#[error("{text}")]
pub(crate) struct Cause {
    text: String,
    #[source]
    source: Option<Box<Self>>,
}

impl Cause {
    fn of(error: &dyn Error) -> Self {
        Self {
            text: error.to_string(),
            source: error.source().map(Self::of).map(Box::new),
        }
    }
}

/// The store error for a failed request.
pub(crate) fn store_error<E, R>(error: &SdkError<E, R>, table: &str) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    let source = error.source().map_or_else(|| Cause::of(error), Cause::of);
    match error {
        SdkError::TimeoutError(_) => StoreError::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => StoreError::Timeout,
        SdkError::ServiceError(reply) => service_error(reply.err(), table),
        _ if lacks_credentials(error) => StoreError::config(RequestError::NoCredentials { source }),
        SdkError::ConstructionFailure(_) => StoreError::config(source),
        _ => StoreError::unavailable(source),
    }
}

/// Whether the table throttled the request, so that it can be retried unchanged.
pub(crate) fn is_throttled<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code().is_some_and(|code| THROTTLING.contains(&code))
}

const THROTTLING: [&str; 3] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
];

fn service_error(reply: &impl ProvideErrorMetadata, table: &str) -> StoreError {
    let table = table.to_owned();
    let code = reply.code().unwrap_or("an unnamed error").to_owned();
    let message = reply.message().unwrap_or_default().to_owned();
    match code.as_str() {
        "ResourceNotFoundException" => StoreError::config(RequestError::NoTable { table }),
        "ValidationException" => StoreError::config(RequestError::Invalid {
            table,
            code,
            message,
        }),
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => StoreError::auth(RequestError::Refused {
            table,
            code,
            message,
        }),
        _ => StoreError::unavailable(RequestError::Service { code, message }),
    }
}

/// Whether credentials are missing, as opposed to a provider that failed.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| {
        matches!(
            error.downcast_ref(),
            Some(
                CredentialsError::CredentialsNotLoaded(_)
                    | CredentialsError::InvalidConfiguration(_)
            )
        )
    })
}
