//! The public conformance suite for hooks, with and without spans.

use std::sync::Arc;

use vexil::hooks::Hook;
use vexil_otel::TracingHook;
use vexil_testing::conformance::HookHarness;
use vexil_testing::hook_conformance;

use crate::support::provider;

mod events {
    super::hook_conformance!(super::Harness { add_spans: false });
}

mod spans {
    super::hook_conformance!(super::Harness { add_spans: true });
}

struct Harness {
    add_spans: bool,
}

impl HookHarness for Harness {
    fn hook(&self) -> Arc<dyn Hook> {
        provider();
        let hook = TracingHook::builder().add_spans(self.add_spans);
        Arc::new(hook.include_value(true).build())
    }
}
