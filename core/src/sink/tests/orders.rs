//! Every order of an update and its readers, explored by `scripts/loom`.

use loom::thread;

use super::*;
use crate::sync::{block_on, explore};

const DATA: &[u8] = br#"{"flags": {"k": {"version": 1}}}"#;

/// An updater with a store, and a thread that delivers the first data.
fn delivery() -> (Arc<Updater>, MemoryStore, thread::JoinHandle<()>) {
    let (updater, store) = updater();
    let updater = Arc::new(updater);
    let source = {
        let updater = Arc::clone(&updater);
        thread::spawn(move || {
            let data = DataSet::from_json(DATA).unwrap();
            block_on(updater.init(data)).unwrap();
        })
    };
    (updater, store, source)
}

fn has_data(store: &MemoryStore) -> bool {
    store.is_initialized() && present(store.load().flag("k")).is_some()
}

#[test]
fn data_is_stored_before_the_client_counts_as_refreshed() {
    explore("sink, refreshed", || {
        let (updater, store, source) = delivery();
        if updater.is_refreshed() {
            assert!(has_data(&store));
        }
        source.join().unwrap();
        assert!(updater.is_refreshed() && has_data(&store));
    });
}

#[test]
fn data_is_stored_before_the_status_is_valid() {
    explore("sink, status", || {
        let (updater, store, source) = delivery();
        if updater.status.is_valid() {
            assert!(updater.is_refreshed() && has_data(&store));
        }
        source.join().unwrap();
        assert!(updater.status.is_valid());
    });
}

#[test]
fn a_task_that_waits_for_the_first_data_is_woken_when_all_of_it_is_visible() {
    explore("sink, first data", || {
        let (updater, store, source) = delivery();
        block_on(updater.first_data());
        assert!(updater.is_refreshed() && has_data(&store));
        assert!(updater.status.is_valid());
        source.join().unwrap();
    });
}

#[test]
fn an_update_that_arrives_after_the_client_was_closed_is_rejected() {
    explore("sink, closing", || {
        let (updater, store) = updater();
        let updater = Arc::new(updater);
        let source = {
            let updater = Arc::clone(&updater);
            thread::spawn(move || {
                let data = DataSet::from_json(DATA).unwrap();
                block_on(updater.init(data)).is_ok()
            })
        };
        updater.close();
        let late = DataSet::from_json(br#"{"flags": {"late": {"version": 1}}}"#).unwrap();
        assert!(block_on(updater.init(late)).is_err());
        let accepted = source.join().unwrap();
        assert_eq!(has_data(&store), accepted);
        assert!(!updater.status.is_valid());
    });
}
