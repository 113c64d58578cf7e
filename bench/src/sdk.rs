//! The operations that a side must support in order to be measured.
//!
//! Measurements are written against this trait, so both sides run the same source. Each method is
//! the shortest correct use of the SDK by an application; none may cache anything between calls
//! that an application would not.

use std::error::Error;
use std::time::Duration;

use serde::Serialize;

use crate::workload::{ContextData, USER};

/// The maximum time until a client has its flags.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(60);

pub(crate) trait Sdk: 'static {
    /// The SDK's representation of flags and segments.
    type Model: 'static;
    type Context: Clone + Sync + 'static;
    /// A started client.
    type Client: Sync + 'static;
    /// The evaluator without a client.
    type Evaluator: 'static;
    type Flag;
    /// The values of all flags, serializable as JSON.
    type FlagsState: Serialize + 'static;
    /// The test data source, which changes the flags of a client.
    type TestData;

    fn parse(json: &[u8]) -> Result<Self::Model, Box<dyn Error>>;

    fn context(data: &ContextData) -> Result<Self::Context, Box<dyn Error>>;

    fn multi_context(parts: &[ContextData]) -> Result<Self::Context, Box<dyn Error>>;

    /// Parses a flag from a patch.
    fn read_flag(key: &str, json: &str) -> Result<Self::Flag, Box<dyn Error>>;

    fn test_data(model: Self::Model) -> Self::TestData;

    /// Replaces a flag.
    fn update(data: &Self::TestData, flag: Self::Flag) -> Result<(), Box<dyn Error>>;

    fn client(data: &Self::TestData) -> Result<Self::Client, Box<dyn Error>>;

    /// Starts a client that streams from the service at this URL, sends no events and otherwise has
    /// default settings. Returns when the client has its flags.
    fn connect(url: &str) -> Result<Self::Client, Box<dyn Error>>;

    /// Starts a client like [`Self::connect`] with the default data system of the second protocol.
    ///
    /// # Errors
    /// Returns an error if the SDK has none.
    fn connect_data_system(url: &str) -> Result<Self::Client, Box<dyn Error>> {
        Err(format!("{url}: this SDK has no data system").into())
    }

    /// Starts a client that streams from the service at this URL and sends its events there.
    /// Returns when the client has its flags.
    fn connect_with_events(url: &str) -> Result<Self::Client, Box<dyn Error>>;

    /// Delivers all pending events and closes the client.
    fn close(client: Self::Client);

    /// Evaluates the flag through the client, with the default `false`.
    fn bool_variation(client: &Self::Client, flag: &str, context: &Self::Context) -> bool;

    /// Returns the values of all flags for the context, for front-end SDKs.
    fn flags_state(client: &Self::Client, context: &Self::Context) -> Self::FlagsState;

    fn evaluator(model: Self::Model) -> Result<Self::Evaluator, Box<dyn Error>>;

    /// Evaluates the flag with the evaluator; `false` if it has no value.
    fn evaluate(evaluator: &Self::Evaluator, flag: &str, context: &Self::Context) -> bool;
}

/// Returns the workload's user with another key.
pub(crate) fn numbered_user<S: Sdk>(number: usize) -> Result<S::Context, Box<dyn Error>> {
    S::context(&ContextData {
        key: Box::leak(numbered_key(number).into_boxed_str()),
        ..USER
    })
}

/// Returns the key of [`numbered_user`].
pub(crate) fn numbered_key(number: usize) -> String {
    format!("user-{number:06}")
}
