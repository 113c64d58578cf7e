//! The program that the guide ports from the official Rust SDK, with a fake service in place of the
//! Relay Proxy. No account needed.
//!
//! `cargo run -p vexil-examples --example ported`

mod shop;

use std::error::Error;
use std::io::{Write, stdout};

use vexil_testing::FakeService;

const FLAGS: &str = include_str!("flags.json");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let relay = FakeService::builder().data(FLAGS).start()?;
    for line in shop::serve("sdk-key", &relay.url()).await? {
        writeln!(stdout(), "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use vexil_testing::fake_service::Endpoint;

    use super::*;

    #[tokio::test]
    async fn the_shop_uses_the_flags_and_reports_events() -> Result<(), Box<dyn Error>> {
        let relay = FakeService::builder().data(FLAGS).start()?;
        let lines = shop::serve("sdk-key", &relay.url()).await?;
        assert_eq!(lines[0], "new checkout, dark theme");
        assert_eq!(lines[1], "50 requests, burst 100");
        assert_eq!(lines[2], r#"rate 2: {"kind":"FALLTHROUGH"}"#);
        assert!(lines[3].contains(r#""$valid":true"#), "{}", lines[3]);
        assert_eq!(lines[4], "new order 1");

        let events = relay.events();
        let sent = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!(
            (sent("identify"), sent("custom"), sent("summary")),
            (1, 3, 1)
        );
        assert_eq!(sent("migration_op"), 1);
        for request in relay.requests_to(Endpoint::Events) {
            assert_eq!(request.header("x-tenant"), Some("shop"));
        }
        let text = serde_json::to_string(&events)?;
        assert!(!text.contains("ada@example.com") && !text.contains(r#""age":36"#));
        Ok(())
    }
}
