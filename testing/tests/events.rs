//! Filters and assertions of `EventRecorder`.

#![cfg(test)]

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::json;
use vexil::{Client, Context, Value};
use vexil_testing::{EventRecorder, RecordedEvent, TestData};

fn user(key: &str) -> Context {
    Context::new(key).unwrap()
}

fn org(key: &str) -> Context {
    Context::with_kind(key, "org").unwrap()
}

fn client(flags: TestData) -> (Client, EventRecorder) {
    let events = EventRecorder::new();
    let client = Client::builder("sdk-key")
        .data_source(flags)
        .events(events.clone())
        .start()
        .unwrap();
    (client, events)
}

/// Returns a recorder with one event of each kind but migrations, and a client to record more.
fn recorded() -> (Client, EventRecorder) {
    let (client, events) = client(TestData::new().with("beta", true));
    let _ = client.bool_variation("beta", &user("ada"), false);
    client.identify(&user("bob"));
    let both = Context::multi([user("ada"), org("acme")]).unwrap();
    client.track_metric("purchase", &both, 49.5, json!({"items": 2}));
    (client, events)
}

/// Returns the message of a failed assertion.
#[track_caller]
fn message(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion fails");
    *panic.downcast::<String>().unwrap()
}

#[test]
fn events_are_selected_by_kind() {
    let (_client, events) = recorded();
    events.all().assert_count(3);
    events.evaluations().assert_once();
    events.identifies().assert_once();
    events.custom_events().assert_once();
    events.migration_ops().assert_none();
}

#[test]
fn evaluations_are_selected_by_each_property() {
    let (client, events) = recorded();
    let _ = client.int_variation("no-such-flag", &org("acme"), 7);

    let beta = events.evaluations().flag("beta").assert_once();
    assert_eq!((&beta.value, beta.variation), (&true.into(), Some(0)));
    assert_eq!(events.evaluations().value(true).assert_once(), beta);
    assert_eq!(events.evaluations().variation(0).assert_once(), beta);
    assert_eq!(events.evaluations().user("ada").events(), [beta]);
    let unknown = events.evaluations().flag("no-such-flag").assert_once();
    assert_eq!(events.evaluations().value(7).assert_once(), unknown);
    assert_eq!(
        events.evaluations().context("org", "acme").events(),
        [unknown]
    );

    for none in [
        events.evaluations().flag("bet"),
        events.evaluations().value("true"),
        events.evaluations().variation(1),
        events.evaluations().user("acme"),
        events.evaluations().context("org", "ada"),
        events.evaluations().flag("beta").value(7),
        events.evaluations().matching("that are wrong", |_| false),
    ] {
        assert_eq!(none.count(), 0, "{none}");
        none.assert_none();
    }
}

#[test]
fn custom_events_are_selected_by_each_property() {
    let (client, events) = recorded();
    client.track("visit", &user("ada"));

    let purchase = events.custom_events().name("purchase").assert_once();
    for one in [
        events.custom_events().metric(49.5),
        events.custom_events().data(json!({"items": 2})),
        events.custom_events().context("org", "acme"),
        events
            .custom_events()
            .user("ada")
            .matching("with a metric", |event| event.metric.is_some()),
    ] {
        assert_eq!(one.assert_once(), purchase, "{one}");
    }
    let visit = events.custom_events().data(Value::Null).assert_once();
    assert_eq!(visit.key, "visit");
    events
        .custom_events()
        .name("visit")
        .metric(0.0)
        .assert_none();
    events.custom_events().user("ada").assert_count(2);
}

#[test]
fn evaluations_are_counted_by_flag_and_variation() {
    let flags = TestData::new().with("theme", "dark");
    flags.update(
        flags
            .flag("beta")
            .fallthrough_variation(false)
            .variation_for_user("ada", true),
    );
    let (client, events) = client(flags);
    for key in ["ada", "bob", "eve"] {
        let _ = client.bool_variation("beta", &user(key), false);
        let _ = client.str_variation("theme", &user(key), "light");
    }
    let _ = client.bool_variation("no-such-flag", &user("ada"), false);

    let count = |flag: &str, variation, count| ((flag.into(), variation), count);
    let expected = [
        count("beta", Some(0), 1),
        count("beta", Some(1), 2),
        count("no-such-flag", None, 1),
        count("theme", Some(0), 3),
    ];
    assert_eq!(events.evaluations().counts(), expected.into());
    let of_ada = [count("beta", Some(0), 1)];
    assert_eq!(
        events.evaluations().flag("beta").user("ada").counts(),
        of_ada.into()
    );
}

