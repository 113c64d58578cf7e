//! What rules and the fallthrough serve.

use crate::check::finding::Found;
use crate::check::model::Flag;
use crate::check::registry::Id;

pub(in crate::check) fn check(flag: &Flag<'_>, found: &mut Found) {
    for outcome in flag.outcomes() {
        let has_rollout = outcome
            .rollout
            .as_ref()
            .is_some_and(|rollout| !rollout.shares.is_empty());
        if outcome.variation.is_none() && !has_rollout {
            let message = "neither a variation nor a rollout: the flag is malformed when this is \
                           reached";
            match &outcome.spot {
                Some(spot) => found.add(Id::NoOutcome, flag.item, spot, message),
                None => {
                    let root = flag.item.root();
                    found.add_property(Id::NoOutcome, flag.item, &root, "fallthrough", message)
                }
            };
        }
        if let (Some(_), Some(rollout)) = (&outcome.variation, &outcome.rollout) {
            let message = "there is a variation too: the rollout is ignored";
            found
                .add(Id::VariationAndRollout, flag.item, &rollout.spot, message)
                .help("remove one of them");
        }
    }
    without_effect(flag, found);
}

/// Rules that change nothing, neither the value nor the events.
fn without_effect(flag: &Flag<'_>, found: &mut Found) {
    let is_tracked = flag.rules.iter().any(|rule| rule.spot.flag("trackEvents"));
    let Some(served) = flag.fallthrough.single() else {
        return;
    };
    let mut outcomes = flag.outcomes();
    if flag.on
        && !flag.rules.is_empty()
        && !is_tracked
        && outcomes.all(|outcome| outcome.single() == Some(served))
        && let Some(rules) = flag.item.root().member("rules")
    {
        let message = format!("all rules and the fallthrough serve variation {served}");
        found
            .add(Id::RulesWithoutEffect, flag.item, &rules, message)
            .help("the rules can be removed");
    }
}
