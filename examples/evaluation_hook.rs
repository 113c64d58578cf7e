//! A hook that counts and measures evaluations, and a failing hook that affects no evaluation. No
//! account needed.
//!
//! `cargo run -p vexil-examples --example evaluation_hook`
//!
//! The conformance suite at the end of this file tests the hook's contract: `cargo test -p
//! vexil-examples --example evaluation_hook`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing_subscriber::filter::LevelFilter;
use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};
use vexil::{Client, Context, Value};
use vexil_examples::log_to_stderr;
use vexil_testing::{FlagBuilder, TestData};

/// Counts the results of each flag and sums the evaluation times. Clones share the counters.
#[derive(Clone, Debug, Default)]
struct Metrics(Arc<Mutex<BTreeMap<String, (u32, Duration)>>>);

impl Hook for Metrics {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("metrics")
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        Ok(data.with("start", Instant::now()))
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        let start: &Instant = data.get("start").ok_or("missing start time")?;
        let answer = format!("{} = {} ({})", series.flag_key, detail.value, detail.reason);
        let mut metrics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, took) = metrics.entry(answer).or_default();
        *count += 1;
        *took += start.elapsed();
        Ok(data)
    }

    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        println!("tracked: {} {:?}", series.key, series.metric_value);
        Ok(())
    }
}

/// Always fails. The failure is logged once and does not change results.
#[derive(Debug)]
struct Broken;

impl Hook for Broken {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("broken")
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        _: SeriesData,
    ) -> Result<SeriesData, HookError> {
        Err("the collector is unreachable".into())
    }
}

fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::WARN);
    let flags = TestData::new();
    flags.update(
        FlagBuilder::new("new-checkout")
            .variation_for_key("user", "ada", true)
            .fallthrough_variation(false),
    );

    let metrics = Metrics::default();
    let client = Client::builder("sdk-key-of-no-account")
        .data_source(flags)
        .hook(metrics.clone())
        .start()?;
    let _closed_at_the_end = client.close_on_drop(Duration::from_secs(10));
    // Hooks can also be added while the client is running.
    client.add_hook(Broken);

    for key in ["ada", "bob", "carol"] {
        let context = Context::new(key)?;
        if client.bool_variation("new-checkout", &context, false) {
            client.track_metric("checkout-completed", &context, 49.9, Value::Null);
        }
        let _ = client.str_variation("no-such-flag", &context, "default");
    }
    for (answer, (count, took)) in &*metrics.0.lock().unwrap_or_else(PoisonError::into_inner) {
        println!("{count} × {answer}, {:?} on average", *took / *count);
    }
    Ok(())
}

#[cfg(test)]
mod conformance {
    use std::sync::Arc;

    use vexil::hooks::Hook;
    use vexil_testing::conformance::HookHarness;

    use super::Metrics;

    struct Harness;

    impl HookHarness for Harness {
        fn hook(&self) -> Arc<dyn Hook> {
            Arc::new(Metrics::default())
        }
    }

    vexil_testing::hook_conformance!(Harness);
}
