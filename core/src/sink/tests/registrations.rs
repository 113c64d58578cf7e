//! Tests of listeners that are added during an update. One that is added before the data takes effect
//! may have found the old data, so it is notified. A later one finds the new data.

use std::sync::mpsc::{Sender, channel};

use super::*;

/// When a listener is added.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    BeforeWriting,
    AfterWriting,
}

/// Adds a listener during an update.
#[derive(Debug)]
struct Registering {
    inner: MemoryStore,
    hands_out_snapshots: bool,
    when: When,
    is_written: AtomicBool,
    changes: Arc<ChangeHub>,
    notified: Sender<Text>,
}

impl Registering {
    fn at(&self, when: When) {
        if self.when != when {
            return;
        }
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
        // The updater reads what it has written, to find the changes.
        if self.is_written.swap(false, Ordering::Relaxed) {
            self.at(When::AfterWriting);
        }
        self.inner.read(reader);
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        self.inner.snapshot().filter(|_| self.hands_out_snapshots)
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.at(When::BeforeWriting);
        self.is_written.store(true, Ordering::Relaxed);
        self.inner.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.at(When::BeforeWriting);
        self.is_written.store(true, Ordering::Relaxed);
        self.inner.upsert(item).await
    }

    async fn close(&self) {}
}

/// The flags of which a listener is notified if it is added during an update of `before`.
fn notified(
    when: When,
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
        when,
        is_written: AtomicBool::new(false),
        changes: Arc::clone(&changes),
        notified,
    };
    let before = DataSet::from_json(before.to_string().as_bytes()).unwrap();
    park(SOON, store.inner.init(before)).unwrap().unwrap();
    let hooks = Arc::new(Hooks::new(Vec::new()));
    let store = Arc::new(store);
    let updater = Updater::new(runtime, store, None, Arc::clone(&changes), None, hooks);
    if when == When::AfterWriting {
        // Without another listener, the updater does not look for changes.
        changes.add(|_| {});
    }
    update(&updater);
    // Follows the changes of the update in the queue of the listeners.
    changes.announce([Text::from("end")], changes.listeners().unwrap());
    let keys = std::iter::from_fn(|| Some(keys.recv_timeout(SOON).unwrap().to_string()));
    let mut keys: Vec<_> = keys.take_while(|key| key != "end").collect();
    keys.sort_unstable();
    keys
}

/// Flags with these keys and versions.
fn flags(flags: &[(&str, u64)]) -> Json {
    let flag = |(key, version): &(&str, u64)| ((*key).to_owned(), json!({"version": version}));
    json!({"flags": flags.iter().map(flag).collect::<serde_json::Map<_, _>>()})
}

#[test]
fn a_listener_is_notified_of_a_data_set_if_it_was_added_before_the_data_took_effect() {
    let before = flags(&[("same", 1), ("newer", 1), ("gone", 1)]);
    let after = flags(&[("same", 1), ("newer", 2), ("added", 1)]);
    for hands_out_snapshots in [false, true] {
        let notified = |when| {
            notified(when, &before, hands_out_snapshots, |updater| {
                init(updater, &after);
            })
        };
        assert_eq!(notified(When::BeforeWriting), ["added", "gone", "newer"]);
        assert_eq!(notified(When::AfterWriting), [""; 0]);
    }
}

#[test]
fn a_listener_is_notified_of_an_item_if_it_was_added_before_the_item_took_effect() {
    let before = flags(&[("k", 1), ("other", 1)]);
    let flag = json!({"version": 2});
    let item = Item::from_json(DataKind::Flag, "k", flag.to_string().as_bytes()).unwrap();
    for (when, expected) in [(When::BeforeWriting, &["k"][..]), (When::AfterWriting, &[])] {
        let keys = notified(when, &before, true, |updater| {
            upsert(updater, DataKind::Flag, &flag);
        });
        assert_eq!(keys, expected, "{when:?}");
        let keys = notified(when, &before, true, |updater| {
            let delta = ChangeSet::delta(vec![item.clone()]);
            park(SOON, updater.apply(delta)).unwrap().unwrap();
        });
        assert_eq!(keys, expected, "{when:?}");
    }
}
