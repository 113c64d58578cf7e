//! Applies an override to its base.

use std::collections::HashSet;

use serde_json::{Value, json};
use vexil_eval::Context;
use vexil_eval::json::replace_lone_surrogates;
use vexil_eval::model::{DataKind, ItemReader, ReadError};

use super::{Override, OverrideError, OverrideResult, segment, targets};

impl Override {
    /// Checks what does not depend on the base.
    pub(super) fn check(&self, kind: DataKind, key: &str) -> Result<(), OverrideError> {
        let expected = match self {
            Self::On(_) | Self::Variation(_) | Self::Value(_) | Self::For(_) => DataKind::Flag,
            Self::Segment { .. } => DataKind::Segment,
            Self::Item(_) | Self::Missing => kind,
        };
        if expected != kind {
            return Err(OverrideError::WrongKind { expected });
        }
        match self {
            Self::For(contexts) => {
                let mut known = HashSet::new();
                for (index, context) in contexts.iter().enumerate() {
                    Context::with_kind(&*context.key, &*context.kind)
                        .map_err(|source| OverrideError::Context { index, source })?;
                    if !known.insert((&context.kind, &context.key)) {
                        return Err(OverrideError::Repeated { index });
                    }
                }
                Ok(())
            }
            Self::Segment { include, exclude } => {
                match exclude.iter().position(|key| include.contains(key)) {
                    Some(index) => Err(OverrideError::IncludedToo { index }),
                    None => Ok(()),
                }
            }
            Self::Item(item) => {
                check_item(kind, key, item).map_err(|source| OverrideError::Item { source })
            }
            Self::On(_) | Self::Variation(_) | Self::Value(_) | Self::Missing => Ok(()),
        }
    }

    /// Returns the JSON of the item with the override applied, or `None` if it is deleted.
    pub(crate) fn apply(
        &self,
        kind: DataKind,
        key: &str,
        base: Option<&str>,
    ) -> Result<Option<String>, OverrideError> {
        self.check(kind, key)?;
        let Some(item) = self.applied(kind, key, base)? else {
            return Ok(None);
        };
        check_item(kind, key, &item).map_err(|source| OverrideError::Result { source })?;
        Ok(Some(item.to_string()))
    }

    fn applied(
        &self,
        kind: DataKind,
        key: &str,
        base: Option<&str>,
    ) -> Result<Option<Value>, OverrideError> {
        let read = || match base {
            Some(base) => read(kind, key, base),
            None => Ok(None),
        };
        let item = || read()?.ok_or(OverrideError::NoItem);
        let applied = match self {
            Self::On(on) => {
                let mut flag = item()?;
                flag["on"] = (*on).into();
                flag
            }
            Self::Variation(variation) => {
                let mut flag = item()?;
                let count = variations(&flag).len();
                if *variation >= count {
                    let context = None;
                    return Err(OverrideError::NoVariation { count, context });
                }
                serve_all(&mut flag, *variation);
                flag
            }
            Self::Value(value) => {
                let mut flag = read()?.unwrap_or_else(|| {
                    let everywhere = json!({"usingEnvironmentId": true, "usingMobileKey": true});
                    json!({"key": key, "clientSide": true, "clientSideAvailability": everywhere})
                });
                let variation = variation_of(&mut flag, value);
                serve_all(&mut flag, variation);
                flag
            }
            Self::For(contexts) => {
                let mut flag = item()?;
                targets::add(&mut flag, contexts)?;
                flag
            }
            Self::Segment { include, exclude } => {
                let mut item = item()?;
                segment::list(&mut item, include, exclude)?;
                item
            }
            Self::Item(item) => {
                let mut item = item.clone();
                if let Some(members) = item.as_object_mut() {
                    members.remove("version");
                    members.insert("key".to_owned(), key.into());
                }
                item
            }
            Self::Missing => return Ok(None),
        };
        Ok(Some(applied))
    }
}

impl OverrideResult {
    /// Returns the index of the variation, which is added if it is a value that the flag lacks.
    pub(super) fn variation(
        &self,
        flag: &mut Value,
        context: usize,
    ) -> Result<usize, OverrideError> {
        match self {
            Self::Variation(variation) => {
                let count = variations(flag).len();
                let context = Some(context);
                match *variation < count {
                    true => Ok(*variation),
                    false => Err(OverrideError::NoVariation { count, context }),
                }
            }
            Self::Value(value) => Ok(variation_of(flag, value)),
        }
    }
}

/// Reads an item of the base, as tolerantly as the evaluator does. Returns `None` if it is deleted.
fn read(kind: DataKind, key: &str, text: &str) -> Result<Option<Value>, OverrideError> {
    let item = ItemReader::new(false).read(kind, key, text);
    let item = item.map_err(|source| OverrideError::Base { source })?;
    if item.is_deleted() {
        return Ok(None);
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let item = read(text).or_else(|| read(&replace_lone_surrogates(text)?));
    // The reader accepts only objects.
    Ok(item.filter(Value::is_object))
}

fn check_item(kind: DataKind, key: &str, item: &Value) -> Result<(), ReadError<serde_json::Error>> {
    let read = ItemReader::new(false).read(kind, key, &item.to_string());
    read.map(drop)
}

fn variations(flag: &Value) -> &[Value] {
    let variations = flag.get("variations").and_then(Value::as_array);
    variations.map(Vec::as_slice).unwrap_or_default()
}

/// Returns the index of a value, which becomes a variation if none is equal to it.
fn variation_of(flag: &mut Value, value: &Value) -> usize {
    // The evaluator's values: `1` and `1.0` are equal.
    let evaluated = |value: &Value| vexil_eval::Value::from(value.clone());
    let wanted = evaluated(value);
    let known = variations(flag);
    if let Some(index) = known.iter().position(|known| evaluated(known) == wanted) {
        return index;
    }
    let index = known.len();
    flag["variations"] = [known, std::slice::from_ref(value)].concat().into();
    index
}

/// Makes a flag return a variation for every context.
pub(super) fn serve_all(flag: &mut Value, variation: impl Into<Value>) {
    flag["on"] = true.into();
    flag["fallthrough"] = json!({"variation": variation.into()});
    for list in ["prerequisites", "targets", "contextTargets", "rules"] {
        flag[list] = json!([]);
    }
}
