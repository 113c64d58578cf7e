//! [`FileData`] as a data source: loads, delivers and waits for a change, in a loop.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use vexil::async_trait;
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState,
};

use crate::blocking::blocking;
use crate::builder::FileData;
use crate::error::FileDataError;
use crate::load::{EmptyFileCheck, Loaded, Loader};
use crate::watch::FileWatcher;

/// Delay before the same data is delivered again after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// How long a file that became empty keeps its data. Long enough for a program to rewrite it.
const EMPTY_FILE_DELAY: Duration = Duration::from_secs(2);

#[async_trait]
impl DataSource for FileData {
    /// A data system must not write local flags to a database.
    fn is_persistent(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let mut loader = Loader::new(Arc::clone(&self.paths), self.duplicates, sink.keeps_json())
            .for_overrides(sink.is_for_overrides());
        // Created before the first load, so that changes during the load are noticed.
        let watch = self.watch.then(|| FileWatcher::new(self));
        // Runs on the thread that starts the client, so that a started client has its flags.
        let loaded = loader.load(EmptyFileCheck::Second);
        let mut emptied = None;
        let mut delivered = deliver(&mut loader, loaded, &mut emptied, &*sink).await;
        let Some(mut watch) = watch else {
            // Without a watch the result is final: end, so that the client does not wait.
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
                () = until_second_check(emptied), if emptied.is_some() => {}
            }
            let is_second = emptied.is_some_and(|since| EMPTY_FILE_DELAY <= since.elapsed());
            let check = if is_second {
                EmptyFileCheck::Second
            } else {
                EmptyFileCheck::First
            };
            let loaded;
            (loader, loaded) = blocking(move || {
                let loaded = loader.load(check);
                (loader, loaded)
            })
            .await;
            delivered = deliver(&mut loader, loaded, &mut emptied, &*sink).await;
        }
    }
}

/// Completes when a file that has been empty since `since` is due to be checked again.
async fn until_second_check(since: Option<Instant>) {
    if let Some(since) = since {
        sleep_until(since + EMPTY_FILE_DELAY).await;
    }
}

/// Delivers the loaded data. `emptied` is the time since which a file has been empty while its old
/// data is still in use.
async fn deliver(
    loader: &mut Loader,
    loaded: Result<Loaded, FileDataError>,
    emptied: &mut Option<Instant>,
    sink: &dyn DataSink,
) -> Result<(), DataSourceError> {
    if let Ok(Loaded::Emptied(path)) = &loaded {
        tracing::debug!(
            path = %path.display(),
            "flag file is empty, keeping its flags until the next check"
        );
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
        // Also after an error: the files now match the data in use.
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

/// Reports an error of the files as the status. The sink reports errors of the store itself.
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
        "cannot load flag files, keeping the last good data"
    );
}

/// Formats an error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
