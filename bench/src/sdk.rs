//! What a side must be able to do in order to be measured.
//!
//! A measurement is written against this trait and runs for both sides as compiled from the same
//! source. Each method is the shortest correct use of the SDK by one of its users; none may keep
//! something from call to call that a user would not.

use std::error::Error;
use std::time::Duration;

use serde::Serialize;

use crate::workload::{ContextData, USER};

/// How long a client may take to get its flags.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(60);

pub(crate) trait Sdk: 'static {
    /// The SDK's own form of flags and segments.
    type Model: 'static;
    type Context: Clone + Sync + 'static;
    /// A started client.
    type Client: Sync + 'static;
    /// The evaluator without a client around it.
    type Evaluator: 'static;
    type Flag;
    /// The values of all flags, to be written as JSON.
    type FlagsState: Serialize + 'static;
    /// Where tests change the flags of a client.
    type TestData;

    fn parse(json: &[u8]) -> Result<Self::Model, Box<dyn Error>>;

    fn context(data: &ContextData) -> Result<Self::Context, Box<dyn Error>>;

    fn multi_context(parts: &[ContextData]) -> Result<Self::Context, Box<dyn Error>>;

    /// One flag, as a patch brings it.
    fn read_flag(key: &str, json: &str) -> Result<Self::Flag, Box<dyn Error>>;

    fn test_data(model: Self::Model) -> Self::TestData;

    /// Replaces a flag.
    fn update(data: &Self::TestData, flag: Self::Flag) -> Result<(), Box<dyn Error>>;

    fn client(data: &Self::TestData) -> Result<Self::Client, Box<dyn Error>>;

    /// A client that streams from the service at this URL, sends no events and is else as by
    /// default. Returns when it has its flags.
    fn connect(url: &str) -> Result<Self::Client, Box<dyn Error>>;

    /// A client that streams from the service at this URL and sends its events there. Returns when
    /// it has its flags.
    fn connect_with_events(url: &str) -> Result<Self::Client, Box<dyn Error>>;

    /// Delivers what there is to deliver, and ends the client.
    fn close(client: Self::Client);

    /// The flag's value by the client, `false` by default.
    fn bool_variation(client: &Self::Client, flag: &str, context: &Self::Context) -> bool;

    /// All flags for the context, for the front ends' SDKs.
    fn flags_state(client: &Self::Client, context: &Self::Context) -> Self::FlagsState;

    fn evaluator(model: Self::Model) -> Result<Self::Evaluator, Box<dyn Error>>;

    /// The flag's value by the evaluator; `false` where it has none.
    fn evaluate(evaluator: &Self::Evaluator, flag: &str, context: &Self::Context) -> bool;
}

/// The workload's user under another key, which lives as long as the program.
pub(crate) fn numbered_user<S: Sdk>(number: usize) -> Result<S::Context, Box<dyn Error>> {
    S::context(&ContextData {
        key: Box::leak(format!("user-{number:06}").into_boxed_str()),
        ..USER
    })
}
