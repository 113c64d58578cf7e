//! [`DataSystem`]: a data source that runs other data sources, with failover between them.
//!
//! Initializers make one attempt each, until one of them delivers a state that later requests can
//! refer to. Then one synchronizer at a time keeps the data current. If it is silent, interrupted
//! for long or refused, another one takes over; after a while the preferred one is tried again. If
//! the service orders the classic protocol, a source of that protocol replaces them. The rules are
//! those of FDV2-5 and FDV2-6.
//!
//! Each source delivers to a [`Stage`] in place of the client's sink. The stage forwards data and
//! status, and records the state that decides when to switch.

mod stage;

use std::fmt::Debug;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
pub(crate) use stage::Times;
use stage::{Role, Stage, Stopped, Verdict, error_info};
use tokio::time::{Instant, sleep_until};
use vexil_eval::model::ChangeSet;

use crate::bounds::NEVER;
use crate::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState, FallbackDirective,
};
use crate::runtime::catch_panic;

/// Creates the data source of one member. Each activation has a source of its own.
pub(crate) trait Member: Debug + Send + Sync + 'static {
    /// Creates the source.
    ///
    /// # Errors
    /// Returns an error if the source cannot be created, which is a failure for good.
    fn source(&self) -> Result<Arc<dyn DataSource>, DataSourceError>;
}

/// Runs data sources, with failover between them.
#[derive(Debug)]
pub(crate) struct DataSystem {
    pub(crate) initializers: Vec<Box<dyn Member>>,
    /// In the order of preference.
    pub(crate) synchronizers: Vec<Box<dyn Member>>,
    /// The source of the classic protocol, if the service may order it.
    pub(crate) fallback: Option<Box<dyn Member>>,
    pub(crate) times: Times,
    /// Whether an order of the service ends when it says so, rather than never.
    pub(crate) honors_duration: bool,
    /// Whether evaluations of the flags are reported by default.
    pub(crate) reports_events: bool,
}

#[async_trait]
impl DataSource for DataSystem {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let mut conductor = Conductor {
            system: self,
            sink,
            is_blocked: vec![false; self.synchronizers.len()],
            last_error: None,
            has_warned: false,
        };
        if self.initializers.is_empty() && self.synchronizers.is_empty() {
            // The data is what the store holds.
            conductor.sink.update_status(DataSourceState::Valid, None);
            return pending().await;
        }
        let mut directive = conductor.initialize().await?;
        loop {
            let ordered = match directive.take() {
                Some(ordered) => ordered,
                None if self.synchronizers.is_empty() => return Ok(()),
                None => conductor.synchronize().await?,
            };
            conductor.fall_back(ordered).await?;
        }
    }

    fn reports_events(&self) -> bool {
        self.reports_events
    }
}

/// A running [`DataSystem`].
struct Conductor<'a> {
    system: &'a DataSystem,
    sink: Arc<dyn DataSink>,
    /// Whether each synchronizer is out of use because it has failed for good.
    is_blocked: Vec<bool>,
    last_error: Option<DataSourceErrorInfo>,
    /// Whether a switch was logged since the data was last current.
    has_warned: bool,
}

