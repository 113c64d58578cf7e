use proptest::prelude::*;
use serde_json::json;

use super::*;

const SDKS: [&str; 2] = ["Go/1", "Node/2"];
const KINDS: [&str; 3] = ["index", "custom", "Summary"];

fn log(max_events: usize, max_bytes: usize, count: u64) -> EventLog {
    let mut log = EventLog::new(max_events, max_bytes);
    let of = |names: &[&'static str], at: u64| names[usize::try_from(at).unwrap() % names.len()];
    for at in 1..=count {
        let event = json!({"kind": of(&KINDS, at), "key": format!("Ünit-{at}")});
        assert_eq!(log.push(at, of(&SDKS, at), "/bulk", &event), at);
    }
    log
}

fn numbers(page: &EventPage<'_>) -> Vec<u64> {
    page.events.iter().map(|event| event.number()).collect()
}

#[test]
fn a_query_selects_by_number_kind_sdk_and_text() {
    let log = log(100, 1 << 20, 20);
    let all = EventQuery::new(100);
    assert_eq!(numbers(&log.query(&all)), (1..=20).collect::<Vec<_>>());
    let newest = log.query(&EventQuery::new(3));
    assert_eq!((numbers(&newest), newest.next), (vec![18, 19, 20], 21));
    for (query, expected, next) in [
        (
            EventQuery {
                after: Some(18),
                ..all
            },
            vec![19, 20],
            21,
        ),
        (
            EventQuery {
                after: Some(20),
                ..all
            },
            vec![],
            21,
        ),
        (
            EventQuery {
                after: Some(u64::MAX),
                ..all
            },
            vec![],
            21,
        ),
        (
            EventQuery {
                after: Some(0),
                limit: 2,
                ..all
            },
            vec![1, 2],
            3,
        ),
        (
            EventQuery {
                after: Some(18),
                limit: 2,
                ..all
            },
            vec![19, 20],
            21,
        ),
        (
            EventQuery {
                after: Some(5),
                limit: 0,
                ..all
            },
            vec![],
            6,
        ),
        (
            EventQuery {
                kind: Some("Summary"),
                after: Some(0),
                limit: 2,
                ..all
            },
            vec![2, 5],
            6,
        ),
        (
            EventQuery {
                kind: Some("summary"),
                ..all
            },
            vec![],
            21,
        ),
        (
            EventQuery {
                sdk: Some("Go/1"),
                after: Some(15),
                ..all
            },
            vec![16, 18, 20],
            21,
        ),
        (
            EventQuery {
                text: Some("ÜNIT-1\""),
                ..all
            },
            vec![1],
            21,
        ),
        (
            EventQuery {
                text: Some("\"kind\":\"SUM"),
                limit: 1,
                ..all
            },
            vec![20],
            21,
        ),
    ] {
        let page = log.query(&query);
        assert_eq!((numbers(&page), page.next), (expected, next), "{query:?}");
    }
}

#[test]
fn events_of_a_cleared_log_are_gone_and_numbers_continue() {
    let mut log = log(2, 1 << 20, 3);
    assert_eq!(
        (log.len(), log.query(&EventQuery::new(9)).forgotten),
        (2, 1)
    );
    log.clear();
    assert_eq!((log.len(), log.last_number()), (0, 3));
    assert_eq!(log.query(&EventQuery::new(9)).forgotten, 0);
    assert_eq!(log.push(0, "", "", &json!(7)), 4);
    assert_eq!(log.iter().map(LoggedEvent::json).collect::<Vec<_>>(), ["7"]);
}

#[test]
fn the_debug_form_has_no_personal_data() {
    let log = log(2, 1 << 20, 1);
    assert!(!format!("{log:?}").contains("nit-1"));
}

proptest! {
    #[test]
    fn a_log_keeps_the_newest_events_within_its_limits(
        max_events in 0..9_usize,
        max_bytes in 0..2_000_usize,
        count in 0..20_u64,
    ) {
        let log = log(max_events, max_bytes, count);
        let page = log.query(&EventQuery::new(usize::MAX));
        prop_assert_eq!(page.forgotten + u64::try_from(log.len()).unwrap(), count);
        prop_assert!(log.len() <= max_events && log.bytes <= max_bytes);
        prop_assert_eq!(log.bytes, log.iter().map(LoggedEvent::bytes).sum::<usize>());
        let expected: Vec<_> = (page.forgotten + 1..=count).collect();
        prop_assert_eq!(numbers(&page), expected);
    }

    #[test]
    fn pages_of_any_size_contain_each_event_once(
        count in 0..20_u64,
        limit in 1..7_usize,
        kind in proptest::option::of(proptest::sample::select(&KINDS[..])),
    ) {
        let log = log(15, 1 << 20, count);
        let all = EventQuery { kind, ..EventQuery::new(usize::MAX) };
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let page = log.query(&EventQuery { after: Some(after), limit, ..all });
            prop_assert!(page.events.len() <= limit);
            found.extend(numbers(&page));
            if page.next > count {
                break;
            }
            prop_assert!(page.next - 1 > after, "a page continues");
            after = page.next - 1;
        }
        prop_assert_eq!(found, numbers(&log.query(&all)));
    }
}
