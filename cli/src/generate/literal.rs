//! Rust types and expressions for the values of flags.

use vexil::{Number, Value};

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Boolean,
    Integer,
    Float,
    String,
    Value,
}

impl FieldType {
    /// Returns the type that all variations have.
    pub(super) fn of(variations: &[Value]) -> Self {
        let mut types = variations.iter().map(|variation| match variation {
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.as_exact_i64().is_some() => Self::Integer,
            Value::Number(_) => Self::Float,
            Value::String(_) => Self::String,
            _ => Self::Value,
        });
        let Some(first) = types.next() else {
            return Self::Value;
        };
        types.fold(first, |both, other| match (both, other) {
            (Self::Integer, Self::Float) | (Self::Float, Self::Integer) => Self::Float,
            (both, other) if both == other => both,
            _ => Self::Value,
        })
    }

    /// The name of the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "bool",
            Self::Integer => "i64",
            Self::Float => "f64",
            Self::String => "String",
            Self::Value => "vexil::Value",
        }
    }

    /// Returns the default as an expression: this value, or else false, zero, an empty string or null.
    pub(super) fn default(self, value: Option<&Value>) -> String {
        match self {
            Self::Boolean => value
                .and_then(Value::as_bool)
                .unwrap_or_default()
                .to_string(),
            Self::Integer => value
                .and_then(Value::as_i64)
                .unwrap_or_default()
                .to_string(),
            Self::Float => format!("{:?}", value.and_then(Value::as_f64).unwrap_or_default()),
            Self::String => string(value.and_then(Value::as_str).unwrap_or_default()),
            Self::Value => json(value.unwrap_or(&Value::Null)),
        }
    }
}

/// Returns a string literal.
pub(super) fn string(text: &str) -> String {
    format!("{text:?}")
}

/// Returns an expression of the type `vexil::Value`.
fn json(value: &Value) -> String {
    match value {
        Value::Null => "vexil::Value::Null".to_owned(),
        Value::Bool(value) => format!("vexil::Value::from({value})"),
        Value::Number(value) => format!("vexil::Value::from({:?})", Number::as_f64(*value)),
        Value::String(value) => format!("vexil::Value::from({})", string(value)),
        Value::Array(elements) if elements.is_empty() => {
            "vexil::Value::from(Vec::<vexil::Value>::new())".to_owned()
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(json).collect();
            format!("vexil::Value::from([{}])", elements.join(", "))
        }
        Value::Object(members) if members.is_empty() => {
            "vexil::Value::Object(Vec::<(&str, vexil::Value)>::new().into_iter().collect())"
                .to_owned()
        }
        Value::Object(members) => {
            let members = members.iter();
            let members =
                members.map(|(name, value)| format!("({}, {})", string(name), json(value)));
            let members: Vec<_> = members.collect();
            format!(
                "vexil::Value::Object([{}].into_iter().collect())",
                members.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn type_of(variations: serde_json::Value) -> FieldType {
        let Value::Array(variations) = Value::from(variations) else {
            panic!("an array")
        };
        FieldType::of(&variations)
    }

    #[test]
    fn a_type_holds_all_variations() {
        for (variations, expected) in [
            (json!([true, false]), FieldType::Boolean),
            (json!([1, 2.0, -3]), FieldType::Integer),
            (json!([1, 2.5]), FieldType::Float),
            (json!([1e300]), FieldType::Float),
            (json!(["a", "b"]), FieldType::String),
            (json!([{"a": 1}]), FieldType::Value),
            (json!([true, "true"]), FieldType::Value),
            (json!([1, null]), FieldType::Value),
            (json!([1, 2.5, "a", 1]), FieldType::Value),
            (json!([]), FieldType::Value),
        ] {
            assert_eq!(type_of(variations.clone()), expected, "{variations}");
        }
    }

    #[test]
    fn defaults_are_expressions_of_the_type() {
        for (field_type, value, expected) in [
            (FieldType::Boolean, json!(true), "true"),
            (FieldType::Integer, json!(-7), "-7"),
            (FieldType::Float, json!(7), "7.0"),
            (FieldType::Float, json!(1e300), "1e300"),
            (
                FieldType::String,
                json!("a \"b\"\n\u{202e}"),
                r#""a \"b\"\n\u{202e}""#,
            ),
            (FieldType::Value, json!(null), "vexil::Value::Null"),
            (
                FieldType::Value,
                json!([1, []]),
                "vexil::Value::from([vexil::Value::from(1.0), vexil::Value::from(Vec::<vexil::Value>::new())])",
            ),
        ] {
            let value = Value::from(value);
            assert_eq!(field_type.default(Some(&value)), expected);
        }
        let zeros = [
            FieldType::Boolean,
            FieldType::Integer,
            FieldType::Float,
            FieldType::String,
            FieldType::Value,
        ];
        assert_eq!(
            zeros.map(|field_type| field_type.default(None)),
            ["false", "0", "0.0", "\"\"", "vexil::Value::Null"]
        );
    }
}
