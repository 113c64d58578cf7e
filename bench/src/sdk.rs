//! What a side must be able to do in order to be measured.
//!
//! A measurement is written against this trait and runs for both sides as compiled from the same
//! source. Each method is the shortest correct use of the SDK by one of its users; none may keep
//! something from call to call that a user would not.

use std::error::Error;

use crate::workload::ContextData;

pub(crate) trait Sdk: 'static {
    /// The SDK's own form of flags and segments.
    type Model: 'static;
    type Context: Clone + 'static;
    /// A started client that holds a model and sends no events.
    type Client: 'static;
    /// The evaluator without a client around it.
    type Evaluator: 'static;

    fn parse(json: &[u8]) -> Result<Self::Model, Box<dyn Error>>;

    fn context(data: &ContextData) -> Result<Self::Context, Box<dyn Error>>;

    fn multi_context(parts: &[ContextData]) -> Result<Self::Context, Box<dyn Error>>;

    fn client(model: Self::Model) -> Result<Self::Client, Box<dyn Error>>;

    /// The flag's value by the client, `false` by default.
    fn bool_variation(client: &Self::Client, flag: &str, context: &Self::Context) -> bool;

    fn evaluator(model: Self::Model) -> Result<Self::Evaluator, Box<dyn Error>>;

    /// The flag's value by the evaluator; `false` where it has none.
    fn evaluate(evaluator: &Self::Evaluator, flag: &str, context: &Self::Context) -> bool;
}
