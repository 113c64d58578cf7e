//! [`launch`]: runs a data source on the runtime, and reports its end.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::data_source::{DataSink, DataSource, DataSourceError};
use crate::error_chain::error_chain;
use crate::runtime::{Runtime, Task};
use crate::sink::Updater;
use crate::status::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
use crate::watchdog::Death;

type Run = Pin<Box<dyn Future<Output = Result<(), DataSourceError>> + Send>>;

/// Polls the source once on this thread, then moves it to the runtime. A source whose data is
/// available immediately has delivered it when this returns. `name` is its name in the log.
pub(super) fn launch(
    runtime: &Runtime,
    name: &'static str,
    source: Arc<dyn DataSource>,
    sink: Arc<Updater>,
) -> Option<Task<()>> {
    let to: Arc<dyn DataSink> = Arc::clone(&sink) as Arc<dyn DataSink>;
    // Unconstrained: inside a busy task, Tokio's cooperative budget would make the source yield
    // before it has delivered.
    let mut run: Run = Box::pin(tokio::task::unconstrained(
        async move { source.run(to).await },
    ));
    let first = {
        let _timers_and_sockets_belong_to = runtime.enter();
        catch_unwind(AssertUnwindSafe(|| {
            run.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }))
    };
    match first {
        Ok(Poll::Ready(result)) => {
            ended(&sink, name, result);
            None
        }
        // The runtime polls it again, with a real waker.
        Ok(Poll::Pending) => {
            let to = Arc::clone(&sink);
            let running = async move { ended(&sink, name, run.await) };
            Some(runtime.spawn_watched(name, running, move |death| died(&to, death)))
        }
        Err(_panic) => {
            tracing::error!("the {name} panicked when it was started; keeping the last known data");
            died(&sink, Death::Panicked);
            None
        }
    }
}

/// Reports that the data source's task died. The watchdog has logged it.
fn died(sink: &Updater, death: Death) {
    let message = match death {
        Death::Panicked => "the data source panicked",
        Death::RuntimeGone => death.describe(),
    };
    sink.update_status(
        DataSourceState::Off,
        Some(DataSourceErrorInfo::new(
            DataSourceErrorKind::Unknown,
            message,
        )),
    );
}

/// Logs and reports that the data source has ended.
fn ended(sink: &Updater, name: &str, result: Result<(), DataSourceError>) {
    let info = match result {
        Ok(()) if sink.is_refreshed() => return,
        Ok(()) => DataSourceErrorInfo::new(
            DataSourceErrorKind::Unknown,
            "the data source ended without data",
        ),
        Err(error) => DataSourceErrorInfo::new(error.kind, error_chain(&error)),
    };
    tracing::error!(error = %info, "the {name} has ended; keeping the last known data");
    sink.update_status(DataSourceState::Off, Some(info));
}
