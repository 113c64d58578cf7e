//! [`Evaluations`]: evaluations that both SDKs perform, in daemon mode or with a data system.

use std::thread;

use serde_json::{Map, Value as Json, json};
use vexil::client::FlagsStateOptions;
use vexil::config::{DataSystem, ServiceEndpoints};
use vexil::store::CacheMode;
use vexil::{Client, Context, Value};
use vexil_testing::FakeService;

use crate::database::{RUNTIME, TIMEOUT};
use crate::{Database, peer};

/// The evaluations for both SDKs.
pub(crate) struct Evaluations<'a> {
    pub(crate) contexts: Vec<Json>,
    pub(crate) flags: &'a [&'a str],
    /// Whether the state of all flags is queried too.
    pub(crate) states: bool,
}

impl<'a> Evaluations<'a> {
    /// Queries these flags and the state of all flags, for three contexts.
    pub(crate) fn about(flags: &'a [&'a str]) -> Self {
        let contexts = vec![
            json!({"kind": "user", "key": "ada", "country": "GB"}),
            json!({"kind": "user", "key": "bob"}),
            json!({"kind": "multi", "user": {"key": "carol", "country": "FR"}, "org": {"key": "acme"}}),
        ];
        Self {
            contexts,
            flags,
            states: true,
        }
    }

    pub(crate) fn without_states(self) -> Self {
        Self {
            states: false,
            ..self
        }
    }

    /// Returns the results, which must be equal: Python's, this SDK's with all data in memory, and
    /// this SDK's with each item read on demand.
    #[track_caller]
    pub(crate) fn results(&self, database: &dyn Database) -> Results {
        let rust = self.of_rust(database, None);
        for (other, results) in [
            (
                "Rust, reading on demand",
                self.of_rust(database, Some(CacheMode::Off)),
            ),
            ("Python", comparable(peer::read(database, &self.to_json()))),
        ] {
            assert_same(&rust, &results, other);
        }
        Results(rust)
    }

    /// Returns the results for the flags of a service, which must be equal: Python's with the data
    /// system of this name, and this SDK's with the same one. Each SDK evaluates once a flag has a
    /// value; `meanwhile` may set it while Python runs.
    #[track_caller]
    pub(crate) fn results_of_service(
        &self,
        service: &FakeService,
        (mode, system): (&str, DataSystem),
        (flag, value): (&str, &str),
        meanwhile: impl FnOnce() + Send,
    ) -> Results {
        let (mut evaluations, origin) =
            (self.to_json(), json!({"mode": mode, "url": service.url()}));
        evaluations["until"] = json!([flag, value]);
        let python = thread::scope(|scope| {
            let python = scope.spawn(|| peer::receive(&origin, &evaluations));
            meanwhile();
            python.join().unwrap()
        });
        let client = Client::builder("sdk-key")
            .service_endpoints(ServiceEndpoints::relay(service.url()))
            .data_system(system)
            .without_events()
            .start()
            .unwrap();
        client.blocking_wait_until_ready(TIMEOUT).unwrap();
        let rust = comparable(self.of_client(&client, client.is_initialized()));
        RUNTIME.block_on(client.close(TIMEOUT));
        assert_same(&rust, &comparable(python), "Python");
        Results(rust)
    }

    /// Returns this SDK's results.
    pub(crate) fn of_rust(&self, database: &dyn Database, cache: Option<CacheMode>) -> Json {
        let mut flags = database.flags();
        if let Some(mode) = cache {
            flags = flags.cache(mode);
        }
        let client = Client::builder("sdk-key")
            .daemon_mode(flags)
            .big_segments(database.big_segments())
            .without_events()
            .evaluation_timeout(TIMEOUT)
            .start()
            .unwrap();
        client.blocking_wait_until_ready(TIMEOUT).unwrap();
        let initialized = RUNTIME.block_on(database.store().is_initialized()).unwrap();
        let results = self.of_client(&client, initialized);
        RUNTIME.block_on(client.close(TIMEOUT));
        comparable(results)
    }

    fn of_client(&self, client: &Client, initialized: bool) -> Json {
        let contexts: Vec<Context> = self
            .contexts
            .iter()
            .map(|context| serde_json::from_value(context.clone()).unwrap())
            .collect();
        let details: Vec<_> = contexts
            .iter()
            .map(|context| self.details(client, context))
            .collect();
        let states = contexts.iter().filter(|_| self.states);
        let options = FlagsStateOptions::default().with_reasons(true);
        let states: Vec<_> = states
            .map(|context| client.all_flags_state(context, options).to_json())
            .collect();
        json!({"initialized": initialized, "details": details, "states": states})
    }

    fn details(&self, client: &Client, context: &Context) -> Json {
        let detail = |key: &str| {
            let detail = client.json_variation_detail(key, context, Value::from("default"));
            json!({"value": detail.value, "variationIndex": detail.variation_index, "reason": detail.reason})
        };
        self.flags
            .iter()
            .map(|&key| (key.to_owned(), detail(key)))
            .collect::<Map<_, _>>()
            .into()
    }

    /// Asserts that another SDK has the same details. Numbers are compared by value.
    #[track_caller]
    pub(crate) fn assert_same_details(results: &Results, other: Json, name: &str) {
        let details = |results: &Json| json!({"details": results["details"]});
        assert_same(&details(&results.0), &details(&comparable(other)), name);
    }

    pub(crate) fn to_json(&self) -> Json {
        json!({"contexts": self.contexts, "flags": self.flags, "states": self.states})
    }
}

