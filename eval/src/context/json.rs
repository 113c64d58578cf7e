//! The JSON formats of a context: single-kind, multi-kind, and the legacy user format without
//! `kind`.
//!
//! Only the presence of `kind` selects the format: an empty `kind`, or one that is not a string, is
//! an error and never means a legacy user. The format is known only after the whole object has been
//! read, so reading goes through [`Value`].

use std::str::FromStr;
use std::sync::Arc;

use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Context, ContextBuilder, ContextError, Members, Reference, Single};
use crate::json::replace_lone_surrogates;
use crate::text::Text;
use crate::value::{Object, Value};

impl FromStr for Context {
    type Err = ContextError;

    /// Reads a context from JSON. Lone surrogates in strings, which `serde_json` alone rejects,
    /// become the replacement character U+FFFD.
    fn from_str(json: &str) -> Result<Self, ContextError> {
        let value = read_value(json).or_else(|error| match replace_lone_surrogates(json) {
            Some(repaired) => read_value(&repaired),
            None => Err(error),
        });
        Self::try_from(value.map_err(|error| ContextError::Json {
            source: Arc::new(error),
        })?)
    }
}

/// Reads a value whose attributes may be nested as deeply as those of a built context.
fn read_value(json: &str) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = Value::deserialize_context(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

impl TryFrom<serde_json::Value> for Context {
    type Error = ContextError;

    fn try_from(value: serde_json::Value) -> Result<Self, ContextError> {
        Self::try_from(Value::from_context(value))
    }
}

impl TryFrom<Value> for Context {
    type Error = ContextError;

    fn try_from(value: Value) -> Result<Self, ContextError> {
        let object = value.as_object().ok_or(ContextError::NotAnObject)?;
        match object.get("kind") {
            None => old_user(object),
            Some(Value::String(kind)) if kind.is_empty() => Err(ContextError::EmptyKind),
            Some(Value::String(kind)) if *kind == "multi" => multi(object),
            Some(Value::String(kind)) => single(kind.clone(), object),
            Some(_) => Err(expected("kind", "a string")),
        }
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Value::deserialize_context(deserializer)?).map_err(de::Error::custom)
    }
}

fn multi(object: &Object) -> Result<Context, ContextError> {
    let members = object.iter().filter(|(name, _)| *name != "kind");
    members
        .fold(Context::multi_builder(), |builder, (kind, member)| {
            builder.add(match member.as_object() {
                Some(member) => single(kind.into(), member),
                None => Err(ContextError::NotAnObject),
            })
        })
        .build()
}

fn single(kind: Text, object: &Object) -> Result<Context, ContextError> {
    if kind.is_empty() {
        return Err(ContextError::EmptyKind);
    }
    let mut builder = required_key(object)?.kind(kind);
    for (name, value) in object.iter() {
        builder = match name {
            "kind" | "key" => builder,
            "name" => with_name(builder, value)?,
            "anonymous" => {
                builder.anonymous(value.as_bool().ok_or(expected("anonymous", "a boolean"))?)
            }
            "_meta" => with_meta(builder, value)?,
            _ => with_attribute(builder, name, value),
        };
    }
    builder.build()
}

fn old_user(object: &Object) -> Result<Context, ContextError> {
    let mut builder = required_key(object)?;
    for (name, value) in object.iter() {
        builder = match name {
            "name" => with_name(builder, value)?,
            "firstName" => with_old_attribute(builder, "firstName", value)?,
            "lastName" => with_old_attribute(builder, "lastName", value)?,
            "email" => with_old_attribute(builder, "email", value)?,
            "country" => with_old_attribute(builder, "country", value)?,
            "avatar" => with_old_attribute(builder, "avatar", value)?,
            "ip" => with_old_attribute(builder, "ip", value)?,
            "secondary" => optional_text("secondary", value).map(|_| builder)?,
            "anonymous" => match value {
                Value::Null => builder,
                value => {
                    builder.anonymous(value.as_bool().ok_or(expected("anonymous", "a boolean"))?)
                }
            },
            "privateAttributeNames" => {
                let names = text_list("privateAttributeNames", value)?;
                builder.private(names.into_iter().map(Reference::literal))
            }
            _ => builder,
        };
    }
    // After the top level, so that an attribute in `custom` wins over a top-level one.
    match object.get("custom") {
        None | Some(Value::Null) => {}
        Some(Value::Object(custom)) => {
            let built_in =
                |name: &str| matches!(name, "kind" | "key" | "name" | "anonymous" | "_meta");
            let attributes = custom.iter().filter(|(name, _)| !built_in(name));
            builder = attributes.fold(builder, |builder, (name, value)| {
                with_attribute(builder, name, value)
            });
        }
        Some(_) => return Err(expected("custom", "an object")),
    }
    builder.build_with_any_key()
}

