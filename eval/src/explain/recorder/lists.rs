//! The positions of lists of keys in the JSON of flags and segments.

use crate::context::Kind;
use crate::model::written::{RawFlag, RawSegment, RawTarget};
use crate::text::Text;

/// Returns the lists of targets that a flag uses, and the pointer to them.
pub(super) fn targets(raw: &RawFlag) -> (&'static str, &[RawTarget]) {
    if raw.context_targets.0.is_empty() {
        ("/targets", &raw.targets.0)
    } else {
        ("/contextTargets", &raw.context_targets.0)
    }
}

/// Returns the pointer to a list of targets. An empty list of kind `user` stands for a list of the
/// older format.
pub(super) fn target_list(raw: &RawFlag, place: usize) -> Text {
    let (pointer, lists) = targets(raw);
    let older = lists.get(place).and_then(|list| {
        let stands_for_another = list.values.0.is_empty();
        let has_variation = |older: &RawTarget| older.variation.0 == list.variation.0;
        stands_for_another
            .then(|| raw.targets.0.iter().position(has_variation))
            .flatten()
    });
    match older {
        Some(older) => format!("/targets/{older}").into(),
        None => format!("{pointer}/{place}").into(),
    }
}

/// Returns the pointer to the list of a segment that names a context.
pub(super) fn segment_list(
    raw: &RawSegment,
    included: bool,
    kind: &Kind,
    key: &str,
) -> Option<Text> {
    let (plain, by_kind, names) = match included {
        true => (
            &raw.included,
            &raw.included_contexts,
            ["/included", "/includedContexts"],
        ),
        false => (
            &raw.excluded,
            &raw.excluded_contexts,
            ["/excluded", "/excludedContexts"],
        ),
    };
    let [plain_name, by_kind_name] = names;
    let holds = |keys: &[Text]| keys.iter().any(|listed| *listed == *key);
    if *kind == Kind::User && holds(&plain.0) {
        return Some(plain_name.into());
    }
    let place = by_kind
        .0
        .iter()
        .position(|list| Kind::from(list.context_kind.clone()) == *kind && holds(&list.values.0))?;
    Some(format!("{by_kind_name}/{place}").into())
}
