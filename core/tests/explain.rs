//! Explanations by the client: equal to evaluations, and without effect.

#![cfg(test)]

mod support;

#[path = "support/interest.rs"]
mod interest;
#[path = "support/log.rs"]
mod log;

use std::sync::Arc;

use pollster::block_on;
use serde_json::{Value as Json, json};
use support::{Fetch, Fixed, Lazy, SOON, Silent, ada, rule_for_segment, serving, with};
use vexil::client::AsContext;
use vexil::config::BigSegmentsConfig;
use vexil::eval::{Found, Lookup};
use vexil::explain::{
    BigSegmentAnswer, ExplainOptions, Explanation, FoundValue, Mask, SegmentDecision, StepKind,
};
use vexil::model::{DataKind, DataSet, Flag, Item, Segment, Upserted};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError};
use vexil::{Client, ClientBuilder, Context, async_trait};
use vexil_testing::{
    EventRecorder, HookRecorder, MemoryBigSegmentStore, MemoryDatabase, StoreFault, StoreMethod,
};

fn explained(client: &Client, key: &str, context: &impl AsContext) -> Explanation {
    client.explain(key, context, &ExplainOptions::default())
}

/// Explains in both ways, and compares the result with that of an evaluation.
fn agreed(client: &Client, key: &str, context: &impl AsContext) -> Explanation {
    let options = ExplainOptions::default();
    let explanation = client.explain(key, context, &options);
    let detail = client.variation_detail(key, context, vexil::Value::Null);
    assert_eq!(explanation.reason, detail.reason, "{key}");
    assert_eq!(explanation.variation, detail.variation_index, "{key}");
    assert_eq!(explanation.value.clone().unwrap_or_default(), detail.value);
    assert_eq!(
        block_on(client.explain_async(key, context, &options)),
        explanation
    );
    explanation
}

fn data() -> Json {
    let big = json!({"version": 1, "unbounded": true, "generation": 2});
    let clause = json!({"attribute": "email", "op": "endsWith", "values": ["@example.com"]});
    let off = json!({"version": 2, "on": false, "variations": ["off"], "offVariation": 0});
    json!({
        "flags": {
            "plain": serving(1, "plain"),
            "off": with(off, &json!({"rules": rule_for_segment("big", false)})),
            "rule": with(serving(1, "rule"), &json!({"rules": [{"variation": 0, "clauses": [clause]}]})),
            "malformed": with(serving(1, "x"), &json!({"fallthrough": {"variation": 7}})),
            "requires": with(serving(1, "x"), &json!({"prerequisites": [{"key": "plain", "variation": 0}]})),
            "big": with(serving(1, "in"), &json!({"rules": rule_for_segment("big", false),
                "fallthrough": {}})),
        },
        "segments": {"big": big},
    })
}

#[test]
fn explanations_have_the_result_of_evaluations() {
    let client = support::client(&data());
    for key in [
        "plain",
        "off",
        "rule",
        "malformed",
        "requires",
        "big",
        "unknown",
    ] {
        agreed(&client, key, &ada());
        agreed(&client, key, &Context::new(""));
    }
}

#[test]
fn explanations_of_a_client_without_data_say_so() {
    let builder = || Client::builder("sdk-key").without_events();
    for client in [builder().offline(true), builder().data_source(Silent)] {
        let client = client.start().unwrap();
        for context in [Ok(ada()), Context::new("")] {
            let explanation = agreed(&client, "plain", &context);
            assert!(
                explanation
                    .to_string()
                    .contains("error: the client has no data")
            );
        }
    }
}

#[test]
fn an_explanation_records_no_event_runs_no_hook_and_logs_nothing() {
    interest::always_interested();
    let (events, hook, log) = (
        EventRecorder::new(),
        HookRecorder::new("hook"),
        log::Log::default(),
    );
    let builder = |source: Json| {
        Client::builder("sdk-key")
            .data_source(Fixed::new(&source))
            .events(events.clone())
            .hook(hook.clone())
    };
    let clients = [
        builder(data()).start().unwrap(),
        builder(data()).offline(true).start().unwrap(),
        Client::builder("sdk-key")
            .data_source(Silent)
            .hook(hook.clone())
            .start()
            .unwrap(),
        Client::builder("sdk-key")
            .data_source(Silent)
            .data_store(Lazy::new(Fetch::Fails, &data()))
            .start()
            .unwrap(),
    ];
    tracing::subscriber::with_default(log.subscriber(), || {
        for client in &clients {
            for key in ["plain", "rule", "malformed", "requires", "unknown"] {
                explained(client, key, &ada());
                explained(client, key, &Context::new(""));
            }
        }
    });
    assert_eq!(log.lines(), Vec::<String>::new());
    assert!(events.events().is_empty());
    assert!(hook.stages().is_empty());
    // The recorders work.
    assert_eq!(clients[0].str_variation("plain", &ada(), ""), "plain");
    assert!(!events.events().is_empty() && !hook.stages().is_empty());
}

