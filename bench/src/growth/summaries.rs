//! An evaluation with events, as a function of the number of flags that a summary counts.

use std::error::Error;

use vexil_testing::FakeService;

use super::{Curve, curve};
use crate::effort::Effort;
use crate::measure::{Batch, batch, in_turns};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::sdk::Sdk;
use crate::workload::{USER, plain_flags};

/// Varies the number of flags that one thread evaluates in turn.
pub(super) fn keys(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "summary-keys",
        "An evaluation with events, by the flags that are counted",
        ["flags", "ns per evaluation"],
    );
    let sizes: &[u32] = effort.choose(&[10, 100], &[1, 10, 100, 1_000, 10_000]);
    curve(about, ["ours", "peer"], sizes, |flags| {
        let json = String::from_utf8(plain_flags(flags).to_json()?)?;
        let service = FakeService::builder().data(json.as_str()).start()?;
        let (mut ours, mut peer) = (
            side::<Ours>(&service.url(), flags)?,
            side::<Peer>(&service.url(), flags)?,
        );
        let times = in_turns([&mut ours, &mut peer], effort.pace());
        Ok(times.map(|time| time.median))
    })
}

fn side<S: Sdk>(url: &str, flags: u32) -> Result<Batch, Box<dyn Error>> {
    let client = S::connect_with_events(url)?;
    let user = S::context(&USER)?;
    let keys: Vec<_> = (0..flags).map(|flag| format!("flag-{flag:07}")).collect();
    let mut index = 0;
    Ok(batch(move || {
        index = if index + 1 < keys.len() { index + 1 } else { 0 };
        keys.get(index)
            .is_some_and(|key| S::bool_variation(&client, key, &user))
    }))
}
