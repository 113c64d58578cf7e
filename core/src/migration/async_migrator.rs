//! [`AsyncMigrator`]: reads and writes by migration stage, with async functions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use vexil_eval::migration::{ExecutionOrder, Operation, PerOrigin, Stage};

use super::operation::{BoxError, Compare, OperationResult, Run, WriteResult, readers, writers};
use super::settings::{MigratorError, Settings, setters};
use crate::client::{AsContext, Client};
use crate::events::is_sampled;

/// A read or write function.
type Call<P, T> = Box<dyn Fn(P) -> Answer<T> + Send + Sync>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Reads and writes by the migration stage of a flag, with async functions, on any executor. The
/// async counterpart of [`Migrator`](super::Migrator).
///
/// If both origins take part, each receives a clone of the query or change. A read or write whose
/// future is dropped before it completes is not reported.
///
/// ```
/// use vexil::migration::{AsyncMigrator, Stage};
/// use vexil::{Client, Context};
///
/// # pollster::block_on(async {
/// # let client = Client::builder("sdk-key").offline(true).start()?;
/// let migrator = AsyncMigrator::builder(&client)
///     .read(
///         |id: u32| async move { Ok::<_, std::io::Error>(format!("row {id}")) },
///         |id: u32| async move { Ok::<_, std::io::Error>(format!("document {id}")) },
///     )
///     .write(
///         |_: String| async { Ok::<_, std::io::Error>(()) },
///         |_: String| async { Err::<(), _>("read-only until Monday") },
///     )
///     .build()?;
/// let ada = Context::new("ada")?;
/// let found = migrator.read("move-db", &ada, Stage::Live, 7).await;
/// assert_eq!(found.result?, "document 7");
/// let written = migrator.write("move-db", &ada, Stage::DualWrite, "new name".to_owned()).await;
/// assert!(written.authoritative.result.is_ok());
/// assert!(written.nonauthoritative.is_some_and(|other| other.result.is_err()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct AsyncMigrator<Query, Found, Change, Written> {
    client: Client,
    settings: Settings,
    read: PerOrigin<Call<Query, Found>>,
    compare: Option<Box<Compare<Found>>>,
    write: PerOrigin<Call<Change, Written>>,
}

impl<Query: Clone + Send, Found: Send, Change: Clone + Send, Written: Send>
    AsyncMigrator<Query, Found, Change, Written>
{
    /// Returns a builder for a migrator that uses the flags of this client.
    ///
    /// Fails to [build](AsyncMigratorBuilder::build) without both pairs of functions.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::migration::{AsyncMigrator, MigratorError};
    ///
    /// # let client = Client::builder("sdk-key").offline(true).start()?;
    /// let builder = AsyncMigrator::<u32, (), (), ()>::builder(&client).write(
    ///     |()| async { Ok::<_, std::io::Error>(()) },
    ///     |()| async { Ok::<_, std::io::Error>(()) },
    /// );
    /// assert_eq!(builder.build().unwrap_err(), MigratorError::ReadMissing);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn builder(client: &Client) -> AsyncMigratorBuilder<Query, Found, Change, Written> {
        let settings = Settings::default();
        AsyncMigratorBuilder {
            client: client.clone(),
            settings,
            read: None,
            compare: None,
            write: None,
        }
    }

    /// Reads according to the stage of the flag `key` for `context`. Returns the result of the
    /// authoritative origin, whatever the other one returned.
    ///
    /// ```
    /// use vexil::migration::{AsyncMigrator, Origin, OriginError, Stage};
    /// use vexil::{Client, Context};
    ///
    /// # pollster::block_on(async {
    /// # let client = Client::builder("sdk-key").offline(true).start()?;
    /// let migrator = AsyncMigrator::builder(&client)
    ///     .read(
    ///         |id: u32| async move { Ok::<_, std::io::Error>(id) },
    ///         |_: u32| async { Ok::<u32, std::io::Error>("".parse().expect("a defect")) },
    ///     )
    ///     .write(|()| async { Ok::<_, std::io::Error>(()) }, |()| async { Ok::<_, std::io::Error>(()) })
    ///     .build()?;
    /// let ada = Context::new("ada")?;
    /// // In the stage `shadow` the new system is read as well, and its failure is only reported.
    /// assert_eq!(migrator.read("move-db", &ada, Stage::Shadow, 7).await.result?, 7);
    ///
    /// let found = migrator.read("move-db", &ada, Stage::Complete, 7).await;
    /// assert!(matches!(found.result, Err(OriginError::Panicked { origin: Origin::New })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn read(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
        query: Query,
    ) -> OperationResult<Found> {
        let (stage, tracker) = self
            .client
            .migration_variation_async(key, context, default_stage)
            .await;
        let run = Run::begin(&self.client, self.settings, Operation::Read, tracker);
        let call = |origin, query| {
            run.call_async(origin, async move { (self.read.of(origin))(query).await })
        };
        let (authoritative, other) = readers(stage);
        let Some(other) = other else {
            let answer = call(authoritative, query).await;
            run.end();
            return answer;
        };
        let (first, second) = (call(authoritative, query.clone()), call(other, query));
        let (answer, other) = match self.settings.read_execution_order {
            ExecutionOrder::Concurrent => tokio::join!(first, second),
            ExecutionOrder::Random if is_sampled(Some(2)) => {
                let other = second.await;
                (first.await, other)
            }
            ExecutionOrder::Serial | ExecutionOrder::Random => (first.await, second.await),
        };
        run.end_compared(self.compare.as_deref(), &answer, &other);
        answer
    }

    /// Writes according to the stage of the flag `key` for `context`, first to the authoritative
    /// origin. If that fails, the other one is not written.
    ///
    /// ```
    /// use vexil::migration::{AsyncMigrator, Origin, Stage};
    /// use vexil::{Client, Context};
    ///
    /// # pollster::block_on(async {
    /// # let client = Client::builder("sdk-key").offline(true).start()?;
    /// let migrator = AsyncMigrator::builder(&client)
    ///     .read(|()| async { Ok::<_, std::io::Error>(()) }, |()| async { Ok::<_, std::io::Error>(()) })
    ///     .write(
    ///         |name: String| async move { Ok::<_, std::io::Error>(format!("row {name}")) },
    ///         |_: String| async { Err::<String, _>("the queue is full") },
    ///     )
    ///     .build()?;
    /// let ada = Context::new("ada")?;
    /// // In the stage `live` the new system is authoritative, and it has failed.
    /// let written = migrator.write("move-db", &ada, Stage::Live, "ada".to_owned()).await;
    /// assert_eq!(written.authoritative.origin, Origin::New);
    /// assert!(written.authoritative.result.is_err() && written.nonauthoritative.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn write(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
        change: Change,
    ) -> WriteResult<Written> {
        let (stage, tracker) = self
            .client
            .migration_variation_async(key, context, default_stage)
            .await;
        let run = Run::begin(&self.client, self.settings, Operation::Write, tracker);
        let call = |origin, change| {
            run.call_async(origin, async move { (self.write.of(origin))(change).await })
        };
        let (authoritative, other) = writers(stage);
        let Some(other) = other else {
            let authoritative = call(authoritative, change).await;
            run.end();
            return WriteResult {
                authoritative,
                nonauthoritative: None,
            };
        };
        let authoritative = call(authoritative, change.clone()).await;
        let nonauthoritative = match authoritative.result {
            Ok(_) => Some(call(other, change).await),
            Err(_) => None,
        };
        run.end();
        WriteResult {
            authoritative,
            nonauthoritative,
        }
    }
}

