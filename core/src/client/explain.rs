//! Explanations of evaluations.
//!
//! An explanation evaluates as a variation method does, with the same data, but leaves no trace: it
//! records no event, runs no hook and logs nothing.

use vexil_eval::explain::{ExplainOptions, Explanation, explain};
use vexil_eval::{Context, EvalErrorKind, Found, Lookup, Need};

use super::Client;
use super::data_view::{Attempt, DataView};
use super::fetched::Fetched;
use super::layered::Layered;
use super::resolve::Deadline;
use super::value::AsContext;
use crate::store::Snapshot;

impl Client {
    /// Explains the value of a flag for a context: which targets, rules and clauses matched, what
    /// they compared, and which share of a rollout the context is in. By default without the values
    /// of private attributes.
    ///
    /// The explanation has the reason and the value of an evaluation at the same time; its value is
    /// `None` where an evaluation returns the default. It records no event, runs no hook and logs
    /// nothing. Like [`Client::variation`], it waits for I/O if big segments or a store outside
    /// memory are involved. It allocates freely, and is meant for people and not for hot paths.
    ///
    /// Operators and operands are shown as written if the items keep their JSON: see
    /// [`keep_json`](super::ClientBuilder::keep_json).
    ///
    /// ```
    /// use vexil::explain::ExplainOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// let beta = flags.flag("beta").if_match("country", ["DE", "FR"]).then_return(true);
    /// flags.update(beta.fallthrough_variation(false));
    /// let client = Client::builder("sdk-key").data_source(flags).keep_json(true).start()?;
    ///
    /// let ada = Context::builder("ada").set("country", "GB").build()?;
    /// let explanation = client.explain("beta", &ada, &ExplainOptions::default());
    /// assert_eq!(
    ///     explanation.to_string(),
    ///     r#"beta = false (variation 1)          no target or rule matched
    /// context: user "ada"
    /// ├ ✓ on
    /// ├ ✗ rule 0 "rule0" → variation 0
    /// │  └ ✗ user.country in ["DE","FR"]  found "GB"
    /// └ ✓ fallthrough → variation 1
    /// "#,
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn explain(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        options: &ExplainOptions,
    ) -> Explanation {
        let question = match self.question(key, context, options) {
            Ok(question) => question,
            Err(failed) => return *failed,
        };
        match question.attempt(&question.view.fetched(), options) {
            Attempt::Done(explanation) => explanation,
            Attempt::Needs(need) => {
                let deadline = Deadline::default();
                self.shared
                    .resolver
                    .wait(&deadline, question.complete(need, &deadline))
                    .unwrap_or_else(|| question.failed(EvalErrorKind::Exception))
            }
        }
    }

    /// Async form of [`Client::explain`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::explain::ExplainOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let ada = Context::new("ada")?;
    /// let explanation = client.explain_async("banner", &ada, &ExplainOptions::default()).await;
    /// assert_eq!(explanation.value, Some("hello".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn explain_async(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        options: &ExplainOptions,
    ) -> Explanation {
        let question = match self.question(key, context, options) {
            Ok(question) => question,
            Err(failed) => return *failed,
        };
        match question.attempt(&question.view.fetched(), options) {
            Attempt::Done(explanation) => explanation,
            Attempt::Needs(need) => question
                .complete(need, &Deadline::default())
                .await
                .unwrap_or_else(|| question.failed(EvalErrorKind::Exception)),
        }
    }

    /// Checks that the client and the context permit an evaluation, as an evaluation does.
    fn question<'q>(
        &'q self,
        key: &'q str,
        context: &'q (impl AsContext + ?Sized),
        options: &'q ExplainOptions,
    ) -> Result<Question<'q>, Box<Explanation>> {
        let view = self.view(context);
        let context = context.as_context();
        if let Err(error) = view.check(key) {
            let failed = Explanation::not_evaluated(key, context.ok(), error);
            return Err(Box::new(failed));
        }
        match context {
            Ok(context) => Ok(Question {
                view,
                key,
                context,
                options,
            }),
            Err(error) => Err(Box::new(Explanation::invalid_context(key, error))),
        }
    }
}

/// A flag to explain.
#[derive(Clone, Copy)]
struct Question<'q> {
    view: DataView<'q>,
    key: &'q str,
    context: &'q Context,
    options: &'q ExplainOptions,
}

impl Question<'_> {
    /// Explains with the current snapshot and the fetched data.
    fn attempt(&self, fetched: &Fetched, options: &ExplainOptions) -> Attempt<Explanation> {
        let read = |snapshot: &dyn Snapshot| {
            let data = Layered {
                upper: fetched,
                lower: snapshot,
            };
            match data.flag(self.key) {
                Found::Present(flag) => match explain(flag, self.context, &data, options) {
                    Ok(explanation) => Attempt::Done(explanation),
                    Err(need) => Attempt::Needs(need),
                },
                Found::Absent => Attempt::Done(self.failed(EvalErrorKind::FlagNotFound)),
                Found::Unknown => Attempt::Needs(Need::Flag(self.key.into())),
            }
        };
        self.view
            .read(read)
            .unwrap_or_else(|| Attempt::Done(self.failed(EvalErrorKind::Exception)))
            .unless_not_ready(fetched, || self.failed(EvalErrorKind::ClientNotReady))
    }

    /// Fetches the missing data and explains; `None` if fetching fails. Steps behind the decision
    /// may need data that cannot be fetched: the explanation is then without them.
    async fn complete(&self, need: Need, deadline: &Deadline) -> Option<Explanation> {
        let all = self.fetch_until_done(need, self.options, deadline).await;
        if all.is_some() || !self.options.is_beyond() {
            return all;
        }
        let reached = self.options.clone().beyond(false);
        match self.attempt(&self.view.fetched(), &reached) {
            Attempt::Done(explanation) => Some(explanation),
            Attempt::Needs(need) => self.fetch_until_done(need, &reached, deadline).await,
        }
    }

    async fn fetch_until_done(
        &self,
        need: Need,
        options: &ExplainOptions,
        deadline: &Deadline,
    ) -> Option<Explanation> {
        let attempt = |fetched: &Fetched| self.attempt(fetched, options);
        self.view.fetch_silently(need, attempt, deadline).await
    }

    fn failed(&self, error: EvalErrorKind) -> Explanation {
        Explanation::not_evaluated(self.key, Some(self.context), error)
    }
}
