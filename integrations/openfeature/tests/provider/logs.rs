//! What is said of fields that cannot be used: once, with their names and without their values.

use std::io::{BufRead, BufReader, pipe};
use std::sync::Arc;

use open_feature::{EvaluationContext, EvaluationContextFieldValue};
use vexil::Client;
use vexil_openfeature::Provider;

use crate::support::ada;

/// The lines that converting these contexts makes, all by one provider.
fn logged(contexts: &[EvaluationContext]) -> Vec<String> {
    let provider = Provider::new(Client::builder("sdk-key").offline(true).start().unwrap());
    let (reader, writer) = pipe().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Arc::new(writer))
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        for context in contexts {
            let _ = provider.clone().context(context);
        }
    });
    // The subscriber is gone, and with it the writer: here is the end.
    BufReader::new(reader).lines().map(Result::unwrap).collect()
}

#[test]
fn each_sort_of_trouble_is_said_once_with_the_fields_name() {
    struct Secret;
    let multi = EvaluationContext::default()
        .with_custom_field("kind", "multi")
        .with_custom_field("plan", "secret");
    for (context, field, words) in [
        (
            ada().with_custom_field("key", "secret"),
            "key",
            "the targeting key is the context's key",
        ),
        (
            ada().with_custom_field("anonymous", "secret"),
            "anonymous",
            "no such field with a value of this type",
        ),
        (
            ada().with_custom_field("kind", 7),
            "kind",
            "no such field with a value of this type",
        ),
        (
            ada().with_custom_field("address", EvaluationContextFieldValue::new_struct(Secret)),
            "address",
            "of a type that is not understood",
        ),
        (multi, "plan", "every field is a structure"),
    ] {
        let lines = logged(&[context.clone(), context]);
        let [line] = &lines[..] else {
            panic!("one line: {lines:?}")
        };
        assert!(
            line.contains(words) && line.contains(&format!("field=\"{field}\"")),
            "{line}"
        );
        assert!(
            line.contains("WARN") && !line.contains("secret") && !line.contains("ada"),
            "{line}"
        );
    }
}

#[test]
fn a_context_that_is_in_order_is_not_worth_a_line() {
    let user = ada().with_custom_field("email", "ada@example.com");
    // A targeting key may come from the global context.
    let multi = ada().with_custom_field("kind", "multi");
    let multi = multi.with_custom_field(
        "user",
        EvaluationContextFieldValue::new_struct(user.clone()),
    );
    assert_eq!(logged(&[user, multi]), Vec::<String>::new());
}
