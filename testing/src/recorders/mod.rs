//! Client components that record their calls.

mod events;
mod filter;
mod hook;
mod recorded_event;

use std::sync::Arc;

pub use events::EventRecorder;
pub use filter::{EventFilter, EventKind};
pub use hook::{HookRecorder, RecordedSeries, RecordedStage};
pub use recorded_event::{RecordedCustom, RecordedEvaluation, RecordedEvent};
use vexil::store::Changes;

use crate::observed::Observed;
use crate::waiting::Watched;

/// A record, in order. Clones share it.
#[derive(Clone, Debug)]
struct Records<T>(Arc<Observed<Vec<T>>>);

impl<T> Records<T> {
    fn take(&self) -> Vec<T> {
        self.0.change(std::mem::take)
    }

    fn all(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.look(<[T]>::to_vec)
    }

    fn look<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        self.0.look(|records| look(records))
    }

    fn extend(&self, records: impl IntoIterator<Item = T>) {
        self.0.change(|all| all.extend(records));
    }
}

impl Watched for Records<RecordedEvent> {
    fn changes(&self) -> Changes {
        self.0.changes()
    }

    fn seen(&self) -> String {
        self.look(|events| filter::list(events, |_| false))
    }
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