/// The common results of both SDKs.
pub(crate) struct Results(pub(crate) Json);

impl Results {
    pub(crate) fn value(&self, context: usize, flag: &str) -> &Json {
        &self.0["details"][context][flag]["value"]
    }

    pub(crate) fn reason(&self, context: usize, flag: &str) -> &Json {
        &self.0["details"][context][flag]["reason"]
    }

    #[track_caller]
    pub(crate) fn assert_gone(&self, flag: &str) {
        for context in self.0["details"].as_array().unwrap() {
            assert_eq!(context[flag]["value"], "default", "{flag}");
            assert_eq!(
                context[flag]["reason"],
                json!({"kind": "ERROR", "errorKind": "FLAG_NOT_FOUND"}),
                "{flag}"
            );
        }
        for state in self.0["states"].as_array().unwrap() {
            assert_eq!(state.get(flag), None, "{flag}");
        }
    }
}

#[track_caller]
fn assert_same(rust: &Json, results: &Json, other: &str) {
    let difference = difference(rust, results).unwrap_or_default();
    assert!(difference.is_empty(), "differs from {other}: {difference}");
}

/// Returns the first difference between two results.
fn difference(one: &Json, other: &Json) -> Option<String> {
    let below = |path: String, one, other| Some(format!("{path} → {}", difference(one, other)?));
    match (one, other) {
        (Json::Object(ones), Json::Object(others)) => {
            let mut keys = ones.keys().chain(others.keys());
            keys.find_map(|key| match (ones.get(key), others.get(key)) {
                (Some(one), Some(other)) => below(key.clone(), one, other),
                _ => Some(format!("only one side has {key}")),
            })
        }
        (Json::Array(ones), Json::Array(others)) if ones.len() == others.len() => {
            let mut pairs = ones.iter().zip(others).enumerate();
            pairs.find_map(|(index, (one, other))| below(index.to_string(), one, other))
        }
        _ => (one != other).then(|| format!("{one} and {other}")),
    }
}

/// Makes numbers comparable by value: `1` and `1.0` are equal.
fn comparable(results: Json) -> Json {
    match results {
        Json::Number(number) => number.as_f64().unwrap().into(),
        Json::Array(items) => items.into_iter().map(comparable).collect(),
        Json::Object(items) => items
            .into_iter()
            .map(|(key, value)| (key, comparable(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}
