//! What goes wrong with DynamoDB, and what it means to a store.

use std::error::Error;
use std::fmt;
use std::str::Utf8Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;
use vexil::store::StoreError;

/// Settings that are impossible.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error("the table has no name")]
    NoTable,
    #[error("the endpoint must begin with https:// or http://")]
    Endpoint,
    #[error("the endpoint must name a host, without user and password")]
    EndpointHost,
    #[error(
        "https needs the cargo feature `tls-aws-lc-rs` or `tls-ring` of vexil-dynamodb, or a client that brings TLS of \
         its own"
    )]
    NoTls,
}

/// Why a request failed.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    #[error("no AWS region is known: set one in the builder, in AWS_REGION or in the profile")]
    NoRegion,
    #[error(
        "no AWS credentials were found: give the process a role, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or \
         AWS_PROFILE, or give the builder a client that has some"
    )]
    NoCredentials {
        #[source]
        source: Cause,
    },
    #[error(
        "there is no table \"{table}\" in this region and account: create it, with the partition key \"namespace\" and \
         the sort key \"key\", both of type String, or correct its name"
    )]
    NoTable { table: String },
    #[error("access to the table \"{table}\" is refused; {NEEDED} ({code}: {message})")]
    Refused {
        table: String,
        code: String,
        message: String,
    },
    #[error(
        "the table \"{table}\" refuses the request; it must have the partition key \"namespace\" and the sort key \
         \"key\", both of type String ({code}: {message})"
    )]
    Invalid {
        table: String,
        code: String,
        message: String,
    },
    #[error("DynamoDB answers {code}: {message}")]
    Answer { code: String, message: String },
    #[error(
        "the table throttles: {left} of a batch of rows were not taken in time; it needs more write capacity"
    )]
    Throttled { left: usize },
    #[error("the time of the last synchronization is no number of milliseconds")]
    SynchronizedOn,
}

const NEEDED: &str = "a reader needs dynamodb:GetItem and dynamodb:Query, a writer also dynamodb:PutItem and \
                      dynamodb:BatchWriteItem";

/// Why an item cannot be kept.
#[derive(Debug, Error)]
pub(crate) enum ItemError {
    #[error("it is not UTF-8")]
    NotText(#[source] Utf8Error),
    #[error("DynamoDB keeps nothing under an empty key")]
    NoKey,
}

/// What an error says, and what those below it say.
///
/// The errors themselves are not kept. Their `Debug` shows what was received: items, and where
/// credentials were asked for, those.
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

/// What a failed request means to a store.
pub(crate) fn store_error<E, R>(error: &SdkError<E, R>, table: &str) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    let source = error.source().map_or_else(|| Cause::of(error), Cause::of);
    match error {
        SdkError::TimeoutError(_) => StoreError::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => StoreError::Timeout,
        SdkError::ServiceError(answer) => answered(answer.err(), table),
        _ if lacks_credentials(error) => StoreError::config(RequestError::NoCredentials { source }),
        SdkError::ConstructionFailure(_) => StoreError::config(source),
        _ => StoreError::unavailable(source),
    }
}

/// Whether the table throttled a request, so that it may be repeated as it is.
pub(crate) fn is_throttled<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code().is_some_and(|code| THROTTLING.contains(&code))
}

const THROTTLING: [&str; 3] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
];

fn answered(answer: &impl ProvideErrorMetadata, table: &str) -> StoreError {
    let table = table.to_owned();
    let code = answer
        .code()
        .unwrap_or("an error without a name")
        .to_owned();
    let message = answer.message().unwrap_or_default().to_owned();
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
        _ => StoreError::unavailable(RequestError::Answer { code, message }),
    }
}

/// Whether there are no credentials, rather than trouble in getting them.
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
