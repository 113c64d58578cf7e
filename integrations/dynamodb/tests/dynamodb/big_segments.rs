//! Big segments in the layout of a Relay Proxy.

use aws_sdk_dynamodb::types::AttributeValue;
use vexil::big_segments::{BigSegmentStore, StoreError, StoredMembership};
use vexil::eval::Membership;
use vexil_dynamodb::{DynamoDbBigSegmentStore, aws_sdk_dynamodb};

use crate::support::{Tap, TestTable, local, n, s, through};

/// The hash of the key `user1`.
const HASH: &str = "CgQblGLKpKMbrDVn4Lbm/ZEAeH2yq0M9lvbReMq/zpA=";

fn set<const N: usize>(references: [&str; N]) -> AttributeValue {
    AttributeValue::Ss(references.map(str::to_owned).into())
}

// STO-4.2: one row for each context, with sets of segment references; one consistent read
#[tokio::test]
async fn a_context_is_in_the_segments_of_its_row() {
    let table = TestTable::new().await;
    let row = || [("namespace", s("p:big_segments_user")), ("key", s(HASH))];
    let tap = Tap::open();
    let store = through(
        &tap,
        DynamoDbBigSegmentStore::builder(&table.name).prefix("p"),
    )
    .build()
    .unwrap();
    for (included, excluded) in [
        (vec!["vip.g12"], vec![]),
        (vec![], vec!["a.g1", "b.g2"]),
        (vec!["a.g1"], vec!["a.g1"]),
    ] {
        let [namespace, key] = row();
        let sets = [("included", &included), ("excluded", &excluded)]
            .into_iter()
            .filter(|(_, set)| !set.is_empty());
        let mut put = table
            .client
            .put_item()
            .table_name(&table.name)
            .item(namespace.0, namespace.1)
            .item(key.0, key.1);
        for (name, references) in sets {
            put = put.item(
                name,
                AttributeValue::Ss(references.iter().copied().map(str::to_owned).collect()),
            );
        }
        put.send().await.unwrap();
        assert_eq!(
            store.membership(HASH).await.unwrap(),
            Some(Membership::new(included, excluded))
        );
    }
    assert_eq!(tap.operations(), ["GetItem"; 3]);
    assert!(
        tap.calls()
            .iter()
            .all(|call| call.body["ConsistentRead"] == true)
    );
}

// STO-4.2: an absent row is no membership and no error; a row stays when its last reference is
// removed
#[tokio::test]
async fn a_row_without_references_is_no_membership() {
    let table = TestTable::new().await;
    let store = local(DynamoDbBigSegmentStore::builder(&table.name))
        .build()
        .unwrap();
    assert_eq!(store.membership(HASH).await.unwrap(), None);
    table
        .put([
            ("namespace", s("big_segments_user")),
            ("key", s(HASH)),
            ("included", set(["a.g1"])),
        ])
        .await;
    assert!(store.membership(HASH).await.unwrap().is_some());
    let delete = table
        .client
        .update_item()
        .table_name(&table.name)
        .update_expression("DELETE included :gone");
    let delete = delete
        .key("namespace", s("big_segments_user"))
        .key("key", s(HASH));
    delete
        .expression_attribute_values(":gone", set(["a.g1"]))
        .send()
        .await
        .unwrap();
    assert_eq!(table.rows().await.len(), 1);
    assert_eq!(store.membership(HASH).await.unwrap(), None);
}

// STO-4.2: `synchronizedOn` in milliseconds; missing or zero means never; anything but a number is
// an error
// STO-F34
#[tokio::test]
async fn the_last_synchronization_is_read_from_the_metadata() {
    let table = TestTable::new().await;
    let store = local(DynamoDbBigSegmentStore::builder(&table.name))
        .prefix("p")
        .build()
        .unwrap();
    assert_eq!(store.last_synchronized().await.unwrap(), None);
    let row = || {
        [
            ("namespace", s("p:big_segments_metadata")),
            ("key", s("p:big_segments_metadata")),
        ]
    };
    let [namespace, key] = row();
    table
        .put([namespace, key, ("lastVersion", s("a cursor"))])
        .await;
    assert_eq!(store.last_synchronized().await.unwrap(), None);
    for (value, expected) in [
        (n(0), None),
        (n(1_700_000_000_123), Some(1_700_000_000_123)),
    ] {
        let [namespace, key] = row();
        table.put([namespace, key, ("synchronizedOn", value)]).await;
        assert_eq!(store.last_synchronized().await.unwrap(), expected);
    }
    for wrong in [
        s("1700000000123"),
        AttributeValue::N("-1".to_owned()),
        AttributeValue::Bool(true),
    ] {
        let [namespace, key] = row();
        table
            .put([namespace, key, ("synchronizedOn", wrong.clone())])
            .await;
        let error = store.last_synchronized().await.unwrap_err();
        assert!(
            matches!(error, StoreError::Config { .. }),
            "{wrong:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn all_memberships_are_written_read_and_replaced() {
    let table = TestTable::new().await;
    let store = local(DynamoDbBigSegmentStore::builder(&table.name).prefix("p"));
    let store = store.build().unwrap();
    let membership = |number: usize, included: &[&str], excluded: &[&str]| {
        let owned = |references: &[&str]| references.iter().map(ToString::to_string).collect();
        let mut membership = StoredMembership::new(format!("h{number:04}"));
        membership.included = owned(included);
        membership.excluded = owned(excluded);
        membership
    };
    let many: Vec<_> = (0..1_100)
        .map(|number| membership(number, &["vip.g12"], &[]))
        .collect();
    store.write_memberships(&many).await.unwrap();
    let changes = [
        membership(0, &[], &[]),
        membership(1, &["a.g1"], &["out.g2"]),
    ];
    store.write_memberships(&changes).await.unwrap();
    let (mut read, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.memberships(cursor.as_deref()).await.unwrap();
        read.extend(page.memberships);
        (cursor, pages) = (page.next, pages + 1);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((read.len(), &read[0], pages), (1_099, &changes[1], 2));
    store.write_last_synchronized(7).await.unwrap();
    assert_eq!(store.last_synchronized().await.unwrap(), Some(7));
}
