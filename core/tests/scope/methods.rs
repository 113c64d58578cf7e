//! Every method of a scope returns what the client's method returns.

use pollster::block_on;
use serde_json::json;
use vexil::client::{FlagsStateOptions, StrictInt};
use vexil::explain::ExplainOptions;
use vexil::{Client, Value};

use crate::support::{ada, controlled_with, serving, with};

#[test]
fn every_method_of_a_scope_is_that_of_its_client_at_the_moment_of_the_scope() {
    let (client, source) = controlled_with(Client::builder("sdk-key").without_events());
    let off = json!({"on": false, "version": 1, "variations": [1]});
    let flags = json!({"flags": {
        "bool": serving(1, true), "int": serving(1, 2.75), "text": serving(1, "text"),
        "json": serving(1, json!({"a": [1]})), "off": off,
        "needs": with(serving(1, 7), &json!({"prerequisites": [{"key": "bool", "variation": 0}]})),
    }});
    source.init(&flags);
    let scope = client.scope(&ada());
    macro_rules! same {
        ($($default:expr => $plain:ident $detail:ident $plain_async:ident $detail_async:ident;)+) => {
            ["bool", "int", "text", "json", "off", "needs", "none"].map(|key| [$(
                {
                    let detail = scope.$detail(key, $default);
                    assert_eq!(detail, client.$detail(key, &ada(), $default), "{key}");
                    assert_eq!(detail, block_on(scope.$detail_async(key, $default)), "{key}");
                    assert_eq!(detail.value, scope.$plain(key, $default), "{key}");
                    assert_eq!(detail.value, block_on(scope.$plain_async(key, $default)), "{key}");
                    serde_json::to_value(detail.value).unwrap()
                }
            ),+])
        };
    }
    let evaluate = || {
        same! {
            false => bool_variation bool_variation_detail variation_async variation_detail_async;
            -17 => int_variation int_variation_detail variation_async variation_detail_async;
            -1.5 => float_variation float_variation_detail variation_async variation_detail_async;
            "default" => str_variation str_variation_detail variation_async variation_detail_async;
            Value::Null => json_variation json_variation_detail variation_async variation_detail_async;
            String::from("own") => variation variation_detail variation_async variation_detail_async;
            StrictInt(-18) => variation variation_detail variation_async variation_detail_async;
            Some(1.5) => json_as json_as_detail json_as_async json_as_detail_async;
        }
    };
    let values = evaluate();
    assert_eq!(values[0][0], true);
    assert_eq!(values[1][1], 2);

    let options = FlagsStateOptions::default().with_reasons(true);
    let state = scope.all_flags_state(options);
    assert_eq!(state, client.all_flags_state(&ada(), options));
    assert_eq!(state, block_on(scope.all_flags_state_async(options)));
    let explain = ExplainOptions::default();
    let explanation = scope.explain("needs", &explain).to_string();
    assert_eq!(
        explanation,
        client.explain("needs", &ada(), &explain).to_string()
    );
    assert_eq!(
        explanation,
        block_on(scope.explain_async("needs", &explain)).to_string()
    );

    source.init(&json!({"flags": {"bool": serving(2, false)}}));
    assert_eq!(scope.all_flags_state(options), state);
    assert_eq!(block_on(scope.all_flags_state_async(options)), state);
    assert_eq!(scope.explain("needs", &explain).to_string(), explanation);
    assert_eq!(
        block_on(scope.explain_async("needs", &explain)).to_string(),
        explanation
    );
    source.init(&flags);
    assert_eq!(evaluate(), values);
}