fn required_key(object: &Object) -> Result<ContextBuilder, ContextError> {
    match object.get("key") {
        None | Some(Value::Null) => Err(ContextError::EmptyKey),
        Some(Value::String(key)) => Ok(Context::builder(key)),
        Some(_) => Err(expected("key", "a string")),
    }
}

fn with_name(builder: ContextBuilder, value: &Value) -> Result<ContextBuilder, ContextError> {
    Ok(match optional_text("name", value)? {
        Some(name) => builder.name(name),
        None => builder,
    })
}

fn with_meta(builder: ContextBuilder, meta: &Value) -> Result<ContextBuilder, ContextError> {
    match meta {
        Value::Null => Ok(builder),
        Value::Object(meta) => match meta.get("privateAttributes") {
            None => Ok(builder),
            Some(list) => Ok(builder.private(text_list("privateAttributes", list)?)),
        },
        _ => Err(expected("_meta", "an object")),
    }
}

fn with_attribute(mut builder: ContextBuilder, name: &str, value: &Value) -> ContextBuilder {
    builder.push_attribute(name.into(), value.attribute());
    builder
}

fn with_old_attribute(
    builder: ContextBuilder,
    name: &'static str,
    value: &Value,
) -> Result<ContextBuilder, ContextError> {
    optional_text(name, value)?;
    Ok(with_attribute(builder, name, value))
}

fn optional_text(property: &'static str, value: &Value) -> Result<Option<Text>, ContextError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(expected(property, "a string")),
    }
}

fn text_list(property: &'static str, value: &Value) -> Result<Vec<Text>, ContextError> {
    let error = || expected(property, "an array of strings");
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(elements) => elements
            .iter()
            .map(|element| element.as_str().map(Text::from).ok_or_else(error))
            .collect(),
        _ => Err(error()),
    }
}

fn expected(property: &'static str, expected: &'static str) -> ContextError {
    ContextError::PropertyType { property, expected }
}

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.0.members {
            Members::Single(single) => {
                map.serialize_entry("kind", &single.kind)?;
                serialize_parts(single, &mut map)?;
            }
            Members::Multi(members) => {
                map.serialize_entry("kind", "multi")?;
                for member in members {
                    let single = member
                        .single()
                        .ok_or_else(|| S::Error::custom("nested multi-context"))?;
                    map.serialize_entry(single.kind_text(), &Parts(single))?;
                }
            }
        }
        map.end()
    }
}

/// A member of a multi-context. Leaves out the kind, which is the member's name in the object.
struct Parts<'a>(&'a Single);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        serialize_parts(self.0, &mut map)?;
        map.end()
    }
}

fn serialize_parts<M: SerializeMap>(single: &Single, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("key", &single.key)?;
    if !single.name.is_null() {
        map.serialize_entry("name", &single.name)?;
    }
    for (name, value) in &single.attributes {
        map.serialize_entry(name.as_str(), value)?;
    }
    if single.anonymous {
        map.serialize_entry("anonymous", &true)?;
    }
    if !single.private.is_empty() {
        map.serialize_entry(
            "_meta",
            &MetaJson {
                private: &single.private,
            },
        )?;
    }
    Ok(())
}

#[derive(Serialize)]
struct MetaJson<'a> {
    #[serde(rename = "privateAttributes")]
    private: &'a [Reference],
}
