//! The flag service and Relay Proxies, which send changes.

use std::time::Duration;

use vexil::data_source::DataSourceErrorKind;

use super::Change;
use super::reporter::Reporter;
use crate::exit::Failure;
use crate::session::Session;
use crate::source::place::{Mode, Protocol, Service};
use crate::source::service::{self, Connection, Recorded, Wanted};

/// The connection for changes: a stream, unless the URL says otherwise.
pub(super) fn wanted(
    service: &Service,
    shown: &str,
    interval: Duration,
    session: &Session<'_>,
) -> Result<Wanted, Failure> {
    let mode = service.mode.unwrap_or(Mode::Stream);
    Ok(Wanted::of(service, shown, mode, session)?.every(interval))
}

pub(super) async fn follow(
    service: Service,
    mut wanted: Wanted,
    shown: String,
    mut reporter: Reporter,
) {
    loop {
        let mut connection = match Connection::open(&wanted) {
            Ok(connection) => connection,
            Err(failure) => return reporter.fail(failure).await,
        };
        let mut has_data = false;
        // Until the connection is to be opened again with the classic protocol.
        loop {
            let recorded = tokio::select! {
                recorded = connection.next() => recorded,
                () = reporter.closed() => return,
            };
            let reported = match recorded {
                Recorded::Whole(snapshot) => {
                    has_data = true;
                    match reporter.works().await {
                        std::ops::ControlFlow::Continue(()) => {
                            reporter.send(Change::Whole(snapshot)).await
                        }
                        ended => ended,
                    }
                }
                Recorded::Item { kind, key, item } => {
                    reporter.send(Change::Item { kind, key, item }).await
                }
                Recorded::Current => reporter.works().await,
                Recorded::FellBack if wanted.may_be_classic(None) => break,
                Recorded::FellBack => return reporter.fail(service::ordered(&shown)).await,
                Recorded::Failed { info, .. }
                    if !has_data && wanted.may_be_classic(Some(&info)) =>
                {
                    break;
                }
                Recorded::Failed { info, is_final } => {
                    let failure = service::failure(&service, &shown, &info);
                    let is_refused = info.kind == DataSourceErrorKind::ErrorResponse
                        && matches!(info.status_code, Some(401 | 403 | 404));
                    if is_final || (is_refused && !has_data) {
                        return reporter.fail(failure).await;
                    }
                    reporter.fails(failure.message).await
                }
            };
            if reported.is_break() {
                return;
            }
        }
        wanted.protocol = Protocol::Fdv1;
    }
}
