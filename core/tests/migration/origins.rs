//! Synchronous and async migrators, with origins that record their calls.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use pollster::block_on;
use vexil::Client;
use vexil::client::AsContext;
use vexil::migration::{
    AsyncMigrator, ExecutionOrder, Migrator, OperationResult, Origin, PerOrigin, Stage, WriteResult,
};

/// The behaviour of an origin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Work,
    Fail,
    Panic,
}

/// The origins that were called, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Origin>>>);

impl Calls {
    pub(crate) fn take(&self) -> Vec<Origin> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn origin(
        &self,
        origin: Origin,
        does: Does,
    ) -> impl Fn(&String) -> Result<String, String> + Send + Sync + use<> {
        let calls = self.clone();
        move |payload| {
            calls.0.lock().unwrap().push(origin);
            match does {
                Does::Work => Ok(format!("{payload} from {origin}")),
                Does::Fail => Err(format!("{origin} is closed")),
                Does::Panic => panic!("this origin always panics"),
            }
        }
    }
}

/// The configuration of a migrator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) origins: PerOrigin<Does>,
    pub(crate) order: ExecutionOrder,
    pub(crate) latency: bool,
    pub(crate) errors: bool,
    /// The result of the comparison, or `None` if there is no comparison.
    pub(crate) compare: Option<fn(&String, &String) -> bool>,
}

impl Plan {
    pub(crate) fn new(old: Does, new: Does) -> Self {
        let origins = PerOrigin { old, new };
        Self {
            origins,
            order: ExecutionOrder::Serial,
            latency: true,
            errors: true,
            compare: None,
        }
    }
}

/// Both kinds of migrator with the same plan, so that every test covers both.
pub(crate) struct Both {
    blocking: Migrator<String, String, String, String>,
    awaiting: AsyncMigrator<String, String, String, String>,
}

macro_rules! build {
    ($builder:expr, $plan:expr) => {{
        let builder = $builder
            .read_execution_order($plan.order)
            .track_latency($plan.latency)
            .track_errors($plan.errors);
        match $plan.compare {
            Some(compare) => builder.compare(compare),
            None => builder,
        }
        .build()
        .unwrap()
    }};
}

impl Both {
    pub(crate) fn new(client: &Client, calls: &Calls, plan: Plan) -> Self {
        let PerOrigin { old, new } = plan.origins;
        let (old, new) = (
            || calls.origin(Origin::Old, old),
            || calls.origin(Origin::New, new),
        );
        fn awaited<F>(
            call: F,
        ) -> impl Fn(String) -> std::pin::Pin<Box<dyn Future<Output = Result<String, String>> + Send>>
        where
            F: Fn(&String) -> Result<String, String> + Send + Sync + 'static,
        {
            let call = Arc::new(call);
            move |payload| {
                let call = Arc::clone(&call);
                Box::pin(async move { call(&payload) })
            }
        }
        Self {
            blocking: build!(
                Migrator::builder(client)
                    .read(old(), new())
                    .write(old(), new()),
                plan
            ),
            awaiting: build!(
                AsyncMigrator::builder(client)
                    .read(awaited(old()), awaited(new()))
                    .write(awaited(old()), awaited(new())),
                plan
            ),
        }
    }

    /// Reads with each kind; `check` receives every result.
    pub(crate) fn read(
        &self,
        context: &impl AsContext,
        default: Stage,
        check: impl Fn(OperationResult<String>),
    ) {
        check(
            self.blocking
                .read("move", context, default, &"payload".to_owned()),
        );
        check(block_on(self.awaiting.read(
            "move",
            context,
            default,
            "payload".to_owned(),
        )));
    }

    /// Writes with each kind; `check` receives every result.
    pub(crate) fn write(
        &self,
        context: &impl AsContext,
        default: Stage,
        check: impl Fn(WriteResult<String>),
    ) {
        check(
            self.blocking
                .write("move", context, default, &"payload".to_owned()),
        );
        check(block_on(self.awaiting.write(
            "move",
            context,
            default,
            "payload".to_owned(),
        )));
    }
}

/// The result as text: the value, or the error with its cause.
pub(crate) fn text(answer: &OperationResult<String>) -> String {
    match &answer.result {
        Ok(value) => value.clone(),
        Err(error) => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}
