//! Clauses for every big-segment store.

use std::sync::Arc;

use vexil::big_segments::BigSegmentStore;
use vexil::eval::Membership;

use crate::conformance::begin::begin;
use crate::conformance::must::Must;
use crate::conformance::{BigSegmentStoreHarness, prefix};

/// The hashes of `user-key`, `a/b` and `ключ`: Base64 has characters that have a meaning elsewhere.
const ADA: &str = "CEXjZY7cHJG/ydFy7q4+YEFwVrG3/pkJwA4FAjrbfx0=";
const BOB: &str = "wUzdwDP2S53qgOpnXPKAoBXmclFgkKViZ4EVPcaP6hE=";
const EVE: &str = "HeNqMq95jaDBrJKXYDoyDtj+VnzyHJF3ESpM6RTruL4=";

/// A context without a record is not an error.
pub async fn an_unknown_context_has_no_membership_and_is_no_error(
    harness: &dyn BigSegmentStoreHarness,
) {
    let place = Place::new(harness).await;
    let membership = place.store().await.membership(ADA).await.must("membership");
    assert_eq!(membership, None, "the membership of an unknown context");
}

/// A segment is identified by its reference: key and generation.
pub async fn segments_that_include_a_context_are_returned(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    place.set(ADA, &["vip.g1", "vip.g12", "ключ.g1"], &[]).await;
    let membership = place.membership(ADA).await;
    assert_told(
        &membership,
        &[
            ("vip.g1", Some(true)),
            ("vip.g12", Some(true)),
            ("ключ.g1", Some(true)),
        ],
    );
    assert_told(
        &membership,
        &[("vip.g2", None), ("vip", None), ("vip.g", None)],
    );
    place.clear().await;
}

/// An excluded context differs from an unknown one: the segment's rules do not apply to it.
pub async fn segments_that_exclude_a_context_are_returned(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    place.set(ADA, &[], &["vip.g1"]).await;
    assert_told(
        &place.membership(ADA).await,
        &[("vip.g1", Some(false)), ("vip.g2", None)],
    );
    place.set(BOB, &["vip.g1"], &["staff.g3"]).await;
    assert_told(
        &place.membership(BOB).await,
        &[("vip.g1", Some(true)), ("staff.g3", Some(false))],
    );
    place.clear().await;
}

/// Inclusion takes precedence over exclusion.
pub async fn a_segment_that_includes_and_excludes_includes(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    place.set(ADA, &["vip.g1"], &["vip.g1", "staff.g3"]).await;
    assert_told(
        &place.membership(ADA).await,
        &[("vip.g1", Some(true)), ("staff.g3", Some(false))],
    );
    place.clear().await;
}

/// Each context has its own memberships.
pub async fn contexts_have_separate_memberships(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    place.set(ADA, &["vip.g1"], &[]).await;
    place.set(BOB, &["staff.g3"], &["vip.g1"]).await;
    assert_told(
        &place.membership(ADA).await,
        &[("vip.g1", Some(true)), ("staff.g3", None)],
    );
    assert_told(
        &place.membership(BOB).await,
        &[("vip.g1", Some(false)), ("staff.g3", Some(true))],
    );
    assert_eq!(
        place.store().await.membership(EVE).await.must("membership"),
        None,
        "a third context"
    );
    place.clear().await;
}

/// The store receives the hash in standard Base64 with padding, and must neither hash it again nor
/// change its encoding.
pub async fn a_hash_is_used_unchanged(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    for (hash, reference) in [(ADA, "a.g1"), (BOB, "b.g1"), (EVE, "e.g1")] {
        place.set(hash, &[reference], &[]).await;
    }
    for (hash, reference) in [(ADA, "a.g1"), (BOB, "b.g1"), (EVE, "e.g1")] {
        assert_told(&place.membership(hash).await, &[(reference, Some(true))]);
    }
    let store = place.store().await;
    for other in [
        ADA.trim_end_matches('=').to_owned(),
        ADA.replace('/', "_").replace('+', "-"),
        ADA.to_lowercase(),
    ] {
        assert_eq!(
            store.membership(&other).await.must("membership"),
            None,
            "a hash in another encoding"
        );
    }
    place.clear().await;
}

/// A record may remain after its last segment was removed.
pub async fn a_context_whose_last_segment_was_removed_is_in_none(
    harness: &dyn BigSegmentStoreHarness,
) {
    let place = Place::new(harness).await;
    place.set(ADA, &["vip.g1"], &["staff.g3"]).await;
    assert_told(&place.membership(ADA).await, &[("vip.g1", Some(true))]);
    place.set(ADA, &[], &[]).await;
    let membership = place
        .store()
        .await
        .membership(ADA)
        .await
        .must("membership")
        .unwrap_or_default();
    assert_told(&membership, &[("vip.g1", None), ("staff.g3", None)]);
    place.clear().await;
}

/// Environments that share a database are isolated.
pub async fn memberships_of_other_prefixes_are_ignored(harness: &dyn BigSegmentStoreHarness) {
    let (place, other) = Place::two(harness).await;
    other.set(ADA, &["vip.g1"], &["staff.g3"]).await;
    assert_eq!(
        place.store().await.membership(ADA).await.must("membership"),
        None,
        "under another prefix"
    );
    place.set(ADA, &[], &["vip.g1"]).await;
    assert_told(
        &place.membership(ADA).await,
        &[("vip.g1", Some(false)), ("staff.g3", None)],
    );
    assert_told(
        &other.membership(ADA).await,
        &[("vip.g1", Some(true)), ("staff.g3", Some(false))],
    );
    other.clear().await;
    place.clear().await;
}

