//! Evaluations read a store of the application through its seam.

use std::sync::Arc;

use serde_json::json;
use vexil::model::{DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, async_trait};

use crate::support::{Reads, ada, controlled_with, serving};

#[derive(Debug, Default)]
struct Counting {
    inner: MemoryStore,
    reads: Reads,
}

#[async_trait]
impl DataStore for Counting {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.reads.record();
        self.inner.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.inner.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.inner.upsert(item).await
    }

    async fn close(&self) {}
}

#[test]
fn each_evaluation_reads_the_store_once() {
    let store = Arc::new(Counting::default());
    let (client, source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    let evaluate = |expected: i64| {
        let before = store.reads.of_this_thread();
        assert_eq!(client.int_variation("flag", &ada(), 0), expected);
        store.reads.of_this_thread() - before
    };
    source.init(&json!({"flags": {"flag": serving(1, 1)}}));
    assert_eq!(evaluate(1), 1);
    source.flag("flag", &serving(2, 2));
    assert_eq!(evaluate(2), 1);
}
