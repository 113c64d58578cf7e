//! [`Use`]: what an item may use.

use std::str::FromStr;

use serde_json::Value;
use vexil::model::Item;
use vexil::{Reference, Text};

/// A flag, segment or attribute that an item may use.
#[derive(Clone, Debug)]
pub(super) enum Use {
    Flag(Text),
    Segment(Text),
    Attribute(Text),
}

impl FromStr for Use {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("flag", key)) => Ok(Self::Flag(key.into())),
            Some(("segment", key)) => Ok(Self::Segment(key.into())),
            Some(("attribute", name)) => Ok(Self::Attribute(name.into())),
            _ => Err("expected segment:KEY, flag:KEY or attribute:NAME"),
        }
    }
}

impl Use {
    pub(super) fn is_used_by(&self, item: &Item) -> bool {
        match (self, item) {
            (Self::Flag(key), Item::Flag(entry)) => entry
                .present()
                .is_some_and(|flag| flag.prerequisites().any(|required| required == key)),
            (Self::Flag(_), Item::Segment(_)) => false,
            (Self::Segment(key), Item::Flag(entry)) => entry
                .present()
                .is_some_and(|flag| flag.segments().any(|used| used == key)),
            (Self::Segment(key), Item::Segment(entry)) => entry
                .present()
                .is_some_and(|segment| segment.segments().any(|used| used == key)),
            (Self::Attribute(name), _) => item
                .json()
                .and_then(|json| serde_json::from_slice(&json).ok())
                .is_some_and(|json| reads_attribute(&json, name)),
        }
    }
}

/// Whether a clause or a rollout reads the attribute, or a part of it.
fn reads_attribute(json: &Value, name: &str) -> bool {
    match json {
        Value::Object(members) => members.iter().any(|(member, value)| match value {
            // The values of variations are data of the application.
            _ if member == "variations" => false,
            Value::String(text) if member == "attribute" || member == "bucketBy" => {
                // Without a kind, the text is the name itself.
                let reference = match members.get("contextKind") {
                    Some(_) => Reference::new(text.as_str()),
                    None => Reference::literal(text.as_str()),
                };
                reference
                    .components()
                    .first()
                    .is_some_and(|attribute| attribute == name)
            }
            _ => reads_attribute(value, name),
        }),
        Value::Array(elements) => elements
            .iter()
            .any(|element| reads_attribute(element, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_in_clauses_and_rollouts() {
        let flag: Value = serde_json::from_str(
            r#"{"variations": [{"attribute": "secret"}],
                "rules": [{"clauses": [{"attribute": "/address/city", "contextKind": "user"}]},
                          {"clauses": [{"attribute": "/literal"}]}],
                "fallthrough": {"rollout": {"bucketBy": "plan", "variations": []}}}"#,
        )
        .expect("the flag is JSON");
        for used in ["address", "/literal", "plan"] {
            assert!(reads_attribute(&flag, used), "{used}");
        }
        for unused in ["city", "literal", "secret"] {
            assert!(!reads_attribute(&flag, unused), "{unused}");
        }
    }
}
