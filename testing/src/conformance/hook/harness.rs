//! [`HookHarness`]: creates hooks, and observes what they have seen.

use std::sync::Arc;
use std::time::Duration;

use vexil::Value;
use vexil::hooks::Hook;

use crate::conformance::eventually::TIMEOUT;
use crate::conformance::lacks::lacks;

/// Creates the hooks of the suite for hooks. Methods may panic, which fails the test.
pub trait HookHarness: Send + Sync {
    /// Creates a hook under test. The harness keeps no other handle to it.
    fn hook(&self) -> Arc<dyn Hook>;

    /// For the group `observation`: returns the evaluations that the hook has seen from the first
    /// stage to the second: key and result, in any order.
    fn observed(&self) -> Vec<(String, Value)> {
        lacks("observation", "returns what a hook has seen")
    }

    /// Returns how long a clause waits for what must happen. Default: 20 seconds.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}