/// Configures and builds an [`AsyncMigrator`].
#[must_use]
pub struct AsyncMigratorBuilder<Query, Found, Change, Written> {
    client: Client,
    settings: Settings,
    read: Option<PerOrigin<Call<Query, Found>>>,
    compare: Option<Box<Compare<Found>>>,
    write: Option<PerOrigin<Call<Change, Written>>>,
}

impl<Query, Found, Change, Written> AsyncMigratorBuilder<Query, Found, Change, Written> {
    setters!(Found);

    /// Sets the functions that read the old and the new origin. Required.
    pub fn read<Old, New, E, F>(
        mut self,
        old: impl Fn(Query) -> Old + Send + Sync + 'static,
        new: impl Fn(Query) -> New + Send + Sync + 'static,
    ) -> Self
    where
        Old: Future<Output = Result<Found, E>> + Send + 'static,
        New: Future<Output = Result<Found, F>> + Send + 'static,
        E: Into<BoxError> + 'static,
        F: Into<BoxError> + 'static,
    {
        self.read = Some(PerOrigin {
            old: boxed(old),
            new: boxed(new),
        });
        self
    }

    /// Sets the functions that write the old and the new origin. Required.
    pub fn write<Old, New, E, F>(
        mut self,
        old: impl Fn(Change) -> Old + Send + Sync + 'static,
        new: impl Fn(Change) -> New + Send + Sync + 'static,
    ) -> Self
    where
        Old: Future<Output = Result<Written, E>> + Send + 'static,
        New: Future<Output = Result<Written, F>> + Send + 'static,
        E: Into<BoxError> + 'static,
        F: Into<BoxError> + 'static,
    {
        self.write = Some(PerOrigin {
            old: boxed(old),
            new: boxed(new),
        });
        self
    }

    /// Builds the migrator.
    ///
    /// # Errors
    /// Returns an error if the functions of `read` or `write` are not set.
    pub fn build(self) -> Result<AsyncMigrator<Query, Found, Change, Written>, MigratorError> {
        Ok(AsyncMigrator {
            client: self.client,
            settings: self.settings,
            read: self.read.ok_or(MigratorError::ReadMissing)?,
            compare: self.compare,
            write: self.write.ok_or(MigratorError::WriteMissing)?,
        })
    }
}

fn boxed<P, T, E, A>(call: impl Fn(P) -> A + Send + Sync + 'static) -> Call<P, T>
where
    A: Future<Output = Result<T, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    Box::new(move |payload| {
        let answer = call(payload);
        Box::pin(async move { answer.await.map_err(Into::into) })
    })
}

impl<Query, Found, Change, Written> fmt::Debug for AsyncMigrator<Query, Found, Change, Written> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncMigrator")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<Query, Found, Change, Written> fmt::Debug
    for AsyncMigratorBuilder<Query, Found, Change, Written>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncMigratorBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