impl Conductor<'_> {
    /// Runs the initializers (FDV2-5.2). Returns the service's order, if there was one.
    async fn initialize(&mut self) -> Result<Option<FallbackDirective>, DataSourceError> {
        let mut has_data = false;
        for (index, member) in self.system.initializers.iter().enumerate() {
            match self.run(&**member, Role::Initializer, None, None).await {
                Stopped::Delivered { has_selector: true } => return Ok(None),
                Stopped::Delivered { .. } => has_data = true,
                Stopped::Ordered(directive) => return Ok(Some(directive)),
                _ => tracing::warn!(
                    index,
                    error = self.last_message(),
                    "an initializer has failed"
                ),
            }
        }
        let is_all = self.system.synchronizers.is_empty();
        match (has_data, is_all) {
            // There will be no other data, so this is current.
            (true, true) => {
                let confirmation = ChangeSet::delta(Vec::new()).with_selector(self.sink.selector());
                let confirmed = self.sink.apply(confirmation).await;
                confirmed.map_err(DataSourceError::store)?;
            }
            (true, false) => self.sink.update_status(DataSourceState::Valid, None),
            (false, true) => return Err(self.give_up()),
            (false, false) => {}
        }
        Ok(None)
    }

    /// Runs the synchronizers (FDV2-5.4) until the service orders the classic protocol. Returns an
    /// error if all of them have failed for good.
    async fn synchronize(&mut self) -> Result<FallbackDirective, DataSourceError> {
        let Some(mut active) = self.first() else {
            return Err(self.give_up());
        };
        loop {
            let system = self.system;
            let Some(member) = system.synchronizers.get(active) else {
                return Err(self.give_up());
            };
            let is_first = self.first() == Some(active);
            let is_only = self.is_blocked.iter().filter(|blocked| !**blocked).count() == 1;
            let times = (!is_only).then_some(system.times);
            let recovery = (!is_first).then_some(system.times.recovery);
            let role = Role::Synchronizer { times, recovery };
            let stopped = self.run(&**member, role, None, Some(active)).await;
            active = match stopped {
                Stopped::Ordered(directive) => return Ok(directive),
                Stopped::Recovery => match self.first() {
                    Some(first) => first,
                    None => return Err(self.give_up()),
                },
                stopped => {
                    let has_failed = matches!(stopped, Stopped::Failed);
                    if has_failed && let Some(blocked) = self.is_blocked.get_mut(active) {
                        *blocked = true;
                    }
                    let Some(next) = self.next_after(active) else {
                        return Err(self.give_up());
                    };
                    if has_failed {
                        self.has_warned = true;
                        tracing::warn!(
                            synchronizer = active,
                            error = self.last_message(),
                            "a data source has failed for good; using the next one"
                        );
                    }
                    next
                }
            };
            tracing::debug!(synchronizer = active, "switching to another data source");
        }
    }

    /// Runs the source of the classic protocol (FDV2-6.2) until the order ends. Returns an error if
    /// there is no such source, or it has failed for good.
    async fn fall_back(&mut self, directive: FallbackDirective) -> Result<(), DataSourceError> {
        let system = self.system;
        let Some(member) = &system.fallback else {
            tracing::error!("the service ordered another protocol, for which no source is set");
            return Err(self.give_up());
        };
        let duration = directive
            .duration
            .filter(|_| system.honors_duration && !system.synchronizers.is_empty());
        tracing::warn!(
            ?duration,
            "using the classic protocol, as the service ordered"
        );
        let until = duration.map(|duration| Instant::now() + duration.min(NEVER));
        let stopped = self.run(&**member, Role::Fallback, until, None).await;
        match until {
            None => return Err(self.give_up()),
            Some(until) if matches!(stopped, Stopped::Failed) => sleep_until(until).await,
            Some(_) => {}
        }
        tracing::info!("the order of the service has ended");
        self.is_blocked.fill(false);
        Ok(())
    }

    /// Runs one source until it is to be stopped. Its connection is closed when this returns, and
    /// nothing that it still delivers has an effect.
    async fn run(
        &mut self,
        member: &dyn Member,
        role: Role,
        until: Option<Instant>,
        synchronizer: Option<usize>,
    ) -> Stopped {
        let source = match member.source() {
            Ok(source) => source,
            Err(error) => {
                self.record(error_info(&error));
                return Stopped::Failed;
            }
        };
        let stage = Arc::new(Stage::new(
            Arc::clone(&self.sink),
            role,
            source.is_persistent(),
        ));
        // Closes the stage also if this future is dropped.
        let _closed = stage.close_on_drop();
        let to: Arc<dyn DataSink> = Arc::clone(&stage) as Arc<dyn DataSink>;
        let mut running = pin!(catch_panic(source.run(to)));
        let mut is_running = true;
        loop {
            if stage.is_valid() && std::mem::take(&mut self.has_warned) {
                tracing::info!(synchronizer, "flag data is current again");
            }
            let verdict = stage.verdict();
            if let Some(error) = stage.last_error() {
                self.last_error = Some(error);
            }
            let deadline = match verdict {
                Verdict::Stop(stopped) => return stopped,
                Verdict::Continue { until } => until,
            };
            let (deadline, over) = match (deadline, until) {
                (Some((deadline, over)), None) => (Some(deadline), over),
                (_, until) => (until, Stopped::TimeOver),
            };
            tokio::select! {
                biased;
                () = stage.changed() => {}
                ended = &mut running, if is_running => {
                    is_running = false;
                    stage.ended(ended);
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    if let Some(directive) = stage.directive() {
                        return Stopped::Ordered(directive);
                    }
                    if matches!(over, Stopped::Unhealthy) {
                        self.warn_of_switch(synchronizer);
                    }
                    return over;
                }
            }
        }
    }

    /// The preferred synchronizer among those that are not blocked.
    fn first(&self) -> Option<usize> {
        self.is_blocked.iter().position(|blocked| !blocked)
    }

    /// The next synchronizer after this one that is not blocked; after the last one the first.
    fn next_after(&self, active: usize) -> Option<usize> {
        let mut others = (active + 1..self.is_blocked.len()).chain(0..=active);
        others.find(|index| self.is_blocked.get(*index) == Some(&false))
    }

    fn record(&mut self, error: DataSourceErrorInfo) {
        self.last_error = Some(error.clone());
        self.sink
            .update_status(DataSourceState::Interrupted, Some(error));
    }

    fn warn_of_switch(&mut self, synchronizer: Option<usize>) {
        if !std::mem::replace(&mut self.has_warned, true) {
            tracing::warn!(
                synchronizer,
                error = self.last_message(),
                "a data source does not deliver; trying the next one"
            );
        }
    }

    fn last_message(&self) -> Option<&str> {
        self.last_error.as_ref().map(|error| &*error.message)
    }

    /// Ends the data system: no source is left.
    fn give_up(&self) -> DataSourceError {
        self.sink
            .update_status(DataSourceState::Off, self.last_error.clone());
        let kind = self.last_error.as_ref().map(|error| error.kind);
        let message = self.last_message().unwrap_or("no data source is left");
        DataSourceError::new(kind.unwrap_or(DataSourceErrorKind::Unknown), message)
    }
}

#[cfg(test)]
mod tests;
