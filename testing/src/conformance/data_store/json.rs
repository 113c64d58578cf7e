//! Clauses for stores that write the JSON of their items elsewhere.

use serde_json::{Map, Value, from_slice};
use vexil::model::DataKind;

use super::DataStoreHarness;
use super::items::{KINDS, init, item, text, upsert};

/// Otherwise the client drops the JSON.
pub async fn items_must_carry_their_json(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    assert!(
        store.keeps_json(),
        "`keeps_json` returns false: the client drops the JSON of items"
    );
    store.close().await;
}

/// Properties that this version of the SDK does not know must survive.
pub async fn the_json_of_init_is_written_with_every_property(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1)], &[("a", 2)]).await;
    store.close().await;
    is_written(harness, DataKind::Flag, 1).await;
    is_written(harness, DataKind::Segment, 2).await;
}

/// Single items are written in the same form.
pub async fn the_json_of_an_upsert_is_written_with_every_property(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1)], &[("a", 1)]).await;
    for kind in KINDS {
        upsert(&*store, item(&*store, kind, "a", 2), true).await;
    }
    store.close().await;
    for kind in KINDS {
        is_written(harness, kind, 2).await;
    }
}

/// Asserts that the item was written with every property that it arrived with. A store may add
/// properties that other readers expect.
async fn is_written(harness: &dyn DataStoreHarness, kind: DataKind, version: u64) {
    let properties = |text: &[u8]| -> Option<Map<String, Value>> { from_slice(text).ok() };
    let written = harness.written_json(kind, "a").await;
    let written = written.and_then(|text| properties(&text));
    let written = written.unwrap_or_default();
    let arrived = properties(&text("a", version)).unwrap_or_default();
    for (name, value) in &arrived {
        assert_eq!(
            written.get(name),
            Some(value),
            "the property \"{name}\" of the {kind} that was written"
        );
    }
}
