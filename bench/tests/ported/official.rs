//! A shop that takes its flags from a Relay Proxy.

use std::collections::HashSet;
use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use launchdarkly_sdk_transport::{HttpTransport, HyperTransport, ResponseFuture};
use launchdarkly_server_sdk::{
    ApplicationInfo, Client, ConfigBuilder, Context, ContextBuilder, EventProcessorBuilder,
    ExecutionOrder, FlagDetailConfig, FlagFilter, MigratorBuilder, MultiContextBuilder,
    ServiceEndpointsBuilder, Stage, StreamingDataSourceBuilder,
};
use serde::Deserialize;
use serde_json::json;

/// Adds the name of the tenant to every request.
#[derive(Clone)]
struct WithTenant(HyperTransport);

impl HttpTransport for WithTenant {
    fn request(&self, mut request: Request<Option<Bytes>>) -> ResponseFuture {
        let headers = request.headers_mut();
        headers.insert("x-tenant", HeaderValue::from_static("shop"));
        self.0.request(request)
    }
}

#[derive(Deserialize)]
struct Limits {
    requests: u32,
    burst: u32,
}

/// A customer, and the company that the customer works for.
fn customer() -> Result<Context, String> {
    let mut person = ContextBuilder::new("ada");
    person
        .name("Ada")
        .set_string("country", "GB")
        .set_string("email", "ada@example.com")
        .set_float("age", 36.0)
        .set_value("groups", vec!["beta", "staff"].into());
    person.add_private_attribute("email");
    let company = ContextBuilder::new("acme")
        .kind("org")
        .set_string("plan", "pro")
        .build()?;
    MultiContextBuilder::new()
        .add_context(person.build()?)
        .add_context(company)
        .build()
}

fn greeting(client: &Client, context: &Context) -> String {
    if client.bool_variation(context, "new-checkout", false) {
        let theme = client.str_variation(context, "theme", "light".to_owned());
        format!("new checkout, {theme} theme")
    } else {
        "old checkout".to_owned()
    }
}

/// Serves one customer, and returns what the customer sees.
pub(crate) async fn serve(sdk_key: &str, relay: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let transport = WithTenant(HyperTransport::new()?);
    let mut application = ApplicationInfo::new();
    application
        .application_identifier("shop")
        .application_version("1.2.3");
    let config = ConfigBuilder::new(sdk_key)
        .service_endpoints(ServiceEndpointsBuilder::new().relay_proxy(relay))
        .data_source(StreamingDataSourceBuilder::new().transport(transport.clone()))
        .event_processor(
            EventProcessorBuilder::new()
                .transport(transport)
                .private_attributes(HashSet::from(["age"])),
        )
        .application_info(application)
        .build()?;
    let client = Arc::new(Client::build(config)?);
    client.start_with_default_executor();
    match client
        .wait_for_initialization(Duration::from_secs(10))
        .await
    {
        Some(true) => {}
        Some(false) => return Err("the client could not start".into()),
        None => return Err("the client is not ready in time".into()),
    }

    let context = customer()?;
    let mut lines = vec![greeting(&client, &context)];
    let limits = client.json_variation(&context, "limits", json!({"requests": 1, "burst": 1}));
    let limits: Limits = serde_json::from_value(limits)?;
    lines.push(format!(
        "{} requests, burst {}",
        limits.requests, limits.burst
    ));
    let rate = client.int_variation_detail(&context, "rate", 10);
    let reason = serde_json::to_string(&rate.reason)?;
    lines.push(format!("rate {}: {reason}", rate.value.unwrap_or(10)));
    let mut options = FlagDetailConfig::new();
    options.flag_filter(FlagFilter::CLIENT);
    let state = client.all_flags_detail(&context, options);
    lines.push(serde_json::to_value(state)?.to_string());

    client.identify(context.clone());
    client.track_event(context.clone(), "viewed");
    client.track_data(context.clone(), "added", json!({"sku": 7}))?;
    client.track_metric(context.clone(), "paid", 9.99, json!({"currency": "GBP"}));

    let mut orders = MigratorBuilder::new(client.clone())
        .read_execution_order(ExecutionOrder::Serial)
        .read(
            |id: &u32| Box::pin(ready(Ok(format!("old order {id}")))),
            |id: &u32| Box::pin(ready(Ok(format!("new order {id}")))),
            Some(|one, other| one == other),
        )
        .write(
            |id: &u32| Box::pin(ready(Ok(format!("old order {id}")))),
            |id: &u32| Box::pin(ready(Ok(format!("new order {id}")))),
        )
        .build()?;
    let read = orders
        .read(&context, "move-orders".to_owned(), Stage::Off, 1)
        .await;
    lines.push(read.result?);

    client.close();
    Ok(lines)
}