#[test]
fn a_failed_assertion_describes_the_filters_and_lists_what_was_recorded() {
    let (_client, events) = recorded();
    let filter = events
        .evaluations()
        .flag("beta")
        .user("ada")
        .value(false)
        .variation(1);
    assert_eq!(
        message(|| drop(filter.assert_once())),
        "expected 1 evaluation of flag `beta` for user `ada` with value false with variation 1, \
         found 0; recorded:\n  \
         evaluation of flag `beta` for user `ada`: true, variation 0, no target or rule matched\n  \
         identify event for user `bob`\n  \
         custom event `purchase` for org `acme` and user `ada`, metric 49.5, data {\"items\":2}"
    );
    let filter = events
        .custom_events()
        .name("purchase")
        .metric(49.5)
        .data(json!({"items": 2}));
    assert_eq!(
        message(|| filter.assert_none()),
        "expected 0 custom events `purchase` with metric 49.5 with data {\"items\":2}, found 1; \
         recorded:\n  \
         evaluation of flag `beta` for user `ada`: true, variation 0, no target or rule matched\n  \
         identify event for user `bob`\n\
         > custom event `purchase` for org `acme` and user `ada`, metric 49.5, data {\"items\":2}"
    );
}

#[test]
fn a_failed_assertion_says_that_nothing_was_recorded() {
    let message = message(|| {
        EventRecorder::new()
            .identifies()
            .user("ada")
            .assert_count(2)
    });
    assert_eq!(
        message,
        "expected 2 identify events for user `ada`, found 0; nothing was recorded"
    );
}

#[test]
fn a_failed_assertion_lists_the_last_events_only() {
    let (client, events) = client(TestData::new());
    for number in 0..60 {
        client.track(&format!("event-{number}"), &user("ada"));
    }
    let message = message(|| events.all().assert_none());
    assert!(message.starts_with("expected 0 events, found 60; recorded:\n  … 10 earlier events\n"));
    assert!(!message.contains("`event-9`"));
    assert!(
        message.contains("\n> custom event `event-10` for user `ada`\n"),
        "{message}"
    );
    assert!(message.ends_with("\n> custom event `event-59` for user `ada`"));
}

#[test]
fn a_failed_assertion_points_to_its_caller() {
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let test = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| match info.location() {
        Some(place) if thread::current().id() == test => {
            *PLACE.lock().unwrap() = Some((place.file().to_owned(), place.line()));
        }
        _ => before(info),
    }));
    let (_client, events) = recorded();
    let assertions: [(u32, &dyn Fn()); 3] = [
        (line!(), &|| drop(events.all().assert_once())),
        (line!(), &|| events.all().assert_none()),
        (line!(), &|| events.all().assert_count(7)),
    ];
    for (line, assertion) in assertions {
        message(assertion);
        let place = PLACE.lock().unwrap().take();
        assert_eq!(place, Some((file!().to_owned(), line)));
    }
}

#[test]
fn a_wait_ends_with_the_event_that_another_thread_records() {
    let (client, events) = client(TestData::new());
    let waiting = events.custom_events().name("job").wait_for(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for name in ["job", "other", "job"] {
                client.track(name, &user("ada"));
            }
        });
        let jobs = waiting.wait().unwrap();
        assert_eq!(jobs.len(), 2);
    });
}

#[test]
fn a_wait_in_a_task_lets_other_tasks_run() {
    let (client, events) = client(TestData::new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let identified = runtime.block_on(async {
        tokio::spawn(async move { client.identify(&user("ada")) });
        events.identifies().wait_for(1).await.unwrap()
    });
    assert_eq!(identified, [user("ada")]);
}

#[test]
fn a_wait_that_times_out_lists_what_was_recorded() {
    let (client, events) = client(TestData::new());
    client.track("other", &user("ada"));
    let waiting = events.custom_events().name("job").wait_for(1);
    let error = waiting.within(Duration::from_millis(1)).wait().unwrap_err();
    assert_eq!(
        error.to_string(),
        "waited 1ms for 1 custom event `job`; recorded:\n  custom event `other` for user `ada`"
    );
}

#[test]
fn a_filter_may_use_the_recorder_and_the_client() {
    let (client, events) = recorded();
    let filter = events.all().matching("while more is recorded", |_| {
        client.track("again", &user("ada"));
        events.all().count() > 3
    });
    filter.assert_count(3);
}

#[test]
fn taken_events_are_selected_no_more() {
    let (_client, events) = recorded();
    let [RecordedEvent::Evaluation(_), ..] = &events.take()[..] else {
        panic!("the first event is the evaluation")
    };
    events.all().assert_none();
}
