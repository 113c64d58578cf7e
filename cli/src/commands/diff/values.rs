//! The flags whose values differ for a context.

use serde::Serialize;
use vexil::{Context, Text, Value};

use crate::commands::eval::contexts::{ContextReader, Contexts};
use crate::diff::Options;
use crate::evaluator::Evaluator;
use crate::exit::Failure;
use crate::session::Session;
use crate::source::Contents;

/// The result of evaluating both sides.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Values {
    pub(super) contexts: u64,
    /// How many lines contain no context.
    pub(super) bad_lines: u64,
    pub(super) flags: Vec<Differs>,
}

/// A flag whose values differ.
#[derive(Debug, Serialize)]
pub(super) struct Differs {
    pub(super) key: Text,
    /// For how many contexts.
    pub(super) count: u64,
    /// The first of them.
    pub(super) context: Context,
    /// Null where an application gets its default.
    pub(super) left: Value,
    pub(super) right: Value,
}

/// Evaluates the flags that both sides have for each context in a file.
pub(super) async fn compare(
    file: &str,
    left: &Contents,
    right: &Contents,
    options: &Options,
    session: &mut Session<'_>,
) -> Result<Values, Failure> {
    let (left, right) = (Evaluator::new(left)?, Evaluator::new(right)?);
    let flags: Vec<&Text> = left
        .flags()
        .iter()
        .map(|flag| flag.key())
        .filter(|key| right.flag(key).is_some() && options.has_key(key))
        .collect();
    let mut differs: Vec<Option<Differs>> = flags.iter().map(|_| None).collect();
    let mut reader = ContextReader::new(Contexts::of_file(file, session)?, None, session);
    while let Some(context) = reader.next(session).await? {
        for (key, differs) in flags.iter().zip(&mut differs) {
            let one = left.evaluate(key, &context).value;
            let other = right.evaluate(key, &context).value;
            if one == other {
                continue;
            }
            match differs {
                Some(differs) => differs.count += 1,
                None => {
                    *differs = Some(Differs {
                        key: Text::clone(key),
                        count: 1,
                        context: context.clone(),
                        left: one,
                        right: other,
                    });
                }
            }
        }
    }
    let bad_lines = reader.bad_lines;
    let count = reader.read - bad_lines;
    reader.finish();
    Ok(Values {
        contexts: count,
        bad_lines,
        flags: differs.into_iter().flatten().collect(),
    })
}
