//! The key, the version and the size of an item.

use vexil::model::DataKind;

use crate::check::Purpose;
use crate::check::finding::Found;
use crate::check::item::Item;
use crate::check::registry::{Id, Severity};

/// Above this, integers are not exact in JSON readers.
const LARGEST_VERSION: f64 = 9_007_199_254_740_992.0;
const VERSIONS_OF_32_BITS: f64 = 2_147_483_648.0;
/// The limit of DynamoDB that SDKs use, for the item with the names of its attributes.
const DYNAMODB_BYTES: usize = 400_000;
/// What SDKs add to the size for the other attributes.
const DYNAMODB_OVERHEAD: usize = 100;
const LARGE_BYTES: usize = 256 << 10;

pub(in crate::check) fn check(item: &Item, purposes: &[Purpose], found: &mut Found) {
    if item.key.is_empty() {
        found.add_property(Id::EmptyKey, item, &item.root(), "key", "the key is empty");
    }
    size(item, purposes, found);
    if item.is_value {
        return;
    }
    version(item, purposes, found);
    if item.is_deleted() {
        if item.document.is_some() {
            let message = format!("the {} is deleted, and does not exist for SDKs", item.kind);
            found
                .add_property(Id::DeletedItem, item, &item.root(), "deleted", message)
                .help("remove it from the file");
        }
        return;
    }
    key(item, found);
}

fn key(item: &Item, found: &mut Found) {
    let Some(spot) = item.root().member("key") else {
        return;
    };
    if let Some(inner) = spot.as_str()
        && inner != item.key
    {
        let (kind, key) = (item.kind, &item.key);
        let message = format!("the {kind} is stored as {key:?}, but contains the key {inner:?}");
        found
            .add(Id::KeyMismatch, item, &spot, message)
            .help("vexil uses the former, other SDKs may use the latter");
    }
}

fn version(item: &Item, purposes: &[Purpose], found: &mut Found) {
    let Some(spot) = item.root().member("version") else {
        return;
    };
    let number = spot.as_number();
    let problem = match number {
        None => Some(format!("is {}", spot.node.type_name())),
        Some(number) if number < 0.0 => Some("is negative".to_owned()),
        Some(number) if number.trunc() != number => Some("is a fraction".to_owned()),
        Some(number) if number > LARGEST_VERSION => Some("is above 2^53".to_owned()),
        Some(_) => None,
    };
    if let Some(problem) = problem {
        let message = format!("the version {problem}");
        found
            .add(Id::VersionInvalid, item, &spot, message)
            .help("a version is an integer from 0; a higher one replaces a lower one");
        return;
    }
    if number.is_some_and(|number| number >= VERSIONS_OF_32_BITS) {
        let message = "the version does not fit into 32 bits: the Java SDK refuses all flags, .NET \
                       and Android fail too";
        let finding = found.add(Id::VersionTooLarge, item, &spot, message);
        finding.help("count versions from 1 instead of using the time");
        if purposes.contains(&Purpose::Mobile) {
            finding.severity(Severity::Error);
        }
    }
}

fn size(item: &Item, purposes: &[Purpose], found: &mut Found) {
    let bytes = item.bytes;
    let namespace = DataKind::namespace(item.kind).len();
    let stored = bytes + item.key.len() + namespace + DYNAMODB_OVERHEAD;
    if purposes.contains(&Purpose::Dynamodb) && stored > DYNAMODB_BYTES {
        let message = format!("the {} has {bytes} bytes: DynamoDB refuses it", item.kind);
        found
            .add_item(Id::TooLarge, item, message)
            .severity(Severity::Error)
            .help("move long lists of keys into segments");
    } else if bytes > LARGE_BYTES {
        let message = format!("the {} has {bytes} bytes", item.kind);
        found
            .add_item(Id::TooLarge, item, message)
            .help("each change sends the whole item; move long lists of keys into segments");
    }
}
