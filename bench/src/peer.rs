//! The other side: LaunchDarkly's Rust SDK, used like an application uses it.
//!
//! Its client receives flags through the public test data source, which writes to the same
//! in-memory store as the stream but needs no socket; measurements of the stream use its default
//! transport. Events are disabled with its null event processor, the only way that still evaluates.

use std::collections::HashMap;
use std::error::Error;

use launchdarkly_server_sdk::{
    AllData, AttributeValue, Client, ConfigBuilder, Context, ContextBuilder, Flag, FlagDetail,
    FlagDetailConfig, MultiContextBuilder, NullEventProcessorBuilder, Segment,
    ServiceEndpointsBuilder, TestData,
};
use launchdarkly_server_sdk_evaluation::{FlagValue, Store, evaluate};

use crate::sdk::{START_LIMIT, Sdk};
use crate::workload::{AttributeData, ContextData};

pub(crate) struct Peer;

impl Sdk for Peer {
    type Model = AllData<Flag, Segment>;
    type Context = Context;
    type Client = Client;
    type Evaluator = Evaluator;
    type Flag = Flag;
    type FlagsState = FlagDetail;
    type TestData = TestData;

    fn parse(json: &[u8]) -> Result<Self::Model, Box<dyn Error>> {
        Ok(serde_json::from_slice(json)?)
    }

    fn context(data: &ContextData) -> Result<Context, Box<dyn Error>> {
        let mut builder = ContextBuilder::new(data.key);
        if let Some(kind) = data.kind {
            builder.kind(kind);
        }
        for (name, value) in data.attributes {
            match value {
                AttributeData::Text(text) => builder.set_string(name, *text),
                AttributeData::Number(number) => builder.set_float(name, *number),
                AttributeData::Flag(flag) => builder.set_bool(name, *flag),
                AttributeData::List(items) => {
                    let items = items.iter().copied().map(AttributeValue::from);
                    builder.set_value(name, AttributeValue::Array(items.collect()))
                }
            };
        }
        Ok(builder.build()?)
    }

    fn multi_context(parts: &[ContextData]) -> Result<Context, Box<dyn Error>> {
        let mut builder = MultiContextBuilder::new();
        for part in parts {
            builder.add_context(Self::context(part)?);
        }
        Ok(builder.build()?)
    }

    fn read_flag(_: &str, json: &str) -> Result<Flag, Box<dyn Error>> {
        Ok(serde_json::from_str(json)?)
    }

    fn test_data(model: Self::Model) -> TestData {
        let source = TestData::new();
        for flag in model.flags.into_values() {
            source.use_preconfigured_flag(flag);
        }
        for segment in model.segments.into_values() {
            source.use_preconfigured_segment(segment);
        }
        source
    }

    fn update(data: &TestData, flag: Flag) -> Result<(), Box<dyn Error>> {
        data.use_preconfigured_flag(flag);
        Ok(())
    }

    fn client(data: &TestData) -> Result<Client, Box<dyn Error>> {
        let client = start(ConfigBuilder::new("sdk-key").data_source(data))?;
        match client.initialized() {
            true => Ok(client),
            false => Err("the peer's client did not accept its flags".into()),
        }
    }

    /// The peer's client can only be waited for with a future that needs Tokio's clock.
    fn connect(url: &str) -> Result<Client, Box<dyn Error>> {
        let mut endpoints = ServiceEndpointsBuilder::new();
        ready(start(
            ConfigBuilder::new("sdk-key").service_endpoints(endpoints.relay_proxy(url)),
        )?)
    }

    fn connect_with_events(url: &str) -> Result<Client, Box<dyn Error>> {
        let mut endpoints = ServiceEndpointsBuilder::new();
        let client = Client::build(
            ConfigBuilder::new("sdk-key")
                .service_endpoints(endpoints.relay_proxy(url))
                .build()?,
        )?;
        client.start_with_runtime()?;
        ready(client)
    }

    fn close(client: Client) {
        client.close();
    }

    fn bool_variation(client: &Client, flag: &str, context: &Context) -> bool {
        client.bool_variation(context, flag, false)
    }

    fn flags_state(client: &Client, context: &Context) -> FlagDetail {
        client.all_flags_detail(context, FlagDetailConfig::new())
    }

    fn evaluator(model: Self::Model) -> Result<Evaluator, Box<dyn Error>> {
        Ok(Evaluator {
            flags: model.flags,
            segments: model.segments,
        })
    }

    fn evaluate(evaluator: &Evaluator, flag: &str, context: &Context) -> bool {
        let Some(flag) = evaluator.flags.get(flag) else {
            return false;
        };
        let detail = evaluate(evaluator, flag, context, None);
        detail.value.and_then(FlagValue::as_bool).unwrap_or(false)
    }
}

/// Waits until a client has its flags.
fn ready(client: Client) -> Result<Client, Box<dyn Error>> {
    let waiting = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    match waiting.block_on(client.wait_for_initialization(START_LIMIT)) {
        Some(true) => Ok(client),
        _ => Err("the peer's client received no flags".into()),
    }
}

/// Starts a client that sends no events.
fn start(config: ConfigBuilder) -> Result<Client, Box<dyn Error>> {
    let client = Client::build(
        config
            .event_processor(&NullEventProcessorBuilder::new())
            .build()?,
    )?;
    client.start_with_runtime()?;
    Ok(client)
}

/// The smallest store that the peer's evaluator accepts.
pub(crate) struct Evaluator {
    flags: HashMap<String, Flag>,
    segments: HashMap<String, Segment>,
}

/// The trait returns owned items, so these methods clone, like the peer's own store.
impl Store for Evaluator {
    fn flag(&self, flag_key: &str) -> Option<Flag> {
        self.flags.get(flag_key).cloned()
    }

    fn segment(&self, segment_key: &str) -> Option<Segment> {
        self.segments.get(segment_key).cloned()
    }
}
