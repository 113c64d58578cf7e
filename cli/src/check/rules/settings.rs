//! Settings of a flag that do not affect its value.

use crate::check::data::Data;
use crate::check::finding::Found;
use crate::check::model::Flag;
use crate::check::registry::Id;

pub(in crate::check) fn check(flag: &Flag<'_>, data: &Data<'_>, found: &mut Found) {
    let root = flag.item.root();
    if let Some(spot) = root.member("debugEventsUntilDate") {
        let date = spot.as_number().unwrap_or(0.0);
        if date > 0.0 && date < data.now {
            let message = "the date is past: no debug events are sent";
            found.add(Id::DebugDatePast, flag.item, &spot, message);
        }
    }
    let migration = root.member("migration");
    let ratios = [
        (root.member("samplingRatio"), "no event of the flag is sent"),
        (
            migration.and_then(|migration| migration.member("checkRatio")),
            "the results of a migration are never compared",
        ),
    ];
    for (ratio, effect) in ratios {
        if let Some(spot) = ratio
            && let Some(number) = spot.as_integer()
            && number <= 0
        {
            let message = format!("the ratio is {number}: {effect}");
            found
                .add(Id::SamplingNever, flag.item, &spot, message)
                .help("a ratio of n means one in n");
        }
    }
    visibility(flag, found);
}

fn visibility(flag: &Flag<'_>, found: &mut Found) {
    let root = flag.item.root();
    let (Some(old), Some(new)) = (
        root.member("clientSide"),
        root.member("clientSideAvailability"),
    ) else {
        return;
    };
    let (old_value, new_value) = (old.is(true), new.flag("usingEnvironmentId"));
    if old_value != new_value {
        let message = format!(
            "clientSide is {old_value}, but clientSideAvailability.usingEnvironmentId is {new_value}"
        );
        found
            .add(Id::VisibilityContradicts, flag.item, &old, message)
            .help("the latter counts, but older SDKs know only the former");
    }
}
