//! The flags that an application declares, compared with those of the source.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use vexil::model::DataKind;

use super::data::Data;
use super::finding::Found;
use super::registry::Id;
use super::tree::{Node, Shape};

/// The declarations of an application, as JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct Declared {
    flags: BTreeMap<String, Declaration>,
}

#[derive(Debug, Deserialize)]
struct Declaration {
    #[serde(rename = "type")]
    kind: DeclaredType,
    #[serde(default)]
    default: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum DeclaredType {
    Boolean,
    Number,
    String,
    Json,
}

impl DeclaredType {
    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Json => "JSON",
        }
    }

    fn contains(self, node: &Node) -> bool {
        match self {
            Self::Boolean => matches!(node.shape, Shape::Bool(_)),
            Self::Number => matches!(node.shape, Shape::Number(_)),
            Self::String => matches!(node.shape, Shape::String(_)),
            Self::Json => true,
        }
    }
}

impl Declared {
    /// Reads declarations.
    ///
    /// # Errors
    /// Returns what is wrong with them.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let declared: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (key, declaration) in &declared.flags {
            let Declaration { kind, default } = declaration;
            let fits = match (kind, default) {
                (_, None) | (DeclaredType::Json, _) => true,
                (DeclaredType::Boolean, Some(default)) => default.is_boolean(),
                (DeclaredType::Number, Some(default)) => default.is_number(),
                (DeclaredType::String, Some(default)) => default.is_string(),
            };
            if !fits {
                let name = kind.name();
                return Err(format!("the default of {key:?} is not {name}"));
            }
        }
        Ok(declared)
    }
}

pub(super) fn check(declared: &Declared, data: &Data<'_>, found: &mut Found) {
    for (key, flag) in &data.flags {
        let Some(declaration) = declared.flags.get(*key) else {
            let message = "the application does not declare the flag";
            found.add_item(Id::Undeclared, flag.item, message);
            continue;
        };
        for (index, variation) in flag.variations.iter().enumerate() {
            if !declaration.kind.contains(variation.node) {
                let (expected, actual) = (declaration.kind.name(), variation.node.type_name());
                let message = format!(
                    "variation {index} is {actual}, but the application declares {expected}"
                );
                found.add(Id::DeclaredType, flag.item, variation, message);
            }
        }
    }
    for key in declared.flags.keys() {
        if !data.exists(DataKind::Flag, key) {
            let message = "the application declares the flag, but the source does not contain it";
            found.add_absent(Id::MissingFlag, DataKind::Flag, key, message);
        }
    }
}
