//! Flags of the flag service and of Relay Proxies, through a client of the SDK.

mod connection;
mod recorder;

use std::time::Duration;

use tokio::time::timeout;
use vexil::data_source::{DataSourceErrorInfo, DataSourceErrorKind};

pub(super) use self::connection::{Connection, Wanted};
pub(super) use self::recorder::Recorded;
use super::Contents;
use super::place::{Mode, Protocol, Service};
use super::reason::{timed_out, unreachable};
use crate::exit::{Exit, Failure};
use crate::output::escaped;
use crate::session::Session;
use crate::snapshot::Snapshot;

/// How long the first data may take to arrive.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads all flags and segments once.
pub(super) async fn read(
    service: &Service,
    shown: &str,
    session: &Session<'_>,
) -> Result<Contents, Failure> {
    let usual = if service.is_relay {
        Mode::Stream
    } else {
        Mode::Poll
    };
    let mode = service.mode.unwrap_or(usual);
    let mut wanted = Wanted::of(service, shown, mode, session)?;
    let limit = service.timeout.unwrap_or(TIMEOUT);
    let snapshot = loop {
        let mut connection = Connection::open(&wanted)?;
        let outcome = timeout(limit, first(&mut connection)).await;
        match outcome {
            Ok(First::Data(snapshot)) => break snapshot,
            Ok(First::Failed(info)) if wanted.may_be_classic(Some(&info)) => {}
            Ok(First::Failed(info)) => return Err(failure(service, shown, &info)),
            Ok(First::Ordered) if wanted.may_be_classic(None) => {}
            Ok(First::Ordered) => return Err(ordered(shown)),
            Err(_elapsed) => return Err(timed_out(shown)),
        }
        tracing::info!(source = shown, "using the classic protocol");
        wanted.protocol = Protocol::Fdv1;
    };
    Ok(Contents {
        source: shown.to_owned(),
        snapshot,
        documents: Vec::new(),
        big_segments: None,
    })
}

/// The first outcome of a connection.
enum First {
    Data(Snapshot),
    Failed(DataSourceErrorInfo),
    /// The service orders the classic protocol.
    Ordered,
}

async fn first(connection: &mut Connection) -> First {
    loop {
        match connection.next().await {
            Recorded::Whole(snapshot) => return First::Data(snapshot),
            Recorded::Failed { info, .. } => return First::Failed(info),
            Recorded::FellBack => return First::Ordered,
            Recorded::Item { .. } | Recorded::Current => {}
        }
    }
}

pub(super) fn ordered(shown: &str) -> Failure {
    Failure::new(
        Exit::Unreachable,
        format_args!("{shown} orders the classic protocol"),
    )
    .help("write protocol=auto or protocol=fdv1")
}

/// The failure of a request.
pub(super) fn failure(service: &Service, shown: &str, info: &DataSourceErrorInfo) -> Failure {
    let name = if service.is_relay {
        shown
    } else {
        "the service"
    };
    let key = service.key.describe();
    match (info.kind, info.status_code) {
        (_, Some(code @ (401 | 403))) => Failure::new(
            Exit::Unreachable,
            format_args!("{name} refused the SDK key in {key} ({code})"),
        )
        .help("it must be a server-side key (\"sdk-…\"), of the environment you mean"),
        (_, Some(404)) if service.is_relay && service.mode == Some(Mode::Poll) => Failure::new(
            Exit::Unreachable,
            format_args!("{shown} has no polls (404)"),
        )
        .help("a Relay Proxy only serves streams: leave out mode=poll"),
        (_, Some(404)) => Failure::new(
            Exit::Unreachable,
            format_args!("{shown} does not serve flags (404)"),
        )
        .help("is it the URL of a flag service? protocol=fdv1 selects the classic protocol"),
        (_, Some(code)) => Failure::new(
            Exit::Unreachable,
            format_args!("{shown} answered with status {code}"),
        )
        .help("try again later; -v logs each attempt"),
        (DataSourceErrorKind::InvalidData, None) => Failure::new(
            Exit::Unreadable,
            format_args!(
                "{shown} sent data that cannot be read: {}",
                escaped(&info.message)
            ),
        )
        .help("is it the URL of a flag service?"),
        _ => unreachable(shown, &info.message),
    }
}
