//! [`Rollout`]: weighted variations.

use super::kind_of;
use crate::check::item::Spot;

#[derive(Debug)]
pub(in crate::check) struct Rollout<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) kind: &'t str,
    pub(in crate::check) context_kind: &'t str,
    pub(in crate::check) seed: Option<Spot<'t>>,
    pub(in crate::check) shares: Vec<Share<'t>>,
}

#[derive(Debug)]
pub(in crate::check) struct Share<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) variation: i64,
    pub(in crate::check) weight: i64,
    pub(in crate::check) untracked: bool,
}

impl<'t> Rollout<'t> {
    pub(super) fn new(spot: Spot<'t>) -> Self {
        Self {
            kind: spot.text("kind"),
            context_kind: kind_of(&spot, "contextKind"),
            seed: spot.member("seed"),
            shares: spot
                .list("variations")
                .into_iter()
                .map(Share::new)
                .collect(),
            spot,
        }
    }

    pub(in crate::check) fn is_experiment(&self) -> bool {
        self.kind == "experiment"
    }

    /// Whether the rollout may serve a variation. The last share also receives what the others
    /// leave, whatever its weight is.
    pub(super) fn may_serve(&self, index: i64) -> bool {
        let last = self.shares.last().map(|share| share.variation);
        last == Some(index)
            || self
                .shares
                .iter()
                .any(|share| share.weight > 0 && share.variation == index)
    }
}

impl<'t> Share<'t> {
    fn new(spot: Spot<'t>) -> Self {
        let integer = |name| {
            let member = spot.member(name);
            member.and_then(|member| member.as_integer()).unwrap_or(0)
        };
        Self {
            variation: integer("variation"),
            weight: integer("weight"),
            untracked: spot.flag("untracked"),
            spot,
        }
    }
}
