//! [`Findings`]: what is wrong with the items of an environment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinError;
use vexil::model::DataKind;

use super::environment::Environment;
use crate::check::Finding;

/// The findings at a revision.
#[derive(Debug, Default)]
pub(super) struct Findings {
    revision: u64,
    findings: Vec<Finding>,
}

/// The findings that were computed last.
#[derive(Debug, Default)]
pub(super) struct LastFindings {
    last: Mutex<Arc<Findings>>,
    /// Locked while items are checked, so that two requests do not do the same work.
    checking: Mutex<()>,
}

impl LastFindings {
    fn get(&self) -> Arc<Findings> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Findings {
    pub(super) fn all(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the findings of an item.
    pub(super) fn of<'f>(
        &'f self,
        kind: DataKind,
        key: &'f str,
    ) -> impl Iterator<Item = &'f Finding> {
        self.findings.iter().filter(move |finding| {
            finding.kind == Some(kind) && finding.key.as_deref() == Some(key)
        })
    }

    /// Returns the number of findings of each flag that has any.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            if let (Some(DataKind::Flag), Some(key)) = (finding.kind, &finding.key) {
                *counts.entry(key.clone()).or_default() += 1;
            }
        }
        counts
    }
}

impl Environment {
    /// Returns the findings of the items as they are now.
    pub(super) async fn findings(self: &Arc<Self>) -> Result<Arc<Findings>, JoinError> {
        let environment = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let known = &environment.last_findings;
            let _checking = known
                .checking
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let snapshot = environment.snapshot();
            let last = known.get();
            if last.revision == snapshot.revision() {
                return last;
            }
            let findings = Arc::new(Findings {
                revision: snapshot.revision(),
                findings: snapshot.check(&environment.source),
            });
            *known.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&findings);
            findings
        })
        .await
    }

    /// Computes the findings if the items have changed, and announces them to the page.
    pub(super) fn check_in_background(self: &Arc<Self>) {
        if self.last_findings.get().revision == self.revision() {
            return;
        }
        let environment = Arc::clone(self);
        tokio::spawn(async move {
            match environment.findings().await {
                Ok(_) => environment.news.announce(&environment.news.source),
                Err(error) => tracing::error!("items could not be checked: {error}"),
            }
        });
    }

    /// Returns the findings that were computed last, which may be those of an earlier revision.
    pub(super) fn known_findings(&self) -> Arc<Findings> {
        self.last_findings.get()
    }
}
