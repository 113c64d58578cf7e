use proptest::prelude::*;
use serde_json::json;

use super::*;

const KEEP: u64 = 600_000;

fn context(json: &str) -> Context {
    json.parse().unwrap()
}

/// A request with an agent of the SDK or the browser, an instance and a context.
fn add(
    list: &mut SdkList,
    at: u64,
    target: &str,
    agents: [Option<&str>; 2],
    instance: Option<&str>,
    context: Option<&Context>,
) -> u64 {
    let method = if target.contains("bulk") {
        "POST"
    } else {
        "GET"
    };
    let route = Route::find(method, target, None).unwrap();
    let [launchdarkly_agent, user_agent] = agents;
    let request = SdkRequest {
        route: &route,
        launchdarkly_agent,
        user_agent,
        instance,
        context,
    };
    list.request(at, &request)
}

#[test]
fn requests_of_one_server_side_sdk_have_one_entry() {
    let mut list = SdkList::new(1_000, KEEP);
    let go = [None, Some("GoClient/7.14.6")];
    let id = add(&mut list, 1, "/all", go, Some("i"), None);
    assert_eq!(add(&mut list, 2, "/bulk", go, Some("i"), None), id);
    assert_eq!(add(&mut list, 3, "/sdk/poll", go, Some("i"), None), id);
    assert_ne!(add(&mut list, 4, "/all", go, Some("j"), None), id);
    assert_ne!(add(&mut list, 5, "/all", go, None, None), id);
    let node = [None, Some("NodeJSClient/9")];
    let other = add(&mut list, 6, "/all", node, None, None);
    assert_eq!(add(&mut list, 7, "/bulk", node, None, None), other);
    list.sent(id, 7);
    list.open_stream(id);
    let expected = json!({
        "id": "1", "agent": "GoClient/7.14.6", "class": "server", "protocol": "fdv2", "streams": 1,
        "since": 1, "last": 3, "requests": 3, "bytes": 7, "context": null,
    });
    assert_eq!(
        serde_json::to_value(list.get(id).unwrap()).unwrap(),
        expected
    );
    assert_eq!(list.iter().count(), 4);
}

