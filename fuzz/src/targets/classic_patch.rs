//! One item in the classic protocol: a patch, a delete.

use vexil::fuzzing::classic_event;
use vexil::model::DataKind;

use crate::evaluations;
use crate::inputs::{cut, is_json, item, items, shown};

pub(super) fn target(data: &[u8]) {
    for name in ["patch", "delete"] {
        let received = classic_event(name, [data]);
        assert_eq!(
            shown(&classic_event(name, cut(data))),
            shown(&received),
            "{name} in pieces"
        );
        assert!(
            received.error.is_some() || is_json(data),
            "accepted, but not JSON"
        );
        for found in items(&received) {
            assert_eq!(found.is_deleted(), found.json().is_none());
            evaluations::holds(&found);
            let Some(json) = found.json() else { continue };
            // A put with the same item is read as the same item.
            let section = match found.kind() {
                DataKind::Flag => "flags",
                DataKind::Segment => "segments",
            };
            let key = serde_json::Value::from(found.key().as_str()).to_string();
            let put = [
                format!(r#"{{"data":{{"{section}":{{{key}:"#).as_bytes(),
                &json,
                b"}}}",
            ]
            .concat();
            let put: Vec<_> = items(&classic_event("put", cut(&put)))
                .iter()
                .map(item)
                .collect();
            assert_eq!(put, [item(&found)], "in a put");
        }
    }
}
