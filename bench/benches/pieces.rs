//! Microbenchmarks of the parts of an evaluation, an update and a start: `cargo bench -p
//! vexil-bench`.
//!
//! Use them while working on one part. Published results come from `scripts/bench`, which compares
//! both SDKs.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot start has no result"
)]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use vexil::client::FlagsStateOptions;
use vexil::eval::{Found, evaluate};
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::{DataStore, MemoryStore};
use vexil::{Client, Context};
use vexil_testing::TestData;

/// Flags of the workload in every bench except that of a whole data set.
const FLAGS: u32 = 1_000;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn data(flags: u32) -> DataSet {
    DataSet::from_json(vexil_bench::workload(flags).unwrap().as_bytes()).unwrap()
}

fn user() -> Context {
    vexil_bench::workload_user().unwrap()
}

fn client() -> Client {
    Client::builder("sdk-key")
        .data_source(TestData::from(data(FLAGS)))
        .without_events()
        .start()
        .unwrap()
}

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    pollster::block_on(store.init(data(FLAGS))).unwrap();
    store
}

const CASES: [&str; 8] = [
    "bench-simple",
    "bench-target",
    "bench-rules",
    "bench-rules-noregex",
    "bench-rollout",
    "bench-segment-incl",
    "bench-segment-rule",
    "bench-prereq",
];

/// Evaluates a flag that has already been looked up.
#[divan::bench(args = CASES)]
fn evaluator(bencher: Bencher, flag: &str) {
    let (store, user) = (store(), user());
    let mut bencher = Some(bencher);
    store.read(&mut |snapshot| {
        let (Found::Present(flag), Some(bencher)) = (snapshot.flag(flag), bencher.take()) else {
            return;
        };
        bencher.bench_local(|| drop(black_box(evaluate(flag, black_box(&user), snapshot))));
    });
}

/// Evaluates a flag by key, through the client.
#[divan::bench(args = CASES)]
fn method(bencher: Bencher, flag: &str) {
    let (client, user) = (client(), user());
    bencher.bench_local(|| client.bool_variation(black_box(flag), &user, false));
}

/// Evaluates a flag by key, through the client, with the reason.
#[divan::bench(args = ["bench-simple", "bench-rules"])]
fn door_with_detail(bencher: Bencher, flag: &str) {
    let (client, user) = (client(), user());
    bencher.bench_local(|| client.bool_variation_detail(black_box(flag), &user, false));
}

#[divan::bench]
fn all_flags(bencher: Bencher) {
    let (client, user) = (client(), user());
    bencher.bench_local(|| client.all_flags_state(&user, FlagsStateOptions::default()));
}

#[divan::bench]
fn context_build(bencher: Bencher) {
    bencher.bench_local(user);
}

#[divan::bench]
fn context_clone(bencher: Bencher) {
    let user = user();
    bencher.bench_local(|| user.clone());
}

/// Parses a complete data set of the service.
#[divan::bench(args = [100, 1_000, 10_000], sample_count = 20)]
fn parse_data_set(bencher: Bencher, flags: u32) {
    let json = vexil_bench::workload(flags).unwrap();
    bencher
        .counter(BytesCount::of_str(&json))
        .bench_local(|| DataSet::from_json(json.as_bytes()));
}

/// Parses a flag of a patch and writes it to the store.
#[divan::bench]
fn patch(bencher: Bencher) {
    let store = store();
    let mut version = 0_u64;
    bencher
        .with_inputs(|| {
            version += 1;
            format!(
                r#"{{"key":"new","version":{version},"on":true,"variations":[true,false],"fallthrough":{{"variation":0}},
                "rules":[{{"variation":1,"clauses":[{{"attribute":"email","op":"endsWith","values":["@example.com"]}}]}}]}}"#
            )
        })
        .bench_local_values(|json| {
            let flag = Item::from_json(DataKind::Flag, "new", json.as_bytes()).unwrap();
            pollster::block_on(store.upsert(flag)).unwrap()
        });
}