#[test]
fn the_stream_of_a_browser_belongs_to_the_sdk_with_its_context() {
    let mut list = SdkList::new(1_000, KEEP);
    let ada = context(r#"{"kind": "user", "key": "ada", "x": 1}"#);
    let both = context(r#"{"kind": "multi", "user": {"key": "ada"}, "org": {"key": "acme"}}"#);
    let sdk = [Some("JSClient/4"), Some("Mozilla/5.0")];
    let browser = [None, Some("Mozilla/5.0")];
    let goals = add(&mut list, 1, "/sdk/goals/shop", browser, None, None);
    let first = add(
        &mut list,
        2,
        "/sdk/evalx/shop/contexts/e30",
        sdk,
        Some("i"),
        Some(&ada),
    );
    assert_eq!(first, goals);
    let second = add(
        &mut list,
        3,
        "/sdk/evalx/shop/contexts/e30",
        sdk,
        Some("i"),
        Some(&both),
    );
    assert_ne!(second, first);
    let stream = add(&mut list, 4, "/eval/shop/e30", browser, None, Some(&ada));
    assert_eq!(stream, first);
    // Events have no context: the last one that fits.
    assert_eq!(
        add(&mut list, 5, "/events/bulk/shop", sdk, Some("i"), None),
        first
    );
    let other = [Some("JSClient/3"), Some("Mozilla/5.0")];
    assert!(
        add(
            &mut list,
            6,
            "/sdk/evalx/shop/contexts/e30",
            other,
            None,
            Some(&ada)
        ) > second
    );

    let rows = serde_json::to_value(list.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(rows[0]["agent"], "JSClient/4");
    assert_eq!(rows[0]["class"], "js");
    assert_eq!(rows[0]["context"], json!({"kinds": ["user"], "key": "ada"}));
    assert_eq!(
        rows[1]["context"],
        json!({"kinds": ["org", "user"], "key": "org:acme:user:ada"})
    );
    assert!(!format!("{list:?}").contains("ada"));
}

#[test]
fn an_sdk_outside_of_a_browser_is_named_by_its_user_agent() {
    let mut list = SdkList::new(1_000, KEEP);
    let browser = [Some("JSClient/3.9.5"), Some("Mozilla/5.0")];
    let node = [None, Some("NodeClientSide/3.4.3")];
    let target = "/sdk/goals/shop";
    let in_browser = add(&mut list, 1, target, browser, None, None);
    let outside = add(&mut list, 2, target, node, None, None);
    assert_ne!(outside, in_browser);
    assert_eq!(list.get(outside).unwrap().agent(), "NodeClientSide/3.4.3");
    assert_eq!(add(&mut list, 3, target, node, None, None), outside);
}

#[test]
fn an_sdk_is_kept_while_it_has_a_stream() {
    let mut list = SdkList::new(1_000, KEEP);
    let agents = [None, Some("a")];
    let id = add(&mut list, 0, "/all", agents, None, None);
    list.open_stream(id);
    list.open_stream(id);
    list.close_stream(id, KEEP);
    assert!(!list.expire(9 * KEEP));
    assert_eq!(list.open_streams(), 1);
    list.close_stream(id, 10 * KEEP);
    assert!(!list.expire(11 * KEEP - 1));
    assert!(list.expire(11 * KEEP));
    assert!(list.get(id).is_none());
    // Nothing happens to an SDK that was forgotten.
    list.close_stream(id, 0);
    list.sent(id, 1);
    assert_ne!(add(&mut list, 12 * KEEP, "/all", agents, None, None), id);
}

#[test]
fn families_and_unknown_agents_are_distinct() {
    let mut list = SdkList::new(1_000, KEEP);
    let agents = [None, Some("a")];
    let ids = [
        add(&mut list, 1, "/all", agents, None, None),
        add(&mut list, 1, "/meval/e30", agents, None, None),
        add(&mut list, 1, "/eval/shop/e30", agents, None, None),
        add(&mut list, 1, "/all", [None, None], None, None),
        add(
            &mut list,
            1,
            "/all",
            [None, Some(&"ä".repeat(999))],
            None,
            None,
        ),
    ];
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(list.get(4).unwrap().agent(), "unknown");
    assert_eq!(list.get(5).unwrap().agent().chars().count(), 200);
}

proptest! {
    #[test]
    fn the_list_is_bounded_and_keeps_those_with_streams(
        max in 1..6_usize,
        steps in proptest::collection::vec((0..9_u8, 0..4_u8, 0..KEEP), 0..60),
    ) {
        let mut list = SdkList::new(max, KEEP);
        let mut now = 0;
        let mut open = Vec::new();
        for (agent, step, pause) in steps {
            now += pause;
            let agent = agent.to_string();
            match step {
                0 | 1 => {
                    let id = add(&mut list, now, "/all", [None, Some(&agent)], None, None);
                    prop_assert_eq!(list.get(id).unwrap().agent(), &agent);
                    prop_assert_eq!(list.get(id).unwrap().last(), now);
                    // As a server does, one stream less than entries.
                    if step == 1 && open.len() + 1 < max {
                        list.open_stream(id);
                        open.push(id);
                    }
                }
                2 => {
                    if let Some(id) = open.pop() {
                        list.close_stream(id, now);
                    }
                }
                _ => {
                    list.expire(now);
                    prop_assert!(list.iter().all(|sdk| sdk.streams() > 0 || now - sdk.last() < KEEP));
                }
            }
            prop_assert!(list.iter().count() <= max);
            prop_assert_eq!(list.open_streams(), open.len());
            prop_assert!(open.iter().all(|id| list.get(*id).is_some()));
        }
    }
}
