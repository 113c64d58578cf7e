use proptest::prelude::*;
use serde_json::{Value as Json, json};
use vexil_eval::model::DataKind::{Flag as FlagKind, Segment as SegmentKind};
use vexil_eval::{BigSegmentsStatus, Membership};

use super::*;
use crate::{Answer, ClientFlags, Items, Route, SdkFamily, Served, answer};

const PAYLOAD: &str = "p";

fn flag(segment: &str) -> Json {
    let clause = json!({"op": "segmentMatch", "values": [segment]});
    json!({
        "on": true, "variations": ["out", "in"], "fallthrough": {"variation": 0},
        "rules": [{"clauses": [clause], "variation": 1}],
    })
}

/// The big segments `a`, of users, `b`, of organizations, and `c`, whose rules include `a`, with a flag
/// of each.
fn items() -> Items {
    let mut items = Items::new(PAYLOAD);
    items.put(
        SegmentKind,
        "a",
        json!({"unbounded": true, "generation": 1}),
    );
    let of_orgs = json!({"unbounded": true, "generation": 2, "unboundedContextKind": "org"});
    items.put(SegmentKind, "b", of_orgs);
    let clause = json!({"op": "segmentMatch", "values": ["a"]});
    items.put(SegmentKind, "c", json!({"rules": [{"clauses": [clause]}]}));
    for key in ["a", "b", "c"] {
        items.put(FlagKind, key, flag(key));
    }
    items
}

fn prepared(items: &Items) -> Rules {
    let mut rules = Rules::default();
    rules.update(items).unwrap();
    rules
}

fn context() -> Context {
    let json = json!({"kind": "multi", "user": {"key": "ada"}, "org": {"key": "acme"}});
    json.to_string().parse().unwrap()
}

fn member_of(reference: &str, status: BigSegmentsStatus) -> MembershipAnswer {
    MembershipAnswer::new(Some(Membership::new([reference], [])), status)
}

/// The memberships that an evaluation needs, from a store.
fn fetched(
    rules: &Rules,
    context: &Context,
    store: impl Fn(&str) -> MembershipAnswer,
) -> Memberships {
    let mut memberships = Memberships::default();
    loop {
        let needed = memberships.needed(rules, context);
        if needed.is_empty() {
            return memberships;
        }
        for key in needed {
            let answer = store(&key);
            memberships.insert(key, answer);
        }
    }
}

fn with(rules: &Rules, memberships: Memberships) -> ClientFlags {
    let family = SdkFamily::Mobile;
    ClientFlags::with_memberships(rules, PAYLOAD, context(), family, true, memberships)
}

fn values(flags: &ClientFlags) -> Json {
    serde_json::from_slice(&flags.body()).unwrap()
}

#[test]
fn each_key_is_asked_for_that_an_evaluation_needs() {
    let rules = prepared(&items());
    let mut memberships = Memberships::default();
    let keys = |memberships: &Memberships, context: &Context| {
        let keys = memberships.needed(&rules, context).into_iter();
        keys.map(|key| key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&memberships, &context()), ["acme", "ada"]);
    assert_eq!(keys(&memberships, &Context::new("ada").unwrap()), ["ada"]);
    assert!(keys(&memberships, &Context::with_kind("x", "other").unwrap()).is_empty());
    memberships.insert("ada", member_of("a.g1", BigSegmentsStatus::Healthy));
    assert_eq!(keys(&memberships, &context()), ["acme"]);
    assert!(!format!("{memberships:?}").contains("ada"));

    let none = prepared(&Items::new(PAYLOAD));
    assert!(Memberships::default().needed(&none, &context()).is_empty());
}

#[test]
fn without_a_store_the_rules_of_a_segment_decide_and_the_reason_names_the_status() {
    let mut items = items();
    let rule = json!({"clauses": [{"attribute": "key", "op": "in", "values": ["ada"]}]});
    let big = json!({"unbounded": true, "generation": 1, "rules": [rule]});
    items.put(SegmentKind, "a", big);
    let rules = prepared(&items);
    let flags = ClientFlags::new(&rules, PAYLOAD, context(), SdkFamily::Mobile, true);
    // Answers that were not fetched count as no store.
    for flags in [&flags, &with(&rules, Memberships::default())] {
        let body = values(flags);
        assert_eq!(body["a"]["value"], "in");
        assert_eq!(body["b"]["value"], "out");
        for key in ["a", "b", "c"] {
            assert_eq!(body[key]["reason"]["bigSegmentsStatus"], "NOT_CONFIGURED");
        }
    }
}

