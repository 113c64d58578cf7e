//! The page of the guide and its dashboard name every metric, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use metrics::{Unit, set_default_local_recorder};
use regex::Regex;
use serde_json::Value as Json;
use tokio::runtime::Handle;
use vexil::Client;
use vexil::config::{HttpConfig, PersistentStoreConfig};
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
use vexil_testing::{MemoryBigSegmentStore, MemoryPersistentStore};

use super::evaluations::Bad;
use super::recorder::Board;
use super::support::{SOON, ada};
use super::until;

const GUIDE: &str = include_str!("../../../docs/guide/metrics.md");
const DASHBOARD: &str = include_str!("../../../docs/guide/dashboard.json");

/// A service with one flag, which accepts events.
#[derive(Debug, Default)]
struct Service {
    is_connected: AtomicBool,
    posted: Mutex<Vec<Bytes>>,
}

#[async_trait]
impl HttpTransport for Service {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        _: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError> {
        let mut response = http::Response::new(Body::full(""));
        if request.method() == http::Method::POST {
            self.posted.lock().unwrap().push(request.into_body());
            *response.status_mut() = StatusCode::ACCEPTED;
        } else if self.is_connected.swap(true, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        } else {
            let put = "event: put\ndata: {\"data\": {\"flags\": {\"flag\": {}}}}\n\n";
            *response.body_mut() = Body::full(put);
            let stream = http::HeaderValue::from_static("text/event-stream");
            response.headers_mut().insert("content-type", stream);
        }
        Ok(response)
    }
}

/// The metrics of a client that has everything that is measured.
async fn board() -> Board {
    let board = Board::default();
    let recording = set_default_local_recorder(&board);
    let client = Client::builder("sdk-key")
        .runtime(Handle::current())
        .http(HttpConfig::new().transport(Service::default()))
        .data_store(PersistentStoreConfig::new(MemoryPersistentStore::new()))
        .big_segments(MemoryBigSegmentStore::new())
        .hook(Bad)
        .metrics_name("shop")
        .start()
        .unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    let _ = client.str_variation("flag", &ada(), "");
    let shop = |name: &str| format!("{name}{{client=\"shop\"}}");
    until(&board, &shop("vexil_big_segment_store_available"), 1.0).await;
    assert!(client.close(SOON).await);
    drop(recording);
    board
}

fn names(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\bvexil_\w+").unwrap();
    name.find_iter(text)
        .map(|name| name.as_str().to_owned())
        .collect()
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "1",
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
        unit => panic!("{unit:?} is no base unit"),
    }
}

/// Name, type, unit and keys of labels.
type Row = (String, String, String, BTreeSet<String>);

#[tokio::test(start_paused = true)]
async fn the_guide_lists_every_metric_with_its_type_unit_and_labels() {
    let board = board().await;
    let mut labels = BTreeMap::<String, BTreeSet<String>>::new();
    let label = Regex::new(r#"(\w+)=""#).unwrap();
    for metric in board.registered() {
        let (name, rest) = metric.split_once('{').expect("each has the client's name");
        assert!(rest.contains("client=\"shop\""), "{metric}");
        let keys = label.captures_iter(rest).map(|key| key[1].to_owned());
        let keys = keys.filter(|key| key != "client");
        labels.entry(name.to_owned()).or_default().extend(keys);
    }
    let described = board.described();
    let found: BTreeSet<Row> = described
        .iter()
        .map(|(name, (metric_type, of, _))| {
            let labels = labels
                .remove(name)
                .unwrap_or_else(|| panic!("{name} has no value"));
            (
                name.clone(),
                (*metric_type).to_owned(),
                unit(*of).to_owned(),
                labels,
            )
        })
        .collect();
    assert!(labels.is_empty(), "not described: {labels:?}");

    let row = Regex::new(r"(?m)^\| `(vexil_\w+)` \| (\w+) \| (\w+) \|([^|]*)\|").unwrap();
    let key = Regex::new(r"`(\w+)`").unwrap();
    let listed: BTreeSet<Row> = row
        .captures_iter(GUIDE)
        .map(|row| {
            let keys = key.captures_iter(&row[4]).map(|key| key[1].to_owned());
            (
                row[1].to_owned(),
                row[2].to_owned(),
                row[3].to_owned(),
                keys.collect(),
            )
        })
        .collect();
    let [missing, unknown] = [&found - &listed, &listed - &found];
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing in the guide: {missing:#?}\nunknown: {unknown:#?}"
    );
    let unknown = &names(GUIDE) - &described.into_keys().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test(start_paused = true)]
async fn counters_end_with_total_and_names_with_their_unit() {
    for (name, (metric_type, unit, description)) in board().await.described() {
        assert_eq!(name.ends_with("_total"), metric_type == "counter", "{name}");
        assert_eq!(name.ends_with("_seconds"), unit == Unit::Seconds, "{name}");
        assert!(description.ends_with('.'), "{name}: {description}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_dashboard_shows_every_metric() {
    let dashboard: Json = serde_json::from_str(DASHBOARD).unwrap();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let variables: BTreeSet<_> = variables
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert!(variables.contains("datasource"));
    let (mut ids, mut shown) = (BTreeSet::new(), BTreeSet::new());
    let variable = Regex::new(r"\$(\w+)").unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel:#}");
        let place = &panel["gridPos"];
        let end = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
        assert!(end <= 24, "{panel:#}");
        if panel["type"] == "row" {
            continue;
        }
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let expression = target["expr"].as_str().unwrap();
            shown.extend(names(expression));
            for used in variable.captures_iter(expression) {
                let is_builtin = used[1].starts_with("__");
                assert!(is_builtin || variables.contains(&used[1]), "{expression}");
            }
        }
    }
    let described: BTreeSet<_> = board().await.described().into_keys().collect();
    assert_eq!(shown, described);
}
