//! [`Migrator`]: reads and writes by stage, on the thread of the caller.

use std::fmt;

use vexil_eval::migration::{Operation, PerOrigin, Stage};

use super::operation::{BoxError, Compare, OperationResult, Run, WriteResult, readers, writers};
use super::settings::{ExecutionOrder, MigratorError, Settings, setters};
use crate::client::{Client, EvaluationContext};
use crate::events::is_sampled;
use crate::runtime::both;

/// A function that reads or writes.
type Call<P, T> = Box<dyn Fn(&P) -> Result<T, BoxError> + Send + Sync>;

/// Reads and writes by the stage of a flag, with functions that block. See the [module](super) for
/// an example.
///
/// `Query` is what a read is given and `Found` what it gives; `Change` is what a write is given and
/// `Written` what it gives. Where a function panics, its origin has failed. A concurrent read
/// starts a thread for the origin that does not decide.
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
    /// Starts a migrator for the flags of this client.
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

    /// Reads by the stage that the flag `key` has for `context`. The result is that of the origin
    /// that decides, whatever the other one has answered.
    pub fn read(
        &self,
        key: &str,
        context: &impl EvaluationContext,
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

    /// Writes by the stage that the flag `key` has for `context`, first to the origin that decides;
    /// if that fails, to no other.
    pub fn write(
        &self,
        key: &str,
        context: &impl EvaluationContext,
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

/// Makes a [`Migrator`].
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

    /// How the old and the new origin are read. Required.
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

    /// How the old and the new origin are written. Required.
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

    /// The migrator.
    ///
    /// # Errors
    /// If it was not told how to read or how to write.
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
