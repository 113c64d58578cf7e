//! [`FileData`] as a data source: load, deliver, wait for a change, and again.

use std::error::Error;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use vexil::async_trait;
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState,
};

use crate::builder::FileData;
use crate::error::FileDataError;
use crate::load::{Loaded, Loader, Look};
use crate::watch::Watch;

/// How long after the store failed the same data is delivered again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// How long a file that became empty keeps the data that it had. Long enough for a program to write
/// it anew.
const SECOND_LOOK: Duration = Duration::from_secs(2);

#[async_trait]
impl DataSource for FileData {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let mut loader = Loader::new(self, sink.keeps_json());
        // Before the first load: what changes during it is seen as a change.
        let watch = self.watch.then(|| Watch::new(self));
        // On the thread that starts the client, which has its flags when it is started.
        let loaded = loader.load(Look::Second);
        let mut emptied = None;
        let mut delivered = deliver(&mut loader, loaded, &mut emptied, &*sink).await;
        let Some(mut watch) = watch else {
            // Nothing will change that, so the source has ended: nobody should wait for it.
            return delivered;
        };
        loop {
            if let Err(error) = &delivered {
                report(error, &*sink);
            }
            let is_not_stored =
                delivered.is_err_and(|error| error.kind == DataSourceErrorKind::StoreError);
            tokio::select! {
                () = watch.changed() => {}
                () = tokio::time::sleep(STORE_RETRY), if is_not_stored => {}
                () = second_look(emptied), if emptied.is_some() => {}
            }
            let is_second = emptied.is_some_and(|since| SECOND_LOOK <= since.elapsed());
            let look = if is_second { Look::Second } else { Look::First };
            let loaded;
            (loader, loaded) = blocking(move || {
                let loaded = loader.load(look);
                (loader, loaded)
            })
            .await;
            delivered = deliver(&mut loader, loaded, &mut emptied, &*sink).await;
        }
    }
}

/// Ends when a file that is empty since then is to be looked at again.
async fn second_look(since: Option<Instant>) {
    if let Some(since) = since {
        sleep_until(since + SECOND_LOOK).await;
    }
}

/// Delivers what was loaded. `emptied` is since when a file has been empty that still counts with
/// its old contents.
async fn deliver(
    loader: &mut Loader,
    loaded: Result<Loaded, FileDataError>,
    emptied: &mut Option<Instant>,
    sink: &dyn DataSink,
) -> Result<(), DataSourceError> {
    if let Ok(Loaded::Emptied(path)) = &loaded {
        tracing::debug!(path = %path.display(), "a flag file is empty; its flags stay until it is looked at again");
        emptied.get_or_insert_with(Instant::now);
        return Ok(());
    }
    *emptied = None;
    match loaded {
        Ok(Loaded::New(data)) => {
            sink.init(data).await.map_err(DataSourceError::store)?;
            loader.stored();
            Ok(())
        }
        // Also after an error: the files hold again what is in use.
        Ok(Loaded::Unchanged | Loaded::Emptied(_)) => {
            sink.update_status(DataSourceState::Valid, None);
            Ok(())
        }
        Err(error) => {
            log(&error);
            Err(DataSourceError::invalid_data(error))
        }
    }
}

/// Makes trouble with the files the status. That of the store is already.
fn report(error: &DataSourceError, sink: &dyn DataSink) {
    if error.kind != DataSourceErrorKind::StoreError {
        let info = DataSourceErrorInfo::new(error.kind, chain(&*error.source));
        sink.update_status(DataSourceState::Interrupted, Some(info));
    }
}

fn log(error: &FileDataError) {
    let item = error.item();
    tracing::error!(
        path = error
            .path()
            .map(|path| tracing::field::display(path.display())),
        line = error.line(),
        column = error.column(),
        kind = item.map(|(kind, _)| tracing::field::display(kind)),
        key = item.map(|(_, key)| key.as_str()),
        error = chain(error),
        "flag files cannot be loaded; flags stay as they are"
    );
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Runs what may wait for a disk where it holds up no other work of the runtime.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work)
        .await
        .map_err(tokio::task::JoinError::try_into_panic)
    {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is shutting down and will drop this as well.
        Err(Err(_cancelled)) => std::future::pending().await,
    }
}