fn builder_of(store: &Arc<Lazy>) -> ClientBuilder {
    Client::builder("sdk-key")
        .data_store(Arc::clone(store))
        .data_source(Silent)
        .evaluation_timeout(SOON)
}

#[test]
fn missing_items_are_fetched() {
    let store = Lazy::new(Fetch::FromATask, &data());
    let client = builder_of(&store).start().unwrap();
    agreed(&client, "requires", &ada());
    store.take_fetched();
    explained(&client, "requires", &ada());
    assert_eq!(store.take_fetched(), ["flag requires", "flag plain"]);

    let client = builder_of(&Lazy::new(Fetch::Fails, &data()))
        .start()
        .unwrap();
    agreed(&client, "plain", &ada());
}

fn with_big_segments() -> (Arc<MemoryBigSegmentStore>, Client) {
    let database = MemoryDatabase::new();
    database.set_membership("", "ada", ["big.g2"], []);
    let store = Arc::new(MemoryBigSegmentStore::attached(&database, ""));
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data()))
        .big_segments(BigSegmentsConfig::new(Arc::clone(&store)))
        .evaluation_timeout(SOON)
        .start()
        .unwrap();
    (store, client)
}

#[test]
fn big_segments_are_queried_as_by_an_evaluation() {
    let (store, client) = with_big_segments();
    let explanation = agreed(&client, "big", &ada());
    let StepKind::Rule(rule) = &explanation.steps[1].kind else {
        panic!("no rule: {explanation}");
    };
    let SegmentDecision::Big(step) = &rule.clauses[0].segments[0].decision else {
        panic!("no big segment: {explanation}");
    };
    assert_eq!(step.answer, BigSegmentAnswer::Included);
    // The cache of memberships is that of evaluations.
    assert_eq!(store.calls().count(StoreMethod::Membership), 1);

    let (store, client) = with_big_segments();
    store
        .calls()
        .fault(StoreMethod::Membership, StoreFault::Fail);
    let text = agreed(&client, "big", &ada()).to_string();
    assert!(text.contains("the store could not be queried"), "{text}");
}

#[test]
fn steps_behind_the_decision_fetch_their_data() {
    let (store, client) = with_big_segments();
    explained(&client, "off", &ada());
    assert_eq!(store.calls().count(StoreMethod::Membership), 0);
    let explanation = client.explain("off", &ada(), &ExplainOptions::default().beyond(true));
    assert_eq!(store.calls().count(StoreMethod::Membership), 1);
    assert!(explanation.steps.iter().any(|step| !step.reached));
}

/// A store whose segments have to be fetched, which fails.
#[derive(Debug)]
struct WithoutSegments(MemoryStore);

struct Flags<'a>(&'a dyn Snapshot);

impl Lookup for Flags<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.0.flag(key)
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        Found::Unknown
    }
}

impl Snapshot for Flags<'_> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        self.0.flags()
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(std::iter::empty())
    }
}

#[async_trait]
impl DataStore for WithoutSegments {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.0.read(&mut |snapshot| reader(&Flags(snapshot)));
    }

    fn is_initialized(&self) -> bool {
        self.0.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.0.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.0.upsert(item).await
    }

    async fn fetch(&self, _: DataKind, _: &str) -> Result<Option<Item>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn close(&self) {}
}

#[test]
fn steps_behind_the_decision_are_left_out_if_their_data_cannot_be_fetched() {
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data()))
        .data_store(WithoutSegments(MemoryStore::new()))
        .evaluation_timeout(SOON)
        .start()
        .unwrap();
    assert_eq!(agreed(&client, "big", &ada()).value, None);
    let plain = agreed(&client, "off", &ada());
    assert_eq!(plain.value, Some("off".into()));
    let beyond = ExplainOptions::default().beyond(true);
    assert_eq!(client.explain("off", &ada(), &beyond), plain);
    assert_eq!(
        block_on(client.explain_async("off", &ada(), &beyond)),
        plain
    );
}

#[test]
fn private_attributes_are_hidden_unless_asked_for() {
    let client = support::client(&data());
    let context = Context::builder("ada")
        .set("email", "ada@example.com")
        .private(["email"])
        .build()
        .unwrap();
    let found = |mask| {
        let explanation = client.explain("rule", &context, &ExplainOptions::default().mask(mask));
        let StepKind::Rule(rule) = &explanation.steps[1].kind else {
            panic!("no rule: {explanation}");
        };
        assert!(rule.matched);
        rule.clauses[0].found.clone().unwrap()
    };
    assert!(matches!(found(Mask::Private), FoundValue::Private(_)));
    assert_eq!(
        found(Mask::Nothing),
        FoundValue::Value("ada@example.com".into())
    );
}

#[test]
fn items_keep_their_text_only_if_asked_for() {
    for keep in [false, true] {
        let client = Client::builder("sdk-key")
            .data_source(Fixed::new(&data()))
            .flag_overrides(Fixed::new(&json!({"flags": {"over": serving(1, "over")}})))
            .keep_json(keep)
            .start()
            .unwrap();
        for key in ["plain", "over"] {
            assert_eq!(agreed(&client, key, &ada()).as_written, keep, "{key}");
        }
    }
}
