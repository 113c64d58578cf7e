//! The JSON of a context.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use vexil_eval::Context;

use crate::evaluations;
use crate::inputs::is_json;

pub(super) fn target(json: &[u8]) {
    let Ok(context) = serde_json::from_slice::<Context>(json) else {
        return;
    };
    assert!(is_json(json), "accepted, but not JSON");
    evaluations::evaluates(&context);
    assert_eq!(
        context.individual_contexts().len(),
        context.individual_context_count()
    );
    // Only a context in the format of old SDKs can have an empty key.
    if context
        .individual_contexts()
        .any(|context| context.key().is_empty())
    {
        return;
    }
    let written = serde_json::to_string(&context).expect("a context can be written");
    let again: Context = serde_json::from_str(&written).expect("a written context can be read");
    assert_eq!(again, context, "read again");
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    assert_eq!(hasher.hash_one(&again), hasher.hash_one(&context));
    assert_eq!(again.fully_qualified_key(), context.fully_qualified_key());
}
