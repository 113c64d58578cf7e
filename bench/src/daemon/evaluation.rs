//! One evaluation in daemon mode, compared with one of the same flags in memory.

use std::error::Error;

use super::Database;
use crate::layout;
use crate::measure::{Pace, batch, in_turns};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::USER;

const FLAGS: [&str; 4] = [
    "bench-simple",
    "bench-rules",
    "bench-segment-incl",
    "bench-prereq",
];

pub(super) fn report(database: &Database, pace: Pace) -> Result<Report, Box<dyn Error>> {
    let reading = database.client()?;
    let handed = Ours::client(&Ours::test_data(Ours::parse(&database.data.to_json()?)?))?;
    let user = Ours::context(&USER)?;
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for flag in FLAGS {
        let [mut in_memory, mut in_daemon_mode] = [&handed, &reading].map(|client| {
            let (client, user) = (client.clone(), user.clone());
            batch(move || Ours::bool_variation(&client, flag, &user))
        });
        if !Ours::bool_variation(&reading, flag, &user) {
            return Err(format!("`{flag}` is not true in daemon mode").into());
        }
        let [in_memory, in_daemon_mode] =
            in_turns([&mut in_memory, &mut in_daemon_mode], pace.finer());
        let ratio = in_daemon_mode.median / in_memory.median;
        findings.push(Finding::new(
            format!("daemon mode, {flag}: times in memory"),
            ratio,
            Target::AtMost(1.2),
        ));
        rows.push([
            flag.into(),
            in_memory.to_string(),
            in_daemon_mode.to_string(),
            format!("{ratio:.2}"),
        ]);
    }
    let headings = [
        "10,009 flags",
        "in memory, ns",
        "daemon mode, ns",
        "daemon/memory",
    ]
    .map(String::from);
    Ok(Report {
        text: layout::aligned(headings, &rows),
        findings,
    })
}
