//! A shop that takes its flags from a Relay Proxy.

use std::error::Error;
use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vexil::client::FlagsStateOptions;
use vexil::config::{ApplicationInfo, EventsConfig, HttpConfig, ServiceEndpoints};
use vexil::migration::{AsyncMigrator, ExecutionOrder, Stage};
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
use vexil::{Client, Context, ContextError};

/// Adds the name of the tenant to every request.
#[derive(Debug)]
struct WithTenant(Arc<dyn HttpTransport>);

#[vexil::async_trait]
impl HttpTransport for WithTenant {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        let headers = request.headers_mut();
        headers.insert("x-tenant", HeaderValue::from_static("shop"));
        self.0.send(request, options).await
    }
}

#[derive(Deserialize, Serialize)]
struct Limits {
    requests: u32,
    burst: u32,
}

/// A customer, and the company that the customer works for.
fn customer() -> Result<Context, ContextError> {
    let person = Context::builder("ada")
        .name("Ada")
        .set("country", "GB")
        .set("email", "ada@example.com")
        .set("age", 36)
        .set("groups", ["beta", "staff"])
        .private(["email"])
        .build()?;
    let company = Context::builder("acme")
        .kind("org")
        .set("plan", "pro")
        .build()?;
    Context::multi([person, company])
}

fn greeting(client: &Client, context: &Context) -> String {
    if client.bool_variation("new-checkout", context, false) {
        let theme = client.str_variation("theme", context, "light");
        format!("new checkout, {theme} theme")
    } else {
        "old checkout".to_owned()
    }
}

/// Serves one customer, and returns what the customer sees.
pub(crate) async fn serve(sdk_key: &str, relay: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let client = Client::builder(sdk_key)
        .service_endpoints(ServiceEndpoints::relay(relay))
        .http(HttpConfig::new().transport(WithTenant(HttpConfig::new().build()?)))
        .events(EventsConfig::new().private_attributes(["age"]))
        .application(ApplicationInfo::new().id("shop").version("1.2.3"))
        .start()?;
    client.wait_until_ready(Duration::from_secs(10)).await?;

    let context = customer()?;
    let mut lines = vec![greeting(&client, &context)];
    let default = Limits {
        requests: 1,
        burst: 1,
    };
    let limits = client.json_as("limits", &context, default);
    lines.push(format!(
        "{} requests, burst {}",
        limits.requests, limits.burst
    ));
    let rate = client.int_variation_detail("rate", &context, 10);
    let reason = serde_json::to_string(&rate.reason)?;
    lines.push(format!("rate {}: {reason}", rate.value));
    let options = FlagsStateOptions::new().client_side_only(true);
    let state = client.all_flags_state(&context, options);
    lines.push(state.to_json().to_string());

    client.identify(&context);
    client.track("viewed", &context);
    client.track_data("added", &context, json!({"sku": 7}));
    client.track_metric("paid", &context, 9.99, json!({"currency": "GBP"}));

    let orders = AsyncMigrator::builder(&client)
        .read_execution_order(ExecutionOrder::Serial)
        .read(
            |id: u32| ready(Ok::<_, io::Error>(format!("old order {id}"))),
            |id: u32| ready(Ok::<_, io::Error>(format!("new order {id}"))),
        )
        .compare(|one, other| one == other)
        .write(
            |id: u32| ready(Ok::<_, io::Error>(format!("old order {id}"))),
            |id: u32| ready(Ok::<_, io::Error>(format!("new order {id}"))),
        )
        .build()?;
    let read = orders.read("move-orders", &context, Stage::Off, 1).await;
    lines.push(read.result?);

    client.close(Duration::from_secs(5)).await;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use vexil_testing::{FlagBuilder, TestData};

    use super::*;

    #[test]
    fn a_customer_in_britain_sees_the_new_checkout() -> Result<(), Box<dyn Error>> {
        let flags = TestData::new().with("theme", "dark");
        flags.update(
            FlagBuilder::new("new-checkout")
                .if_match("country", ["GB"])
                .then_return(true)
                .fallthrough_variation(false),
        );
        let client = Client::builder("sdk-key")
            .data_source(flags.clone())
            .start()?;

        assert_eq!(greeting(&client, &customer()?), "new checkout, dark theme");
        flags.update(flags.flag("new-checkout").on(false));
        assert_eq!(greeting(&client, &customer()?), "old checkout");
        Ok(())
    }
}