/// A store does not cache: the SDK does.
pub async fn memberships_are_not_cached(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    assert_eq!(
        store.membership(ADA).await.must("membership"),
        None,
        "before the first write"
    );
    place.set(ADA, &["vip.g1"], &[]).await;
    let first = store
        .membership(ADA)
        .await
        .must("membership")
        .unwrap_or_default();
    assert_told(&first, &[("vip.g1", Some(true))]);
    place.set(ADA, &[], &["vip.g1"]).await;
    let second = store
        .membership(ADA)
        .await
        .must("membership")
        .unwrap_or_default();
    assert_told(&second, &[("vip.g1", Some(false))]);
    harness.set_synchronized(&place.prefix, 1).await;
    assert_eq!(
        store.last_synchronized().await.must("last_synchronized"),
        Some(1),
        "the first time"
    );
    harness.set_synchronized(&place.prefix, 2).await;
    assert_eq!(
        store.last_synchronized().await.must("last_synchronized"),
        Some(2),
        "the second time"
    );
    place.clear().await;
}

/// A missing time means never synchronized. It is not an error, even if memberships exist.
pub async fn a_store_that_was_never_synchronized_has_no_time_and_no_error(
    harness: &dyn BigSegmentStoreHarness,
) {
    let place = Place::new(harness).await;
    place.set(ADA, &["vip.g1"], &[]).await;
    let time = place
        .store()
        .await
        .last_synchronized()
        .await
        .must("last_synchronized");
    assert_eq!(
        time, None,
        "the time of a store that was never synchronized"
    );
    place.clear().await;
}

/// The time is in milliseconds since 1970, which exceeds 32 bits.
pub async fn the_time_of_the_last_synchronization_is_in_milliseconds(
    harness: &dyn BigSegmentStoreHarness,
) {
    let place = Place::new(harness).await;
    harness
        .set_synchronized(&place.prefix, 1_769_904_000_123)
        .await;
    let time = place
        .store()
        .await
        .last_synchronized()
        .await
        .must("last_synchronized");
    assert_eq!(time, Some(1_769_904_000_123), "the time");
    place.clear().await;
}

/// Environments that share a database have separate times.
pub async fn the_time_of_another_prefix_is_ignored(harness: &dyn BigSegmentStoreHarness) {
    let (place, other) = Place::two(harness).await;
    harness.set_synchronized(&other.prefix, 7).await;
    let time = place
        .store()
        .await
        .last_synchronized()
        .await
        .must("last_synchronized");
    assert_eq!(time, None, "the time of another prefix");
    other.clear().await;
    place.clear().await;
}

/// An outage is never absence: both reads fail in time, with a temporary error.
pub async fn an_unreachable_big_segment_store_is_an_error_and_never_absence(
    harness: &dyn BigSegmentStoreHarness,
) {
    let store = harness.unreachable().await;
    store
        .membership(ADA)
        .await
        .must_be_unavailable("membership");
    store
        .last_synchronized()
        .await
        .must_be_unavailable("last_synchronized");
    store.close().await;
}

/// Queries are dropped on timeout; later queries must not be affected.
pub async fn a_dropped_query_leaves_the_store_usable(harness: &dyn BigSegmentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.set(ADA, &["vip.g1"], &[]).await;
    place.set(BOB, &[], &["vip.g1"]).await;
    harness.set_synchronized(&place.prefix, 7).await;
    for _ in 0..20 {
        begin(store.membership(BOB)).await;
        begin(store.last_synchronized()).await;
        let membership = store
            .membership(ADA)
            .await
            .must("membership")
            .unwrap_or_default();
        assert_told(&membership, &[("vip.g1", Some(true))]);
        assert_eq!(
            store.last_synchronized().await.must("last_synchronized"),
            Some(7),
            "the time"
        );
    }
    place.clear().await;
}

/// An environment with a unique prefix.
struct Place<'a> {
    harness: &'a dyn BigSegmentStoreHarness,
    prefix: String,
}

impl<'a> Place<'a> {
    async fn new(harness: &'a dyn BigSegmentStoreHarness) -> Self {
        Self::at(harness, prefix::unique()).await
    }

    /// Returns two environments. The prefix of one starts with that of the other.
    async fn two(harness: &'a dyn BigSegmentStoreHarness) -> (Self, Self) {
        let place = Self::new(harness).await;
        let other = Self::at(harness, format!("{}:other", place.prefix)).await;
        (place, other)
    }

    async fn at(harness: &'a dyn BigSegmentStoreHarness, prefix: String) -> Self {
        harness.clear(&prefix).await;
        Self { harness, prefix }
    }

    async fn store(&self) -> Arc<dyn BigSegmentStore> {
        self.harness.store(&self.prefix).await
    }

    async fn set(&self, hash: &str, included: &[&str], excluded: &[&str]) {
        self.harness
            .set_membership(&self.prefix, hash, included, excluded)
            .await;
    }

    async fn membership(&self, hash: &str) -> Membership {
        let membership = self.store().await.membership(hash).await.must("membership");
        assert!(
            membership.is_some(),
            "the membership of the context {hash} is not found"
        );
        membership.unwrap_or_default()
    }

    /// Removes all data. A failed clause leaves its data for inspection.
    async fn clear(self) {
        self.harness.clear(&self.prefix).await;
    }
}

#[track_caller]
fn assert_told(membership: &Membership, expected: &[(&str, Option<bool>)]) {
    for (reference, included) in expected {
        assert_eq!(
            membership.is_included(reference),
            *included,
            "whether {reference} includes the context"
        );
    }
}
