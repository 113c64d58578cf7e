//! [`Migrator`]: reads and writes by migration stage, on the calling thread.

use std::fmt;

use vexil_eval::migration::{ExecutionOrder, Operation, PerOrigin, Stage};

use super::operation::{BoxError, Compare, OperationResult, Run, WriteResult, readers, writers};
use super::settings::{MigratorError, Settings, setters};
use crate::client::{AsContext, Client};
use crate::events::is_sampled;
use crate::runtime::both;

/// A read or write function.
type Call<P, T> = Box<dyn Fn(&P) -> Result<T, BoxError> + Send + Sync>;

/// Reads and writes by the migration stage of a flag, with blocking functions. See the
/// [module](super) for an example.
///
/// `Query` and `Found` are the argument and the result of a read; `Change` and `Written` are those
/// of a write. A panic of a function counts as an error of its origin. A concurrent read starts a
/// thread for the non-authoritative origin.
pub struct Migrator<Query: ?Sized, Found, Change: ?Sized, Written> {
    client: Client,
    settings: Settings,
    read: PerOrigin<Call<Query, Found>>,
    compare: Option<Box<Compare<Found>>>,
    write: PerOrigin<Call<Change, Written>>,
}

impl<Query: Sync + ?Sized, Found: Send, Change: ?Sized, Written>
    Migrator<Query, Found, Change, Written>
{
    /// Returns a builder for a migrator that uses the flags of this client.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::migration::{Migrator, MigratorError};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let builder = Migrator::<u32, (), str, ()>::builder(&client);
    /// let builder = builder.read(|_| Ok::<_, std::io::Error>(()), |_| Ok::<_, std::io::Error>(()));
    /// assert_eq!(builder.build().unwrap_err(), MigratorError::WriteMissing);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn builder(client: &Client) -> MigratorBuilder<Query, Found, Change, Written> {
        let settings = Settings::default();
        MigratorBuilder {
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
    /// use vexil::migration::{Migrator, Origin, OriginError, Stage};
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let migrator = Migrator::builder(&client)
    ///     .read(
    ///         |id: &u32| Ok::<_, std::io::Error>(format!("row {id}")),
    ///         |_: &u32| Err("no such document"),
    ///     )
    ///     .write(|_: &str| Ok::<_, std::io::Error>(()), |_: &str| Ok::<_, std::io::Error>(()))
    ///     .build()?;
    /// let ada = Context::new("ada")?;
    /// // In the stage `shadow` the old system is authoritative, in the stage `live` the new one.
    /// let found = migrator.read("move-db", &ada, Stage::Shadow, &7);
    /// assert_eq!((found.origin, found.result?.as_str()), (Origin::Old, "row 7"));
    /// let found = migrator.read("move-db", &ada, Stage::Live, &7);
    /// assert!(matches!(found.result, Err(OriginError::Failed { origin: Origin::New, .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
        query: &Query,
    ) -> OperationResult<Found> {
        let (stage, tracker) = self.client.migration_variation(key, context, default_stage);
        let run = Run::begin(&self.client, self.settings, Operation::Read, tracker);
        let call = |origin| run.call(origin, || (self.read.of(origin))(query));
        let (authoritative, other) = readers(stage);
        let Some(other) = other else {
            let answer = call(authoritative);
            run.end();
            return answer;
        };
        let (answer, other) = match self.settings.read_execution_order {
            ExecutionOrder::Concurrent => both(|| call(authoritative), || call(other)),
            ExecutionOrder::Random if is_sampled(Some(2)) => {
                let other = call(other);
                (call(authoritative), other)
            }
            ExecutionOrder::Serial | ExecutionOrder::Random => (call(authoritative), call(other)),
        };
        run.end_compared(self.compare.as_deref(), &answer, &other);
        answer
    }

    /// Writes according to the stage of the flag `key` for `context`, first to the authoritative
    /// origin. If that fails, the other one is not written.
    ///
    /// ```
    /// use vexil::migration::{Migrator, Stage};
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let migrator = Migrator::builder(&client)
    ///     .read(|_: &u32| Ok::<_, std::io::Error>(()), |_: &u32| Ok::<_, std::io::Error>(()))
    ///     .write(|_: &str| Err::<(), _>("disk full"), |_: &str| Ok::<_, std::io::Error>(()))
    ///     .build()?;
    /// let ada = Context::new("ada")?;
    /// let written = migrator.write("move-db", &ada, Stage::DualWrite, "new name");
    /// assert!(written.authoritative.result.is_err());
    /// assert!(written.nonauthoritative.is_none(), "the new system is not written");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
        change: &Change,
    ) -> WriteResult<Written> {
        let (stage, tracker) = self.client.migration_variation(key, context, default_stage);
        let run = Run::begin(&self.client, self.settings, Operation::Write, tracker);
        let call = |origin| run.call(origin, || (self.write.of(origin))(change));
        let (authoritative, other) = writers(stage);
        let authoritative = call(authoritative);
        let nonauthoritative = other.filter(|_| authoritative.result.is_ok()).map(call);
        run.end();
        WriteResult {
            authoritative,
            nonauthoritative,
        }
    }
}

