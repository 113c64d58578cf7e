//! Scopes of clients whose store is the application's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pollster::block_on;
use serde_json::json;
use vexil::client::FlagsStateOptions;
use vexil::eval::{Found, Lookup};
use vexil::model::{DataKind, DataSet, Flag, Item, Segment};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, async_trait};

use crate::support::{
    Controls, Fetch, Lazy, Reads, SOON, Silent, ada, controlled_with, data_set, error, serving,
    with,
};

/// What a store returns as a snapshot to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kept {
    /// The data of the moment.
    Copy,
    Nothing,
    /// A snapshot that panics.
    Panicking,
    /// Nothing: it panics itself.
    Panic,
}

#[derive(Debug)]
struct Own {
    kept: Kept,
    data: MemoryStore,
    reads: Reads,
}

#[async_trait]
impl DataStore for Own {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.reads.record();
        self.data.read(reader);
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        match self.kept {
            Kept::Copy => self.data.snapshot(),
            Kept::Nothing => None,
            Kept::Panicking => Some(Arc::new(Broken)),
            Kept::Panic => panic!("this store panics when it is asked for a snapshot"),
        }
    }

    fn is_initialized(&self) -> bool {
        self.data.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.data.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.data.upsert(item).await
    }

    async fn close(&self) {}
}

struct Broken;

impl Lookup for Broken {
    fn flag(&self, _: &str) -> Found<&Flag> {
        panic!("this snapshot panics")
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        panic!("this snapshot panics")
    }
}

impl Snapshot for Broken {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        panic!("this snapshot panics")
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        panic!("this snapshot panics")
    }
}

fn client(kept: Kept) -> (Client, Controls, Arc<Own>) {
    let store = Arc::new(Own {
        kept,
        data: MemoryStore::new(),
        reads: Reads::default(),
    });
    let builder = Client::builder("sdk-key").data_store(Arc::clone(&store));
    let (client, source) = controlled_with(builder.without_events());
    source.init(&json!({"flags": {"flag": serving(1, "old")}}));
    (client, source, store)
}

#[test]
fn a_scope_reads_the_snapshot_that_the_store_hands_out() {
    let (client, source, store) = client(Kept::Copy);
    let scope = client.scope(&ada());
    source.init(&json!({"flags": {"flag": serving(2, "new")}}));
    let before = store.reads.of_this_thread();
    assert_eq!(scope.str_variation("flag", ""), "old");
    let state = scope.all_flags_state(FlagsStateOptions::default());
    assert_eq!(state.value("flag"), Some(&"old".into()));
    assert_eq!(store.reads.of_this_thread(), before);
}

#[test]
fn without_a_snapshot_to_keep_a_scope_reads_the_current_data() {
    for kept in [Kept::Nothing, Kept::Panic] {
        let (client, source, _) = client(kept);
        let scope = client.scope(&ada());
        assert_eq!(scope.str_variation("flag", ""), "old", "{kept:?}");
        source.init(&json!({"flags": {"flag": serving(2, "new")}}));
        assert_eq!(scope.str_variation("flag", ""), "new", "{kept:?}");
    }
}

#[test]
fn a_snapshot_that_panics_is_an_exception() {
    let (client, ..) = client(Kept::Panicking);
    let scope = client.scope(&ada());
    let detail = scope.str_variation_detail("flag", "default");
    assert_eq!(detail.value, "default");
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("EXCEPTION")
    );
    assert!(
        !scope
            .all_flags_state(FlagsStateOptions::default())
            .is_valid()
    );
}

#[test]
fn an_item_that_has_to_be_fetched_is_fetched_once_for_each_scope() {
    let needs = json!({"prerequisites": [{"key": "base", "variation": 0}]});
    let store = Lazy::new(
        Fetch::FromATask,
        &json!({"flags": {"top": with(serving(1, "old"), &needs), "base": serving(1, "base")}}),
    );
    let client = Client::builder("sdk-key")
        .data_store(Arc::clone(&store))
        .data_source(Silent)
        .evaluation_timeout(SOON)
        .without_events()
        .start()
        .unwrap();
    let scope = client.scope(&ada());
    assert_eq!(scope.str_variation("top", ""), "old");
    assert_eq!(scope.str_variation("none", "absent"), "absent");
    assert_eq!(store.take_fetched(), ["flag top", "flag base", "flag none"]);

    let data = json!({"flags": {"top": serving(2, "new"), "none": serving(1, "new")}});
    block_on(store.init(data_set(&data))).unwrap();
    assert_eq!(scope.str_variation("top", ""), "old");
    assert_eq!(block_on(scope.variation_async("none", "absent")), "absent");
    assert_eq!(scope.str_variation("base", ""), "base");
    assert_eq!(store.take_fetched(), Vec::<String>::new());
    assert_eq!(client.scope(&ada()).str_variation("top", ""), "new");
    assert_eq!(store.take_fetched(), ["flag top"]);
}

#[test]
fn a_fetch_that_fails_is_not_remembered() {
    let store = Lazy::new(Fetch::Fails, &json!({"flags": {"flag": serving(1, 1)}}));
    let client = Client::builder("sdk-key")
        .data_store(Arc::clone(&store))
        .data_source(Silent)
        .without_events()
        .start()
        .unwrap();
    let scope = client.scope(&ada());
    for _ in 0..2 {
        let reason = scope.int_variation_detail("flag", 0).reason;
        assert_eq!(serde_json::to_value(&reason).unwrap(), error("EXCEPTION"));
        assert_eq!(store.take_fetched(), ["flag flag"]);
    }
}

// Of two concurrent fetches, the first one to be remembered counts for both.
#[test]
fn concurrent_evaluations_of_a_scope_have_the_same_value() {
    /// Each fetch finds a newer version.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl DataStore for Counting {
        fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
            reader(&Nothing);
        }

        fn is_initialized(&self) -> bool {
            true
        }

        async fn init(&self, _: DataSet) -> Result<(), StoreError> {
            Ok(())
        }

        async fn upsert(&self, _: Item) -> Result<Upserted, StoreError> {
            Ok(Upserted::Written)
        }

        async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
            let version = 1 + self.0.fetch_add(1, Ordering::SeqCst) as u64;
            let flag = serving(version, version).to_string();
            Ok(Item::from_json(kind, key, flag.as_bytes()).ok())
        }

        async fn close(&self) {}
    }

    struct Nothing;

    impl Lookup for Nothing {
        fn flag(&self, _: &str) -> Found<&Flag> {
            Found::Unknown
        }

        fn segment(&self, _: &str) -> Found<&Segment> {
            Found::Unknown
        }
    }

    impl Snapshot for Nothing {
        fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
            Box::new(std::iter::empty())
        }

        fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
            Box::new(std::iter::empty())
        }

        fn is_complete(&self) -> bool {
            false
        }
    }

    let client = Client::builder("sdk-key")
        .data_store(Arc::new(Counting::default()))
        .data_source(Silent)
        .evaluation_timeout(SOON)
        .without_events()
        .start()
        .unwrap();
    for _ in 0..20 {
        let scope = client.scope(&ada());
        let evaluate = || scope.int_variation("flag", 0);
        let values = std::thread::scope(|threads| {
            let all: Vec<_> = (0..4).map(|_| threads.spawn(evaluate)).collect();
            all.into_iter()
                .map(|one| one.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(
            values[0] > 0 && values.iter().all(|value| *value == values[0]),
            "{values:?}"
        );
        assert_eq!(evaluate(), values[0]);
    }
    let plain = [(); 2].map(|()| client.int_variation("flag", &ada(), 0));
    assert_ne!(plain[0], plain[1]);
}
