//! [`Evaluator`]: evaluates the flags of a source.
//!
//! It is a client whose data source is the contents of the source, so that the command evaluates as
//! an application does. It sends no events.

use std::sync::Arc;

use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::eval::Detail;
use vexil::explain::{ExplainOptions, Explanation};
use vexil::model::{DataSet, Flag, Item, ItemReader};
use vexil::{Client, Context, Text, Value};

use crate::exit::{Exit, Failure};
use crate::snapshot::{Snapshot, Unreadable};
use crate::source::Contents;

/// Evaluates the flags of a source.
#[derive(Debug)]
pub(crate) struct Evaluator {
    client: Client,
    /// The flags that can be evaluated, by key.
    flags: Vec<Arc<Flag>>,
    /// The items that cannot be read. They are left out.
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Evaluator {
    pub(crate) fn new(contents: &Contents) -> Result<Self, Failure> {
        let (data, unreadable) = read(&contents.snapshot);
        let flags = data
            .flags
            .iter()
            .filter_map(|entry| entry.present().cloned())
            .collect();
        let mut builder = Client::builder("vexil-cli")
            .data_source(Fixed(data))
            .without_events()
            .keep_json(true);
        if let Some(store) = &contents.big_segments {
            builder = builder.big_segments(Arc::clone(store));
        }
        let client = builder.start().map_err(|error| {
            Failure::new(Exit::Defect, format_args!("cannot evaluate flags: {error}"))
        })?;
        Ok(Self {
            client,
            flags,
            unreadable,
        })
    }

    /// Returns the flags by key, without those that were deleted.
    pub(crate) fn flags(&self) -> &[Arc<Flag>] {
        &self.flags
    }

    pub(crate) fn flag(&self, key: &str) -> Option<&Arc<Flag>> {
        self.flags.iter().find(|flag| flag.key() == key)
    }

    /// Evaluates a flag. The default is null.
    pub(crate) fn evaluate(&self, key: &str, context: &Context) -> Detail<Value> {
        self.client.variation_detail(key, context, Value::Null)
    }

    pub(crate) fn explain(
        &self,
        key: &str,
        context: &Context,
        options: &ExplainOptions,
    ) -> Explanation {
        self.client.explain(key, context, options)
    }

    /// Async form of [`Evaluator::explain`].
    pub(crate) async fn explain_async(
        &self,
        key: &str,
        context: &Context,
        options: &ExplainOptions,
    ) -> Explanation {
        self.client.explain_async(key, context, options).await
    }
}

/// Reads all items. Items that cannot be read are left out.
fn read(snapshot: &Snapshot) -> (DataSet, Vec<Unreadable>) {
    let mut reader = ItemReader::new(true);
    let mut unreadable = Vec::new();
    let items: Vec<Item> = snapshot
        .items()
        .filter_map(
            |(kind, key, stored)| match stored.item(kind, key, &mut reader) {
                Ok(item) => Some(item),
                Err(error) => {
                    unreadable.push(error);
                    None
                }
            },
        )
        .collect();
    (items.into_iter().collect(), unreadable)
}

/// A data source that delivers once.
#[derive(Debug)]
struct Fixed(DataSet);

#[vexil::async_trait]
impl DataSource for Fixed {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        sink.init(self.0.clone())
            .await
            .map_err(DataSourceError::store)
    }
}

/// Returns the name of a context for people: kind and key of each member.
pub(crate) fn described(context: &Context) -> String {
    let member = |context: &Context| format!("{} {:?}", context.kind(), context.key());
    let members: Vec<String> = context.individual_contexts().map(member).collect();
    members.join(", ")
}

/// Returns a value as JSON on one line.
pub(crate) fn compact(value: &Value) -> Text {
    // Serializing a value fails only if writing does.
    serde_json::to_string(value).unwrap_or_default().into()
}
