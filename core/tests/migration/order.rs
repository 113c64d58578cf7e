//! Which origins are called, in which order, and which result is returned.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use serde_json::json;
use vexil::migration::{AsyncMigrator, ExecutionOrder, Migrator, Origin, Stage};

use crate::origins::{Both, Calls, Does, Plan, text};
use crate::support::{SOON, ada};
use crate::{client_at, only};
use Origin::{New, Old};

// EVT-7.1
#[test]
fn every_stage_calls_its_origins_in_order_and_returns_the_authoritative_result() {
    let stages = [
        (Stage::Off, &[Old][..], &[Old][..]),
        (Stage::DualWrite, &[Old], &[Old, New]),
        (Stage::Shadow, &[Old, New], &[Old, New]),
        (Stage::Live, &[New, Old], &[New, Old]),
        (Stage::RampDown, &[New], &[New, Old]),
        (Stage::Complete, &[New], &[New]),
    ];
    for (stage, readers, writers) in stages {
        let (client, events) = client_at(stage.as_str(), &json!({}));
        let calls = Calls::default();
        let migrator = Both::new(&client, &calls, Plan::new(Does::Work, Does::Work));
        migrator.read(&ada(), Stage::Off, |answer| {
            assert_eq!(calls.take(), readers, "{stage}");
            assert_eq!(answer.origin, readers[0], "{stage}");
            assert_eq!(
                text(&answer),
                format!("payload from {}", readers[0]),
                "{stage}"
            );
            let op = only(&events);
            assert_eq!(
                [op.invoked.old, op.invoked.new],
                [Old, New].map(|origin| readers.contains(&origin))
            );
        });
        migrator.write(&ada(), Stage::Off, |answer| {
            assert_eq!(calls.take(), writers, "{stage}");
            assert_eq!(
                text(&answer.authoritative),
                format!("payload from {}", writers[0]),
                "{stage}"
            );
            let other = answer.nonauthoritative.as_ref().map(text);
            assert_eq!(
                other,
                writers
                    .get(1)
                    .map(|origin| format!("payload from {origin}")),
                "{stage}"
            );
            let op = only(&events);
            assert_eq!(
                [op.invoked.old, op.invoked.new],
                [Old, New].map(|origin| writers.contains(&origin))
            );
        });
    }
}

// EVT-7.2
#[test]
fn in_random_order_either_origin_is_read_first_and_the_result_is_the_same() {
    let (client, _events) = client_at("shadow", &json!({}));
    let calls = Calls::default();
    let plan = Plan {
        order: ExecutionOrder::Random,
        ..Plan::new(Does::Work, Does::Work)
    };
    let migrator = Both::new(&client, &calls, plan);
    let old_first = Mutex::new(0);
    for _ in 0..200 {
        migrator.read(&ada(), Stage::Off, |answer| {
            assert_eq!(text(&answer), "payload from old");
            let calls = calls.take();
            assert_eq!(calls.len(), 2);
            *old_first.lock().unwrap() += usize::from(calls[0] == Old);
        });
    }
    // The chance of a false failure is one in ten to the fifteenth.
    let old_first = old_first.into_inner().unwrap();
    assert!((120..=280).contains(&old_first), "{old_first} of 400");
}

// EVT-7.2. Each origin waits for the other, so both would fail if they ran one after the other.
#[test]
fn concurrent_reads_run_at_the_same_time() {
    for (stage, decides) in [("shadow", "old"), ("live", "new")] {
        let (client, events) = client_at(stage, &json!({}));
        let meeting = || {
            let ((to_new, from_old), (to_old, from_new)) = (channel(), channel());
            [("old", to_new, from_new), ("new", to_old, from_old)].map(|(name, to, from)| {
                let from = Mutex::new(from);
                move |_: &()| {
                    to.send(())?;
                    from.lock().unwrap().recv_timeout(SOON)?;
                    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(name)
                }
            })
        };
        let write = |_: &()| Ok::<_, String>(());
        let [old, new] = meeting();
        let migrator = Migrator::builder(&client)
            .read(old, new)
            .write(write, write)
            .build()
            .unwrap();
        assert_eq!(
            migrator
                .read("move", &ada(), Stage::Off, &())
                .result
                .unwrap(),
            decides
        );
        assert_eq!(only(&events).failed, Default::default());
    }
}

// EVT-7.2
#[test]
fn concurrent_async_reads_run_at_the_same_time() {
    let (client, events) = client_at("live", &json!({}));
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let read = |name: &'static str| {
        let barrier = Arc::clone(&barrier);
        move |()| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok::<_, String>(name)
            }
        }
    };
    let write = |()| async { Ok::<_, String>(()) };
    let migrator = AsyncMigrator::builder(&client)
        .read(read("old"), read("new"))
        .write(write, write)
        .build()
        .unwrap();
    let reading = async {
        tokio::time::timeout(SOON, migrator.read("move", &ada(), Stage::Off, ()))
            .await
            .unwrap()
    };
    assert_eq!(
        crate::support::current_thread()
            .block_on(reading)
            .result
            .unwrap(),
        "new"
    );
    assert_eq!(only(&events).failed, Default::default());
}

#[test]
fn a_migrator_requires_functions_to_read_and_to_write() {
    use vexil::migration::MigratorError;

    let (client, _) = client_at("off", &json!({}));
    let call = |_: &u8| Ok::<_, String>(());
    let builder = || Migrator::<u8, (), u8, ()>::builder(&client);
    assert_eq!(
        builder().read(call, call).build().unwrap_err(),
        MigratorError::WriteMissing
    );
    assert_eq!(
        builder().write(call, call).build().unwrap_err(),
        MigratorError::ReadMissing
    );
    assert!(builder().read(call, call).write(call, call).build().is_ok());

    let call = |_: u8| async { Ok::<_, String>(()) };
    let builder = || AsyncMigrator::<u8, (), u8, ()>::builder(&client);
    assert_eq!(
        builder().read(call, call).build().unwrap_err(),
        MigratorError::WriteMissing
    );
    assert_eq!(
        builder().write(call, call).build().unwrap_err(),
        MigratorError::ReadMissing
    );
    let _ = block_on(
        builder()
            .read(call, call)
            .write(call, call)
            .build()
            .unwrap()
            .read("move", &ada(), Stage::Off, 1),
    );
}
