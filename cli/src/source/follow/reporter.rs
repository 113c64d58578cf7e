//! [`Reporter`]: sends changes, and each outage once.

use std::ops::ControlFlow;

use tokio::sync::mpsc::Sender;

use super::Change;
use crate::exit::{Exit, Failure};
use crate::snapshot::Snapshot;

/// Sends the changes of a source. `Break` means that nothing receives them.
#[derive(Debug)]
pub(super) struct Reporter {
    sender: Sender<Result<Change, Failure>>,
    has_outage: bool,
    /// The last data, for sources that are read again and again.
    last: Option<Snapshot>,
}

impl Reporter {
    pub(super) fn new(sender: Sender<Result<Change, Failure>>) -> Self {
        Self {
            sender,
            has_outage: false,
            last: None,
        }
    }

    pub(super) async fn send(&self, change: Change) -> ControlFlow<()> {
        match self.sender.send(Ok(change)).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Ends the changes with a failure.
    pub(super) async fn fail(&self, failure: Failure) {
        // Without a receiver the command has ended.
        let _ = self.sender.send(Err(failure)).await;
    }

    /// The outcome of a read of everything. A failure at the start that another attempt cannot
    /// correct is final.
    pub(super) async fn read(&mut self, read: Result<Snapshot, Failure>) -> ControlFlow<()> {
        match read {
            Ok(snapshot) => {
                self.works().await?;
                if self.last.as_ref() == Some(&snapshot) {
                    return ControlFlow::Continue(());
                }
                self.last = Some(snapshot.clone());
                self.send(Change::Whole(snapshot)).await
            }
            Err(failure) if self.last.is_none() && failure.exit != Exit::Unreachable => {
                self.fail(failure).await;
                ControlFlow::Break(())
            }
            Err(failure) => self.fails(failure.message).await,
        }
    }

    /// The source works.
    pub(super) async fn works(&mut self) -> ControlFlow<()> {
        if !std::mem::take(&mut self.has_outage) {
            return ControlFlow::Continue(());
        }
        self.send(Change::OutageEnded).await
    }

    /// The source does not work.
    pub(super) async fn fails(&mut self, reason: String) -> ControlFlow<()> {
        if std::mem::replace(&mut self.has_outage, true) {
            return ControlFlow::Continue(());
        }
        self.send(Change::OutageBegan(reason)).await
    }

    pub(super) fn has_outage(&self) -> bool {
        self.has_outage
    }

    /// Completes when nothing receives changes any more.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }
}
