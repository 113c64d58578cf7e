//! Items as a persistent store holds them.

use vexil::fuzzing::{decode_stored, encode};
use vexil::model::DataKind;
use vexil::store::{StoreError, StoredItem};

use crate::evaluations;
use crate::inputs;

pub(super) fn target(body: &[u8]) {
    for kind in [DataKind::Flag, DataKind::Segment] {
        let stored = StoredItem::new(body.to_vec());
        let version_beside = decode_stored(kind, &"k".into(), &stored.clone().with_version(7));
        match decode_stored(kind, &"k".into(), &stored) {
            Ok(item) => {
                assert_eq!((item.kind(), item.key().as_str()), (kind, "k"));
                evaluations::holds(&item);
                // Its encoded form is decoded as the same item, without what is beside the text.
                let encoded = encode(&item).expect("an item that was read can be written");
                let again = decode_stored(kind, &"k".into(), &StoredItem::new(encoded.body));
                let again = again.expect("a written item can be read");
                assert_eq!(again.version(), item.version());
                assert_eq!(again.is_deleted(), item.is_deleted());
                let beside = version_beside.expect("the version does not decide");
                let same = beside.with_version(item.version());
                assert_eq!(inputs::item(&same), inputs::item(&item));
            }
            Err(error) => {
                assert!(version_beside.is_err(), "the version does not decide");
                let is_named = matches!(&error, StoreError::Corrupt { kind: of, key, .. }
                    if *of == kind && key == "k");
                assert!(is_named, "{error:?}");
            }
        }
        let deleted = decode_stored(kind, &"k".into(), &stored.with_deleted(true));
        assert!(
            deleted.is_ok_and(|item| item.is_deleted()),
            "deleted whatever the text"
        );
    }
}
