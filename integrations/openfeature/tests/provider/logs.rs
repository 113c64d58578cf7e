//! Warnings about fields that cannot be used: logged once, with the name but not the value.

use std::io::{BufRead, BufReader, pipe};
use std::sync::Arc;

use open_feature::{EvaluationContext, EvaluationContextFieldValue};
use vexil::Client;
use vexil_openfeature::Provider;

use crate::support::ada;

/// The log lines of one provider converting these contexts.
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
    // The writer was dropped with the subscriber, so the reader reaches the end.
    BufReader::new(reader).lines().map(Result::unwrap).collect()
}

#[test]
fn each_kind_of_warning_is_logged_once_with_the_name_of_the_field() {
    struct Secret;
    let multi = EvaluationContext::default()
        .with_custom_field("kind", "multi")
        .with_custom_field("plan", "secret");
    for (context, field, words) in [
        (
            ada().with_custom_field("key", "secret"),
            "key",
            "the targeting key takes precedence",
        ),
        (
            ada().with_custom_field("anonymous", "secret"),
            "anonymous",
            "does not accept a value of this type",
        ),
        (
            ada().with_custom_field("kind", 7),
            "kind",
            "does not accept a value of this type",
        ),
        (
            ada().with_custom_field("address", EvaluationContextFieldValue::new_struct(Secret)),
            "address",
            "of an unsupported type",
        ),
        (multi, "plan", "must be a structure"),
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
fn a_valid_context_logs_nothing() {
    let user = ada().with_custom_field("email", "ada@example.com");
    // A targeting key may come from the global context.
    let multi = ada().with_custom_field("kind", "multi");
    let multi = multi.with_custom_field(
        "user",
        EvaluationContextFieldValue::new_struct(user.clone()),
    );
    assert_eq!(logged(&[user, multi]), Vec::<String>::new());
}
