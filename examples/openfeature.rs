//! Evaluates flags through OpenFeature. Only the setup code depends on vexil. No account needed.
//!
//! `cargo run -p vexil-examples --example openfeature`

use std::time::Duration;

use open_feature::{
    EvaluationContext, EvaluationContextFieldValue, EvaluationDetails, EvaluationResult,
    OpenFeature, StructValue,
};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use vexil_examples::log_to_stderr;
use vexil_openfeature::Provider;
use vexil_testing::{FlagBuilder, TestData};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::WARN);
    let flags = TestData::new().with("rate-limit", 100);
    let checkout = FlagBuilder::new("new-checkout")
        .if_match_context("org", "plan", ["pro"])
        .then_return(true);
    flags.update(checkout.fallthrough_variation(false));
    let theme = FlagBuilder::new("theme")
        .variations([json!({"colour": "green"}), json!({"colour": "blue"})]);
    flags.update(theme.variation_for_user("ada", 1).fallthrough_variation(0));

    // A real application does not set a data source: by default the client streams from the
    // service.
    let client = vexil::Client::builder("sdk-key-of-no-account")
        .data_source(flags.clone())
        .start()?;
    let provider = Provider::new(client.clone());
    OpenFeature::singleton_mut()
        .await
        .set_provider(provider.clone())
        .await;

    let features = OpenFeature::singleton().await.create_client();
    for (name, context) in [
        ("ada", person("ada", "pro")),
        ("bob", person("bob", "free")),
    ] {
        println!("{name}");
        print(
            features
                .get_bool_details("new-checkout", Some(&context), None)
                .await,
        );
        print(
            features
                .get_struct_details::<StructValue>("theme", Some(&context), None)
                .await,
        );
        print(
            features
                .get_int_details("rate-limit", Some(&context), None)
                .await,
        );
    }

    println!("new-checkout is off for everyone");
    flags.set("new-checkout", false);
    let ada = person("ada", "pro");
    print(
        features
            .get_bool_details("new-checkout", Some(&ada), None)
            .await,
    );
    // OpenFeature's Rust methods take no default: the caller supplies one in case of an error.
    let beta = features
        .get_bool_value("no-such-flag", Some(&ada), None)
        .await
        .unwrap_or(true);
    println!("  no-such-flag, with default: {beta}");
    print(
        features
            .get_bool_details("no-such-flag", Some(&ada), None)
            .await,
    );

    provider.track(
        "checkout-completed",
        &ada,
        Some(49.9),
        &StructValue::default().with_field("items", 3),
    );
    // Delivers pending events, which would otherwise be lost with the process.
    client.close(Duration::from_secs(10)).await;
    Ok(())
}

/// Creates a multi-context of a user and an organisation.
fn person(key: &str, plan: &str) -> EvaluationContext {
    let org = StructValue::default()
        .with_field("key", "acme")
        .with_field("plan", plan);
    EvaluationContext::default()
        .with_custom_field("kind", "multi")
        .with_custom_field(
            "user",
            EvaluationContextFieldValue::new_struct(json!({"key": key})),
        )
        .with_custom_field("org", EvaluationContextFieldValue::new_struct(org))
}

fn print<T: std::fmt::Debug>(result: EvaluationResult<EvaluationDetails<T>>) {
    match result {
        Ok(details) => {
            let reason = details
                .reason
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            println!("  {} = {:?} ({reason})", details.flag_key, details.value);
        }
        Err(error) => println!("  {}: {}", error.code, error.message.unwrap_or_default()),
    }
}
