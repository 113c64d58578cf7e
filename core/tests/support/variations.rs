//! Calls every variation method at once.

use std::fmt::Debug;

use serde_json::{Value as Json, json};
use vexil::client::{AsContext, StrictInt};
use vexil::eval::Detail;
use vexil::{Client, Value};

/// Evaluates a flag with each variation method, with and without detail, synchronous and async, and
/// checks that each returns its default for this reason.
#[track_caller]
pub(crate) fn every_method_returns_its_default(
    client: &Client,
    key: &str,
    context: &impl AsContext,
    reason: &Json,
) {
    macro_rules! methods {
        ($($default:expr => $plain:ident $detail:ident $plain_async:ident $detail_async:ident;)+) => {$(
            let default = $default;
            assert_eq!(client.$plain(key, context, default.clone()), default, "{}", stringify!($plain));
            is_default(&client.$detail(key, context, default.clone()), &default, reason);
            let given = pollster::block_on(client.$plain_async(key, context, default.clone()));
            assert_eq!(given, default, "{}", stringify!($plain_async));
            is_default(&pollster::block_on(client.$detail_async(key, context, default.clone())), &default, reason);
        )+};
    }
    methods! {
        true => bool_variation bool_variation_detail variation_async variation_detail_async;
        -17 => int_variation int_variation_detail variation_async variation_detail_async;
        -1.5 => float_variation float_variation_detail variation_async variation_detail_async;
        "default" => str_variation str_variation_detail variation_async variation_detail_async;
        Value::from(json!({"a": [1]})) => json_variation json_variation_detail variation_async variation_detail_async;
        vec![1_u8, 2] => json_as json_as_detail json_as_async json_as_detail_async;
        String::from("own") => variation variation_detail variation_async variation_detail_async;
    }
    let strict = client.variation_detail(key, context, StrictInt(-18));
    is_default(&strict, &-18, reason);
}

#[track_caller]
fn is_default<T: Debug + PartialEq<D>, D: Debug>(detail: &Detail<T>, default: &D, reason: &Json) {
    assert_eq!(detail.value, *default);
    assert_eq!(detail.variation_index, None);
    assert!(detail.is_default_value());
    assert_eq!(&serde_json::to_value(&detail.reason).unwrap(), reason);
}
