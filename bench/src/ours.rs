//! Our side: vexil, used like an application uses it.

use std::error::Error;
use std::sync::Arc;

use vexil::client::{FlagsState, FlagsStateOptions};
use vexil::config::{DataSystem, ServiceEndpoints};
use vexil::eval::{Found, Outcome, evaluate};
use vexil::json::Cursor;
use vexil::model::{DataKind, DataSet, DataSetReader, Entry, Item, ItemReader};
use vexil::store::{DataStore, MemoryStore};
use vexil::{Client, Context};
use vexil_testing::TestData;

use crate::sdk::{START_LIMIT, Sdk};
use crate::workload::{AttributeData, ContextData};

pub(crate) struct Ours;

impl Sdk for Ours {
    type Model = DataSet;
    type Context = Context;
    type Client = Client;
    type Evaluator = MemoryStore;
    type Flag = Item;
    type FlagsState = FlagsState;
    type TestData = TestData;

    fn parse(json: &[u8]) -> Result<DataSet, Box<dyn Error>> {
        // Like the built-in data sources without a database: the items keep no JSON text.
        let mut reader = DataSetReader::new(false);
        reader.document(&mut Cursor::whole(std::str::from_utf8(json)?))?;
        Ok(reader.finish())
    }

    fn context(data: &ContextData) -> Result<Context, Box<dyn Error>> {
        let mut builder = Context::builder(data.key);
        if let Some(kind) = data.kind {
            builder = builder.kind(kind);
        }
        let builder = data
            .attributes
            .iter()
            .fold(builder, |builder, &(name, value)| match value {
                AttributeData::Text(text) => builder.set(name, text),
                AttributeData::Number(number) => builder.set(name, number),
                AttributeData::Flag(flag) => builder.set(name, flag),
                AttributeData::List(items) => builder.set(name, items),
            });
        Ok(builder.build()?)
    }

    fn multi_context(parts: &[ContextData]) -> Result<Context, Box<dyn Error>> {
        let parts = parts.iter().map(Self::context);
        Ok(Context::multi(parts.collect::<Result<Vec<_>, _>>()?)?)
    }

    fn read_flag(key: &str, json: &str) -> Result<Item, Box<dyn Error>> {
        // Like a patch of the built-in data sources without a database.
        Ok(ItemReader::new(false).read(DataKind::Flag, key, json)?)
    }

    fn test_data(model: DataSet) -> TestData {
        TestData::from(model)
    }

    fn update(data: &TestData, flag: Item) -> Result<(), Box<dyn Error>> {
        let Item::Flag(Entry::Present(flag)) = flag else {
            return Err("the item is not a flag".into());
        };
        // Just read, so this is the only reference.
        data.use_preconfigured_flag(Arc::into_inner(flag).ok_or("the flag is shared")?)?;
        Ok(())
    }

    fn client(data: &TestData) -> Result<Client, Box<dyn Error>> {
        Ok(Client::builder("sdk-key")
            .data_source(data.clone())
            .without_events()
            .start()?)
    }

    fn connect(url: &str) -> Result<Client, Box<dyn Error>> {
        let client = Client::builder("sdk-key")
            .service_endpoints(ServiceEndpoints::relay(url))
            .without_events()
            .start()?;
        client.blocking_wait_until_ready(START_LIMIT)?;
        Ok(client)
    }

    fn connect_data_system(url: &str) -> Result<Client, Box<dyn Error>> {
        let client = Client::builder("sdk-key")
            .service_endpoints(ServiceEndpoints::relay(url))
            .data_system(DataSystem::new())
            .without_events()
            .start()?;
        client.blocking_wait_until_ready(START_LIMIT)?;
        Ok(client)
    }

    fn connect_with_events(url: &str) -> Result<Client, Box<dyn Error>> {
        let client = Client::builder("sdk-key")
            .service_endpoints(ServiceEndpoints::relay(url))
            .start()?;
        client.blocking_wait_until_ready(START_LIMIT)?;
        Ok(client)
    }

    fn close(client: Client) {
        pollster::block_on(client.close(START_LIMIT));
    }

    fn bool_variation(client: &Client, flag: &str, context: &Context) -> bool {
        client.bool_variation(flag, context, false)
    }

    fn flags_state(client: &Client, context: &Context) -> FlagsState {
        client.all_flags_state(context, FlagsStateOptions::default())
    }

    fn evaluator(model: DataSet) -> Result<MemoryStore, Box<dyn Error>> {
        let store = MemoryStore::new();
        pollster::block_on(store.init(model))?;
        Ok(store)
    }

    fn evaluate(store: &MemoryStore, flag: &str, context: &Context) -> bool {
        let mut value = false;
        store.read(&mut |snapshot| {
            if let Found::Present(flag) = snapshot.flag(flag)
                && let Outcome::Done(evaluation) = evaluate(flag, context, snapshot)
            {
                value = evaluation
                    .variation
                    .and_then(|(_, value)| value.as_bool())
                    .unwrap_or(false);
            }
        });
        value
    }
}