/// Configures and builds a [`Migrator`].
///
/// ```
/// use vexil::migration::{ExecutionOrder, Migrator, Stage};
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("move-db", "shadow");
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// let migrator = Migrator::builder(&client)
///     .read(|id: &u32| Ok::<_, std::io::Error>(id + 1), |id: &u32| Ok::<_, std::io::Error>(id + 2))
///     .write(|()| Ok::<_, std::io::Error>(()), |()| Ok::<_, std::io::Error>(()))
///     .compare(|old, new| old == new)
///     .read_execution_order(ExecutionOrder::Serial)
///     .build()?;
/// assert_eq!(migrator.read("move-db", &Context::new("ada")?, Stage::Off, &7).result?, 8);
///
/// let report = events.migration_ops().flag("move-db").assert_once();
/// assert_eq!(report.consistent, Some(false), "both were read, and they differ");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct MigratorBuilder<Query: ?Sized, Found, Change: ?Sized, Written> {
    client: Client,
    settings: Settings,
    read: Option<PerOrigin<Call<Query, Found>>>,
    compare: Option<Box<Compare<Found>>>,
    write: Option<PerOrigin<Call<Change, Written>>>,
}

impl<Query: ?Sized, Found, Change: ?Sized, Written> MigratorBuilder<Query, Found, Change, Written> {
    setters!(Found);

    /// Sets the functions that read the old and the new origin. Required.
    pub fn read<E: Into<BoxError>, F: Into<BoxError>>(
        mut self,
        old: impl Fn(&Query) -> Result<Found, E> + Send + Sync + 'static,
        new: impl Fn(&Query) -> Result<Found, F> + Send + Sync + 'static,
    ) -> Self {
        self.read = Some(PerOrigin {
            old: boxed(old),
            new: boxed(new),
        });
        self
    }

    /// Sets the functions that write the old and the new origin. Required.
    pub fn write<E: Into<BoxError>, F: Into<BoxError>>(
        mut self,
        old: impl Fn(&Change) -> Result<Written, E> + Send + Sync + 'static,
        new: impl Fn(&Change) -> Result<Written, F> + Send + Sync + 'static,
    ) -> Self {
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
    pub fn build(self) -> Result<Migrator<Query, Found, Change, Written>, MigratorError> {
        Ok(Migrator {
            client: self.client,
            settings: self.settings,
            read: self.read.ok_or(MigratorError::ReadMissing)?,
            compare: self.compare,
            write: self.write.ok_or(MigratorError::WriteMissing)?,
        })
    }
}

fn boxed<P: ?Sized, T, E: Into<BoxError>>(
    call: impl Fn(&P) -> Result<T, E> + Send + Sync + 'static,
) -> Call<P, T> {
    Box::new(move |payload| call(payload).map_err(Into::into))
}

impl<Query: ?Sized, Found, Change: ?Sized, Written> fmt::Debug
    for Migrator<Query, Found, Change, Written>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<Query: ?Sized, Found, Change: ?Sized, Written> fmt::Debug
    for MigratorBuilder<Query, Found, Change, Written>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigratorBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
