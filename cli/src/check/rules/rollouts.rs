//! Rollouts and experiments.

use std::collections::BTreeMap;

use vexil::Reference;

use crate::check::data::Data;
use crate::check::finding::Found;
use crate::check::item::{Item, Spot};
use crate::check::model::{Flag, Rollout, Segment};
use crate::check::registry::Id;

/// The sum of all weights: thousandths of a percent.
const WHOLE: i64 = 100_000;

pub(in crate::check) fn check_flag(flag: &Flag<'_>, found: &mut Found) {
    for rollout in flag.rollouts() {
        weights(flag.item, rollout, found);
        kind(flag.item, rollout, found);
    }
    let needs_salt = flag
        .rollouts()
        .any(|rollout| rollout.seed.is_none() && !rollout.shares.is_empty());
    if needs_salt && flag.salt.is_empty() {
        empty_salt(flag.item, found);
    }
}

pub(in crate::check) fn check_segment(segment: &Segment<'_>, found: &mut Found) {
    let mut is_partial = false;
    for rule in &segment.rules {
        let Some(weight) = &rule.weight else { continue };
        is_partial = true;
        weight_range(segment.item, weight, found);
        let kind = rule.spot.text("rolloutContextKind");
        bucket_by(segment.item, &rule.spot, kind, found);
    }
    if is_partial && segment.salt.is_empty() {
        empty_salt(segment.item, found);
    }
}

fn empty_salt(item: &Item, found: &mut Found) {
    let message = "a rollout depends on the salt, which is empty: adding one later moves all contexts \
                   to other shares";
    found
        .add_property(Id::EmptySalt, item, &item.root(), "salt", message)
        .help("set salt to any text, once");
}

/// Returns whether the weight is in the range.
fn weight_range(item: &Item, weight: &Spot<'_>, found: &mut Found) -> bool {
    let number = weight.as_integer().unwrap_or(0);
    let is_valid = (0..=WHOLE).contains(&number);
    if !is_valid {
        let message = format!("the weight is {number}, but must be from 0 to 100000");
        found
            .add(Id::WeightRange, item, weight, message)
            .help("the unit is a thousandth of a percent: 50000 is half");
    }
    is_valid
}

fn weights(item: &Item, rollout: &Rollout<'_>, found: &mut Found) {
    let mut all_valid = true;
    for share in &rollout.shares {
        if let Some(weight) = share.spot.member("weight") {
            all_valid &= weight_range(item, &weight, found);
        }
    }
    let sum: i64 = rollout
        .shares
        .iter()
        .fold(0, |sum, share| sum.saturating_add(share.weight));
    let (Some(last), Some(spot)) = (rollout.shares.last(), rollout.spot.member("variations"))
    else {
        return;
    };
    if sum == WHOLE || !all_valid {
        return;
    }
    let variation = last.variation;
    if sum == 100 || sum == 1 {
        let message = format!(
            "the weights sum to {sum}, not 100000: nearly all contexts get the last share, variation \
             {variation}"
        );
        found
            .add(Id::WeightsInPercent, item, &spot, message)
            .help("the unit is a thousandth of a percent: write 50000 for 50 %");
    } else if sum < WHOLE {
        let rest = WHOLE - sum;
        let message = format!(
            "the weights sum to {sum}, not 100000: the last share, variation {variation}, gets the \
             other {rest} too"
        );
        found.add(Id::WeightsSum, item, &spot, message);
    } else {
        let cut = cut_off(rollout);
        let message = format!("the weights sum to {sum}, not 100000: share {cut} is cut off");
        found.add(Id::WeightsSum, item, &spot, message);
    }
}

/// Returns the first share that does not fit.
fn cut_off(rollout: &Rollout<'_>) -> usize {
    let mut sum = 0;
    let fits = |weight: i64| {
        sum += weight;
        sum <= WHOLE
    };
    let weights = rollout.shares.iter().map(|share| share.weight);
    weights.map(fits).take_while(|fits| *fits).count()
}

fn kind(item: &Item, rollout: &Rollout<'_>, found: &mut Found) {
    let spot = &rollout.spot;
    if !matches!(rollout.kind, "" | "rollout" | "experiment") {
        let message = format!("{:?} is read as \"rollout\"", rollout.kind);
        found
            .add_property(Id::RolloutKind, item, spot, "kind", message)
            .help("the kinds are rollout and experiment");
    }
    if rollout.is_experiment() {
        if rollout.seed.is_none() {
            let message = "the experiment has no seed, and depends on the salt of the flag";
            found.add_property(Id::ExperimentWithoutSeed, item, spot, "seed", message);
        }
        if !matches!(spot.text("bucketBy"), "" | "key") {
            let message = "an experiment always uses the key: bucketBy is ignored";
            found.add_property(Id::BucketByIgnored, item, spot, "bucketBy", message);
        }
        return;
    }
    bucket_by(item, spot, spot.text("contextKind"), found);
    for share in rollout.shares.iter().filter(|share| share.untracked) {
        let message = "untracked has an effect in experiments only";
        found.add_property(
            Id::UntrackedInRollout,
            item,
            &share.spot,
            "untracked",
            message,
        );
    }
}

/// Checks the attribute of a rollout, which is a reference if there is a kind.
fn bucket_by(item: &Item, spot: &Spot<'_>, kind: &str, found: &mut Found) {
    let attribute = spot.text("bucketBy");
    if attribute.is_empty() || kind.is_empty() {
        return;
    }
    if let Some(error) = Reference::new(attribute).error() {
        let message = format!("{error}: the flag is malformed when this is reached");
        found.add_property(Id::BucketByInvalid, item, spot, "bucketBy", message);
    }
}

/// Finds experiments that put contexts into the same order.
pub(in crate::check) fn check_seeds(data: &Data<'_>, found: &mut Found) {
    let mut seen: BTreeMap<(i64, &str), String> = BTreeMap::new();
    for (key, flag) in &data.flags {
        for rollout in flag.rollouts().filter(|rollout| rollout.is_experiment()) {
            let Some((spot, seed)) = rollout
                .seed
                .as_ref()
                .and_then(|spot| Some((spot, spot.as_integer()?)))
            else {
                continue;
            };
            let place = (seed, rollout.context_kind);
            if let Some(first) = seen.get(&place) {
                let message = format!("{first} has the same seed: both select the same contexts");
                found
                    .add(Id::SameSeed, flag.item, spot, message)
                    .help("this is intended if the experiments must not overlap");
            } else {
                let pointer = &rollout.spot.pointer;
                seen.insert(place, format!("flag {key:?}, {pointer},"));
            }
        }
    }
}
