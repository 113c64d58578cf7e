//! Applications that use the crate `tracing`.

use std::pin::pin;
use std::task::{Context as TaskContext, Waker};

use opentelemetry::trace::TracerProvider;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;
use vexil::Client;
use vexil_otel::TracingHook;

use crate::support::{ada, client, exported, provider};

/// Runs `work` with a subscriber that exports `tracing` spans to OpenTelemetry.
fn with_layer(work: impl FnOnce()) {
    let layer = tracing_opentelemetry::layer().with_tracer(provider().tracer("application"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
}

/// The flag keys of the events of the span with this name, and the names of its children.
fn seen(name: &str) -> (Vec<String>, Vec<String>) {
    let spans = exported(|span| span.name == name);
    let [span] = &spans[..] else {
        panic!("one span called {name}: {spans:?}")
    };
    let flags = span
        .events
        .iter()
        .filter(|event| event.name == "feature_flag");
    let keys = flags
        .map(|event| event.attributes[0].value.to_string())
        .collect();
    let children = exported(|child| child.parent_span_id == span.span_context.span_id());
    (
        keys,
        children
            .into_iter()
            .map(|child| child.name.into_owned())
            .collect(),
    )
}

#[test]
fn an_entered_tracing_span_is_the_active_span() {
    let client = client(TracingHook::builder().add_spans(true).build());
    with_layer(|| {
        info_span!("entered").in_scope(|| drop(client.str_variation("colour", &ada(), "")))
    });
    assert_eq!(
        seen("entered"),
        (
            vec!["colour".to_owned()],
            vec!["Client.variation".to_owned()]
        )
    );
}

#[test]
fn an_instrumented_future_carries_its_span_to_another_thread() {
    async fn handle(client: &Client) {
        drop(client.variation_async("colour", &ada(), "").await);
        // Yields once, so that it may be polled again on another thread.
        let mut once = false;
        std::future::poll_fn(|_| {
            let ready = if once {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            };
            once = true;
            ready
        })
        .await;
        drop(client.variation_async("off", &ada(), "").await);
    }
    let client = client(TracingHook::new());
    with_layer(|| {
        let mut future = pin!(handle(&client).instrument(info_span!("instrumented")));
        let mut poll = || {
            future
                .as_mut()
                .poll(&mut TaskContext::from_waker(Waker::noop()))
        };
        assert!(poll().is_pending());
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        std::thread::scope(|scope| {
            let other =
                scope.spawn(|| tracing::dispatcher::with_default(&dispatch, || poll().is_ready()));
            assert!(other.join().unwrap());
        });
    });
    assert_eq!(seen("instrumented").0, ["colour", "off"]);
}
