//! The JSON forms of overrides, written.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use vexil_eval::model::DataKind;

use super::{ContextOverride, Override, OverrideResult, Overrides};

impl Serialize for Override {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_map(None)?;
        match self {
            Self::On(on) => form.serialize_entry("on", on)?,
            Self::Variation(variation) => form.serialize_entry("variation", variation)?,
            Self::Value(value) => form.serialize_entry("value", value)?,
            Self::For(contexts) => form.serialize_entry("for", contexts)?,
            Self::Segment { include, exclude } => {
                form.serialize_entry("include", include)?;
                form.serialize_entry("exclude", exclude)?;
            }
            Self::Item(item) => form.serialize_entry("item", item)?,
            Self::Missing => form.serialize_entry("missing", &true)?,
        }
        form.end()
    }
}

impl Serialize for ContextOverride {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_map(Some(3))?;
        form.serialize_entry("kind", &self.kind)?;
        form.serialize_entry("key", &self.key)?;
        match &self.result {
            OverrideResult::Variation(variation) => form.serialize_entry("variation", variation)?,
            OverrideResult::Value(value) => form.serialize_entry("value", value)?,
        }
        form.end()
    }
}

impl Serialize for Overrides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Forms<'o>(&'o Overrides, DataKind);

        impl Serialize for Forms<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.of(self.1))
            }
        }

        let mut document = serializer.serialize_map(Some(2))?;
        document.serialize_entry("flags", &Forms(self, DataKind::Flag))?;
        document.serialize_entry("segments", &Forms(self, DataKind::Segment))?;
        document.end()
    }
}
