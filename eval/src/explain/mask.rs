//! [`Mask::shown`]: hides private values while an explanation is recorded.
//!
//! The rules are those of redaction in events: a private reference hides the value there and
//! everything below it, and an object with a private member is shown without that member.

use super::model::{FoundValue, ValueType};
use super::options::Mask;
use crate::context::{Context, Reference};
use crate::text::Text;
use crate::value::{Object, Value};

impl Mask {
    /// Returns what an explanation shows of the value that `context`, which has one kind, has at
    /// `reference`.
    pub(super) fn shown(
        &self,
        context: &Context,
        reference: &Reference,
        value: &Value,
    ) -> FoundValue {
        let path = reference.components();
        let never_private =
            matches!(path, [name] if ["kind", "key", "anonymous"].contains(&name.as_str()));
        let plain = || FoundValue::Value(value.clone());
        let (mask, more): (bool, &[Reference]) = match self {
            Self::Nothing => return plain(),
            _ if never_private => return plain(),
            Self::Private => (false, &[]),
            Self::PrivateAnd(references) => (false, references),
            Self::AllAttributes => (true, &[]),
        };
        let references = || {
            let own = context.private_attributes().iter();
            own.chain(more)
                .filter(|reference| reference.error().is_none())
        };
        let hides = |reference: &Reference| path.starts_with(reference.components());
        if mask || references().any(hides) {
            return FoundValue::Private(ValueType::from(value));
        }
        let below: Vec<_> = references()
            .filter_map(|reference| reference.components().strip_prefix(path))
            .collect();
        FoundValue::Value(without(value, &below))
    }
}

/// Returns the value without the members at `paths`, none of which is empty.
fn without(value: &Value, paths: &[&[Text]]) -> Value {
    let (Value::Object(object), false) = (value, paths.is_empty()) else {
        return value.clone();
    };
    let members = object.iter().filter_map(|(name, member)| {
        let rests = paths.iter().filter_map(|path| match path.split_first() {
            Some((first, rest)) if *first == name => Some(rest),
            _ => None,
        });
        let below: Vec<_> = rests.collect();
        let is_private = below.iter().any(|rest| rest.is_empty());
        (!is_private).then(|| (Text::from(name), without(member, &below)))
    });
    Value::Object(members.collect::<Object>())
}
