//! [`Session`]: one run of a command, with its settings and streams.

use std::time::Duration;

use tokio::runtime::Builder;

use crate::args::{Args, Common};
use crate::exit::{Exit, Failure};
use crate::io::Io;
use crate::output::Output;
use crate::settings::Settings;

/// The time limit of commands that end by themselves.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// One run of a command.
#[derive(Debug)]
pub(crate) struct Session<'io> {
    pub(crate) common: Common,
    pub(crate) settings: Settings,
    pub(crate) io: &'io mut Io,
    pub(crate) output: Output,
}

impl<'io> Session<'io> {
    pub(crate) fn run(args: Args, io: &'io mut Io) -> Result<Exit, Failure> {
        let Args { common, command } = args;
        let settings = Settings::load(common.config.as_deref(), io)?;
        let output = Output::new(&common, io);
        Output::begin_log(&common, command.default_log_level(), io);
        let mut session = Self {
            common,
            settings,
            io,
            output,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::new(
                    Exit::Defect,
                    format_args!("cannot start a runtime: {error}"),
                )
            })?;
        let mut signals = session.io.signals.clone();
        let ended = runtime.block_on(async {
            signals.listen();
            let timeout = command
                .ends_by_itself()
                .then(|| session.common.timeout.unwrap_or(DEFAULT_TIMEOUT));
            // A command that changes data handles its signals, so that it can state what it has done.
            let interruptible = !command.handles_signals();
            tokio::select! {
                ended = command.run(&mut session) => ended,
                exit = signals.requested(), if interruptible => Ok(exit),
                failure = timed_out(timeout) => Err(failure),
            }
        });
        // Without waiting for requests that are still in flight.
        runtime.shutdown_background();
        let flushed = std::io::Write::flush(&mut session.io.stdout);
        let exit = ended?;
        flushed?;
        Ok(exit)
    }
}

/// Fails when the time limit of a command is over.
pub(crate) async fn timed_out(limit: Option<Duration>) -> Failure {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    tokio::time::sleep(limit).await;
    Failure::new(Exit::Unreachable, format_args!("not done after {limit:?}"))
        .help("--timeout sets the limit, for example --timeout 2m")
}
