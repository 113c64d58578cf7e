//! Items with the same key.

use std::collections::BTreeMap;

use crate::check::finding::Found;
use crate::check::item::Item;
use crate::check::registry::Id;
use crate::source::Document;

/// Finds items with the same key, and keeps the last one of each.
pub(super) fn repeated_items(
    items: &mut Vec<Item>,
    documents: &[Document],
    last_wins: bool,
    found: &mut Found,
) {
    let mut last: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    let mut is_replaced = vec![false; items.len()];
    for (index, item) in items.iter().enumerate() {
        let place = (item.kind.namespace(), item.key.clone());
        let Some(before) = last.insert(place, index) else {
            continue;
        };
        if let Some(replaced) = is_replaced.get_mut(before) {
            *replaced = true;
        }
        let earlier = items.get(before).and_then(|item| item.document);
        if earlier != item.document && last_wins {
            continue;
        }
        let name = earlier.and_then(|earlier| documents.get(earlier));
        let name = name.map_or("the source", |document| &document.name);
        let message = format!(
            "the {} is in {name} already; the last one counts",
            item.kind
        );
        found.add_item(Id::DuplicateMember, item, message);
    }
    let mut index = 0;
    items.retain(|_| {
        let keep = !is_replaced.get(index).copied().unwrap_or(false);
        index += 1;
        keep
    });
}
