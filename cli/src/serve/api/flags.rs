//! The list of flags: searched, filtered, with their values for a context.

use std::collections::BTreeMap;

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use vexil::model::{DataKind, Flag};
use vexil::{Context, ContextError};

use super::Chosen;
use super::error::{ApiError, Body};
use crate::serve::environment::Environment;
use crate::serve::inspection::Evaluated;

/// The number of flags that are returned if the request does not name one, and the largest one.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Search {
    query: String,
    filters: Vec<Filter>,
    offset: usize,
    limit: usize,
    context: Option<Value>,
    /// Only the flags that SDKs of this family receive.
    class: Class,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            query: String::new(),
            filters: Vec::new(),
            offset: 0,
            limit: DEFAULT_LIMIT,
            context: None,
            class: Class::Server,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Filter {
    Overridden,
    Off,
    Findings,
    Js,
    Mobile,
}

/// A family of SDKs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    #[default]
    Server,
    Js,
    Mobile,
}

impl Class {
    pub(super) fn sees(self, flag: &Flag) -> bool {
        match self {
            Self::Server => true,
            Self::Js => flag.using_environment_id(),
            Self::Mobile => flag.using_mobile_key(),
        }
    }
}

pub(super) async fn search(
    Chosen(environment): Chosen,
    Body(search): Body<Search>,
) -> Result<Json<Value>, ApiError> {
    let context = search.context.map(read_context).transpose()?;
    let snapshot = environment.snapshot();
    let memberships = match &context {
        Some(context) => environment.memberships(&snapshot, context).await,
        None => None,
    };
    let evaluate = |flag: &Flag| snapshot.evaluate(flag, context.as_ref()?, memberships.as_ref());
    let overrides = environment.layers().overrides().clone();
    let findings = match search.filters.contains(&Filter::Findings) {
        true => environment.findings().await?,
        false => environment.known_findings(),
    };
    let counts = findings.counts();
    let count = |flag: &Flag| counts.get(flag.key().as_ref()).copied().unwrap_or_default();
    let passes = |flag: &Flag| {
        search.class.sees(flag)
            && search.filters.iter().all(|filter| match filter {
                Filter::Overridden => overrides.get(DataKind::Flag, flag.key()).is_some(),
                Filter::Off => !flag.is_on(),
                Filter::Findings => count(flag) > 0,
                Filter::Js => flag.using_environment_id(),
                Filter::Mobile => flag.using_mobile_key(),
            })
    };
    let query = search.query.trim();
    let mut found: BTreeMap<&str, Option<&Flag>> = match query {
        "" => snapshot
            .rules
            .flags()
            .map(|flag| (&**flag.key(), Some(flag)))
            .collect(),
        query => {
            let keys = environment.search.find(&snapshot, query);
            let flags = keys.iter().filter_map(|key| snapshot.rules.get(key));
            flags.map(|flag| (&**flag.key(), Some(flag))).collect()
        }
    };
    found.retain(|_, flag| flag.is_some_and(passes));
    // Flags that are not served, because their override deletes them or they have none in the source.
    let may_be_gone = search.class == Class::Server
        && search
            .filters
            .iter()
            .all(|filter| matches!(filter, Filter::Overridden | Filter::Off));
    let gone = overrides.iter().filter(|(kind, key, _)| {
        *kind == DataKind::Flag && may_be_gone && snapshot.rules.get(key).is_none()
    });
    let query = query.to_lowercase();
    let gone = gone.filter(|(_, key, _)| {
        let key = key.to_lowercase();
        query.split_whitespace().all(|word| key.contains(word))
    });
    found.extend(gone.map(|(_, key, _)| (key, None)));
    let page = found
        .iter()
        .skip(search.offset)
        .take(search.limit.min(MAX_LIMIT));
    let rows: Vec<_> = page
        .map(|(key, flag)| {
            let form = overrides.get(DataKind::Flag, key);
            let mut row = json!({"key": key, "override": form, "effect": has_effect(&environment, key)});
            let served = match flag {
                Some(flag) => served(flag, evaluate(flag), count(flag)),
                None => json!({
                    "on": false, "version": null, "findings": 0, "variations": [], "js": false, "mobile": false,
                }),
            };
            if let (Value::Object(row), Value::Object(served)) = (&mut row, served) {
                row.extend(served);
            }
            row
        })
        .collect();
    Ok(Json(json!({
        "revision": snapshot.revision(),
        "total": found.len(),
        "flags": rows,
    })))
}

/// Whether the override of a flag changes it.
fn has_effect(environment: &Environment, key: &str) -> bool {
    matches!(
        environment.layers().has_effect(DataKind::Flag, key),
        Some(Ok(true))
    )
}

/// Returns the members of a row that a flag has.
fn served(flag: &Flag, evaluated: Option<Evaluated>, findings: usize) -> Value {
    let mut row = json!({
        "on": flag.is_on(),
        "version": flag.version(),
        "findings": findings,
        "variations": flag.variations(),
        "js": flag.using_environment_id(),
        "mobile": flag.using_mobile_key(),
    });
    if let Some(evaluated) = evaluated {
        row["value"] = json!(evaluated.value);
        row["variation"] = json!(evaluated.variation);
        row["reason"] = json!(evaluated.reason);
    }
    row
}

/// Reads a context in the body of a request. The pointer of an error is one into the context.
pub(super) fn read_context(json: Value) -> Result<Context, ApiError> {
    json.to_string().parse().map_err(|error: ContextError| {
        let pointer = match &error {
            ContextError::EmptyKey => "/key".to_owned(),
            ContextError::EmptyKind
            | ContextError::KindIsKind
            | ContextError::KindIsMulti
            | ContextError::KindCharacters => "/kind".to_owned(),
            ContextError::PropertyType { property, .. } => format!("/{property}"),
            _ => String::new(),
        };
        ApiError::invalid(error.to_string()).pointer(pointer)
    })
}