#[test]
fn a_poll_is_answered_with_the_memberships_of_its_context() {
    let items = items();
    let rules = prepared(&items);
    let memberships = fetched(&rules, &context(), |key| match key {
        "acme" => member_of("b.g2", BigSegmentsStatus::Stale),
        _ => member_of("a.g1", BigSegmentsStatus::Healthy),
    });
    let served = Served {
        items: &items,
        rules: &rules,
        memberships: Some(&memberships),
    };
    let route = Route::find("REPORT", "/msdk/evalx/context", Some("withReasons=true")).unwrap();
    let request = serde_json::to_vec(&context()).unwrap();
    let Answer::Body(body) = answer(&route, &request, served, None).unwrap() else {
        panic!()
    };
    let body: Json = serde_json::from_slice(&body).unwrap();
    for (key, status) in [("a", "HEALTHY"), ("b", "STALE"), ("c", "HEALTHY")] {
        assert_eq!(body[key]["value"], "in");
        assert_eq!(body[key]["reason"]["bigSegmentsStatus"], status);
    }
    let route = Route::find("REPORT", "/meval", None).unwrap();
    let Answer::Values(stream) = answer(&route, &request, served, None).unwrap() else {
        panic!()
    };
    assert_eq!(values(&stream.evaluate(served))["b"]["value"], "in");
}

#[test]
fn other_memberships_are_sent_with_the_next_change() {
    let mut items = items();
    let mut rules = prepared(&items);
    let mut flags = with(&rules, Memberships::default());
    let (first, selector) = (flags.revision(), flags.selector());
    let both = || {
        fetched(&rules, &context(), |key| match key {
            "ada" => member_of("a.g1", BigSegmentsStatus::Healthy),
            _ => MembershipAnswer::new(None, BigSegmentsStatus::StoreError),
        })
    };
    let memberships = both();
    flags.set_memberships(memberships.clone());
    assert!(!flags.update(&rules), "there is no new revision");

    // A new evaluation at the same revision has other values, and knows no selector of the first.
    let fresh = with(&rules, memberships.clone());
    assert_eq!(values(&fresh)["a"]["value"], "in");
    assert_ne!(fresh.selector(), selector);
    assert!(fresh.payload(Some(&selector)).len() > 1);
    assert_eq!(fresh.payload(Some(&fresh.selector())).len(), 1);

    items.put(FlagKind, "new", json!({}));
    rules.update(&items).unwrap();
    assert!(flags.update(&rules));
    let changed: Vec<_> = flags
        .changes(first)
        .iter()
        .map(|event| event.data().to_owned())
        .collect();
    assert_eq!(changed.len(), 4, "{changed:?}");
    assert_eq!(values(&flags), values(&with(&rules, memberships.clone())));
    // The first selector is one of this evaluation.
    assert_eq!(flags.payload(Some(&selector)).len(), 1 + 4 + 1);
    // The same memberships again are no change.
    flags.set_memberships(memberships);
    items.put(FlagKind, "new", json!({"on": true}));
    rules.update(&items).unwrap();
    flags.update(&rules);
    assert_eq!(flags.changes(items.revision() - 1).len(), 1);
}

/// A client, whose store answers at once.
struct Client<'r> {
    rules: &'r Rules,
    answers: &'r BTreeMap<String, MembershipAnswer>,
}

impl Lookup for Client<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.rules.flag(key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.rules.segment(key)
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        Found::Present(&self.answers[context_key])
    }
}

fn answers() -> impl Strategy<Value = MembershipAnswer> {
    let references = vec!["a.g1", "b.g2", "a.g2"];
    let list = proptest::collection::vec(proptest::sample::select(references), 0..3);
    let status = proptest::sample::select(vec![
        BigSegmentsStatus::Healthy,
        BigSegmentsStatus::Stale,
        BigSegmentsStatus::StoreError,
    ]);
    (proptest::option::of((list.clone(), list)), status).prop_map(|(lists, status)| {
        let membership = lists.map(|(included, excluded)| Membership::new(included, excluded));
        MembershipAnswer::new(membership, status)
    })
}

proptest! {
    #[test]
    fn values_are_those_of_a_client_with_the_store(ada in answers(), acme in answers()) {
        let rules = prepared(&items());
        let answers = BTreeMap::from([("ada".to_owned(), ada), ("acme".to_owned(), acme)]);
        let memberships = fetched(&rules, &context(), |key| answers[key].clone());
        let body = values(&with(&rules, memberships));
        let client = Client { rules: &rules, answers: &answers };
        for flag in rules.flags() {
            let context = context();
            let Outcome::Done(evaluation) = evaluate(flag, &context, &client) else { panic!() };
            let entry = &body[flag.key().as_str()];
            let (variation, value) = evaluation.variation.unwrap();
            prop_assert_eq!(&entry["variation"], &json!(variation));
            prop_assert_eq!(&entry["value"], &json!(value));
            prop_assert_eq!(&entry["reason"], &json!(evaluation.reason()));
        }
    }
}
