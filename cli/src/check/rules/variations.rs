//! The variations of a flag, and the indexes that refer to them.

use std::collections::BTreeMap;

use vexil::migration::Stage;

use crate::check::finding::Found;
use crate::check::item::Spot;
use crate::check::model::Flag;
use crate::check::registry::Id;

pub(in crate::check) fn check(flag: &Flag<'_>, found: &mut Found) {
    presence(flag, found);
    values(flag, found);
    indexes(flag, found);
    reachability(flag, found);
    stages(flag, found);
}

fn presence(flag: &Flag<'_>, found: &mut Found) {
    let root = flag.item.root();
    if flag.variations.is_empty() && (flag.on || flag.off_variation.is_some()) {
        let message = "the flag has no variations: callers receive their default";
        found.add_property(Id::NoVariations, flag.item, &root, "variations", message);
    }
    if flag.off_variation.is_none() {
        let message = "no off variation: while the flag is off, or a prerequisite fails, callers \
                       receive their default";
        found
            .add_property(
                Id::NoOffVariation,
                flag.item,
                &root,
                "offVariation",
                message,
            )
            .help("set offVariation to the index of a variation");
    }
}

fn values(flag: &Flag<'_>, found: &mut Found) {
    let mut first_type: Option<&'static str> = None;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_mixed = false;
    for (index, variation) in flag.variations.iter().enumerate() {
        if let Some(first) = seen.get(&variation.node.to_json(true)) {
            let message = format!("variation {index} equals variation {first}");
            found.add(Id::EqualVariations, flag.item, variation, message);
        } else {
            seen.insert(variation.node.to_json(true), index);
        }
        if variation.node.is_null() {
            let message = format!("variation {index} is null, which is of no type");
            found.add(Id::NullVariation, flag.item, variation, message);
            continue;
        }
        let kind = variation.node.type_name();
        let expected = *first_type.get_or_insert(kind);
        if kind != expected && !is_mixed {
            let message = format!("variation {index} is {kind}, but another one is {expected}");
            found
                .add(Id::MixedTypes, flag.item, variation, message)
                .help("an application requests a flag as one type, and receives its default for others");
            is_mixed = true;
        }
    }
}

fn indexes(flag: &Flag<'_>, found: &mut Found) {
    let count = flag.variations.len();
    if count == 0 {
        return;
    }
    let mut check = |spot: &Spot<'_>, index: i64| {
        let exists = usize::try_from(index).is_ok_and(|index| index < count);
        if !exists {
            let are = if count == 1 { "there is" } else { "there are" };
            let message = format!("variation {index}, but {are} {count}");
            found
                .add(Id::VariationOutOfRange, flag.item, spot, message)
                .help("variations count from 0");
        }
    };
    if let Some(off) = &flag.off_variation {
        check(off, off.as_integer().unwrap_or(0));
    }
    for target in flag.targets.iter().chain(&flag.context_targets) {
        let spot = target.spot.member("variation");
        check(spot.as_ref().unwrap_or(&target.spot), target.variation);
    }
    for outcome in flag.outcomes() {
        if let Some(variation) = &outcome.variation {
            check(variation, variation.as_integer().unwrap_or(0));
        }
        for share in outcome.rollout.iter().flat_map(|rollout| &rollout.shares) {
            let spot = share.spot.member("variation");
            check(spot.as_ref().unwrap_or(&share.spot), share.variation);
        }
    }
}

fn reachability(flag: &Flag<'_>, found: &mut Found) {
    for (index, variation) in (0..).zip(&flag.variations) {
        if !flag.may_serve(index) {
            let message = format!("nothing selects variation {index}");
            found
                .add(Id::UnreachableVariation, flag.item, variation, message)
                .help("it may be meant for later; --allow hides this");
        }
    }
}

fn stages(flag: &Flag<'_>, found: &mut Found) {
    if flag.item.root().member("migration").is_none() {
        return;
    }
    for variation in &flag.variations {
        let stage = variation.node.to_value();
        if stage
            .as_str()
            .is_none_or(|text| text.parse::<Stage>().is_err())
        {
            found
                .add(
                    Id::MigrationValues,
                    flag.item,
                    variation,
                    "this is no stage of a migration",
                )
                .help("the stages are off, dualwrite, shadow, live, rampdown and complete");
        }
    }
}
