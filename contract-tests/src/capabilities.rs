//! The declared capabilities. The `README.md` explains why each of the others is not declared.

use vexil::transport::RetryPolicy;

const ALWAYS: [&str; 39] = [
    "server-side",
    "strongly-typed",
    "all-flags-with-reasons",
    "all-flags-client-side-only",
    "all-flags-details-only-for-tracked-flags",
    "client-prereq-events",
    "context-type",
    "context-comparison",
    "user-type",
    "secure-mode-hash",
    "server-side-polling",
    "polling-gzip",
    "filtering",
    "filtering-strict",
    "service-endpoints",
    "tags",
    "wrapper",
    "instance-id",
    "http-proxy",
    "event-gzip",
    "optional-event-gzip",
    "event-sampling",
    "inline-context-all",
    "anonymous-redaction",
    "omit-anonymous-contexts",
    "evaluation-hooks",
    "track-hooks",
    "hook-environment-id",
    "migrations",
    "big-segments",
    "fdv1-fallback",
    "flag-change-listeners",
    "flag-value-change-listeners",
    "flag-overrides",
    "persistent-data-store-redis",
    "persistent-data-store-dynamodb",
    "tls:verify-peer",
    "tls:skip-verify-peer",
    "tls:custom-ca",
];

/// Clients keep retrying after a refusal. Without these, the harness expects clients to stop.
const NEVER_STOP: [&str; 2] = [
    "retry-conformance-fdv1-streaming",
    "retry-conformance-fdv1-polling",
];

/// Returns the capabilities of clients with this policy.
pub(crate) fn capabilities(retry_policy: RetryPolicy) -> Vec<&'static str> {
    let never_stop: &[_] = if retry_policy == RetryPolicy::NeverStop {
        &NEVER_STOP
    } else {
        &[]
    };
    ALWAYS.iter().chain(never_stop).copied().collect()
}
