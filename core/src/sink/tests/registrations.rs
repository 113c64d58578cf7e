//! Tests of listeners that are added while an update is stored. Such a listener may have found the old
//! data, so it is notified.

use std::sync::mpsc::{Sender, channel};

use super::*;

/// Adds a listener before each write takes effect.
#[derive(Debug)]
struct Registering {
    inner: MemoryStore,
    hands_out_snapshots: bool,
    changes: Arc<ChangeHub>,
    notified: Sender<Text>,
}

impl Registering {
    fn register(&self) {
        let notified = self.notified.clone();
        self.changes.add(move |change| {
            // The test may be over.
            notified.send(change.key.clone()).ok();
        });
    }
}

#[async_trait]
impl DataStore for Registering {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.inner.read(reader);
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        self.inner.snapshot().filter(|_| self.hands_out_snapshots)
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.register();
        self.inner.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.register();
        self.inner.upsert(item).await
    }

    async fn close(&self) {}
}

/// The flags of which the first listener is notified if it is added during an update of `before`.
fn notified(
    before: &Json,
    hands_out_snapshots: bool,
    update: impl FnOnce(&Updater),
) -> Vec<String> {
    let (notified, keys) = channel();
    let runtime = Runtime::shared().unwrap();
    let changes = Arc::new(ChangeHub::new(runtime.clone()));
    let store = Registering {
        inner: MemoryStore::new(),
        hands_out_snapshots,
        changes: Arc::clone(&changes),
        notified,
    };
    let before = DataSet::from_json(before.to_string().as_bytes()).unwrap();
    park(SOON, store.inner.init(before)).unwrap().unwrap();
    let hooks = Arc::new(Hooks::new(Vec::new()));
    let store = Arc::new(store);
    let updater = Updater::new(runtime, store, None, Arc::clone(&changes), None, hooks);
    update(&updater);
    // Follows the changes of the update in the queue of the listeners.
    changes.announce([Text::from("end")]);
    let keys = std::iter::from_fn(|| Some(keys.recv_timeout(SOON).unwrap().to_string()));
    let mut keys: Vec<_> = keys.take_while(|key| key != "end").collect();
    keys.sort_unstable();
    keys
}

fn versions(flags: &[(&str, u64)]) -> Json {
    let flag = |(key, version): &(&str, u64)| ((*key).to_owned(), json!({"version": version}));
    json!({"flags": flags.iter().map(flag).collect::<serde_json::Map<_, _>>()})
}

#[test]
fn a_listener_is_notified_of_a_data_set_that_was_stored_after_it_was_added() {
    let before = versions(&[("same", 1), ("newer", 1), ("gone", 1)]);
    let after = versions(&[("same", 1), ("newer", 2), ("added", 1)]);
    for hands_out_snapshots in [false, true] {
        let keys = notified(&before, hands_out_snapshots, |updater| {
            init(updater, &after)
        });
        assert_eq!(keys, ["added", "gone", "newer"]);
    }
}

#[test]
fn a_listener_is_notified_of_an_item_that_was_stored_after_it_was_added() {
    let before = versions(&[("k", 1), ("other", 1)]);
    let flag = json!({"version": 2});
    let item = || Item::from_json(DataKind::Flag, "k", flag.to_string().as_bytes()).unwrap();
    let keys = notified(&before, true, |updater| {
        upsert(updater, DataKind::Flag, &flag);
    });
    assert_eq!(keys, ["k"]);
    let keys = notified(&before, true, |updater| {
        let delta = ChangeSet::delta(vec![item()]);
        park(SOON, updater.apply(delta)).unwrap().unwrap();
    });
    assert_eq!(keys, ["k"]);
}
