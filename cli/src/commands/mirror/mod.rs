//! `vexil mirror`: copies flags and segments into a database.

mod console;
mod once;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use self::console::Console;
use crate::args::{ReadingArgs, duration};
use crate::exit::{Exit, Failure};
use crate::mirror::{Follower, Lock, Rules, Target, follow};
use crate::session::Session;
use crate::source::{Lease, Source, Writable};

/// Copy flags and segments into a database, in the form that all SDKs can read.
///
/// The source is read and checked as a whole before anything is written. Redis receives everything
/// in one transaction; DynamoDB item by item, with the marker of a complete data set last.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil mirror flags.yaml redis://localhost
  vexil mirror service 'redis://localhost?prefix=ld:shop:live' --follow --yes
  vexil mirror redis://localhost 'redis://localhost?prefix=ld:shop:qa' --dry-run")]
pub(crate) struct MirrorArgs {
    /// The source; see "vexil help sources".
    #[arg(value_name = "FROM")]
    from: String,
    /// The database that is written to: redis://HOST or dynamodb://TABLE.
    #[arg(value_name = "TO")]
    to: String,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Copy each change until the command is ended.
    #[arg(short, long)]
    follow: bool,
    /// Do not ask before replacing what another program has written.
    #[arg(short, long)]
    yes: bool,
    /// Write also if the database would lose all its flags, or more than half of them.
    #[arg(long)]
    allow_empty: bool,
    /// Delete items that the source does not have. This is the default.
    #[arg(long, conflicts_with = "keep_missing")]
    delete_missing: bool,
    /// Keep items that the source does not have.
    #[arg(long)]
    keep_missing: bool,
    /// Show the differences, and write nothing.
    #[arg(long, conflicts_with = "follow")]
    dry_run: bool,
    /// Read the database again and compare it with what was written. This is the default.
    #[arg(long, conflicts_with_all = ["no_verify", "follow"])]
    verify: bool,
    /// Do not read the database again.
    #[arg(long, conflicts_with = "follow")]
    no_verify: bool,
    /// Copy the members of big segments, too, from one database to another.
    #[arg(long, conflicts_with_all = ["follow", "dry_run"])]
    big_segments: bool,
    /// Wait until no other copy with --lock writes into the database, and keep others waiting.
    #[arg(long)]
    lock: bool,
    /// With --follow, the time between two reads of sources that do not send changes. Default: 30s.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s", hide_default_value = true)]
    interval: Duration,
    /// The time between two checks that the database has not lost items.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5m", hide = true)]
    check_interval: Duration,
}

impl MirrorArgs {
    fn rules(&self) -> Rules {
        Rules {
            keep_missing: self.keep_missing,
        }
    }
}

pub(super) async fn run(args: MirrorArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let from = Source::parse(&args.from, session)?;
    let to = Source::parse(&args.to, session)?;
    let Writable { store, lease } = to.store(session)?;
    let target = Target::new(store);
    let mut lock = match args.lock && !args.dry_run {
        true => match take(lease, &args, &to, session).await? {
            ControlFlow::Continue(lock) => Some(lock),
            ControlFlow::Break(exit) => return Ok(exit),
        },
        false => None,
    };
    let ended = if args.follow {
        follow_source(&args, &from, &to, &target, &mut lock, session).await
    } else {
        once::run(&args, &from, &to, &target, session).await
    };
    if let Some(lock) = lock {
        lock.release().await;
    }
    target.close().await;
    ended
}

/// Waits until no other copy has the lock.
async fn take(
    lease: Arc<dyn Lease>,
    args: &MirrorArgs,
    to: &Source,
    session: &mut Session<'_>,
) -> Result<ControlFlow<Exit, Lock>, Failure> {
    let mut signals = session.io.signals.clone();
    let output = &mut session.output;
    let waiting = || {
        output.note(format_args!(
            "waiting for another copy into {to}, which has the lock"
        ));
    };
    tokio::select! {
        exit = signals.requested() => Ok(ControlFlow::Break(exit)),
        taken = Lock::take(lease, args.follow, waiting) => match taken {
            Ok(lock) => Ok(ControlFlow::Continue(lock)),
            Err(error) => Err(to.failure(&error)),
        },
    }
}

async fn follow_source(
    args: &MirrorArgs,
    from: &Source,
    to: &Source,
    target: &Target,
    lock: &mut Option<Lock>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let changes = from.follow(&args.reading, args.interval, session)?;
    let signals = session.io.signals.clone();
    let follower = Follower {
        rules: args.rules(),
        allow_empty: args.allow_empty,
        tolerant: args.reading.tolerant,
        interval: args.interval,
        check_interval: args.check_interval.max(Duration::from_millis(10)),
        limit: session.common.timeout,
    };
    let mut console = Console {
        from,
        to,
        yes: args.yes,
        session,
    };
    follow(follower, changes, target, lock, signals, &mut console).await
}
