//! A data system: a client whose data sources stand in for one another. No account needed.
//!
//! `cargo run -p vexil-examples --example data_system` starts a fake service in this process. The
//! client polls once and then streams changes. During an outage of the stream it polls; when the
//! stream is back, it continues from the state of its data. At last the service orders the classic
//! protocol. Each step prints what the flag returns, and the requests that the service received.

use std::sync::mpsc;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use vexil::config::{DataSystem, ServiceEndpoints};
use vexil::{Client, Context};
use vexil_examples::log_to_stderr;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Gate, Request};

const TIMEOUT: Duration = Duration::from_secs(10);

/// When to switch to another source. The defaults are 10 s, 60 s and 300 s.
const SHORT: Duration = Duration::from_millis(200);

fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::ERROR);
    let service = FakeService::start()?;
    service.set("banner", "hello");
    let system = DataSystem::new()
        .fallback_after(SHORT, SHORT)
        .recover_after(SHORT);
    let client = Client::builder("sdk-key-of-no-account")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .data_system(system)
        .without_events()
        .start()?;
    let _closed_at_the_end = client.close_on_drop(TIMEOUT);
    client.blocking_wait_until_ready(TIMEOUT)?;
    service.wait_for_streams(1).wait()?;
    let mut report = Report::default();
    report.print("The client starts", &client, &service)?;

    service.set("banner", "streamed");
    wait_for(&client, "streamed")?;
    report.print("The flag changes", &client, &service)?;

    service.always(Endpoint::PayloadStream, Answer::status(503));
    service.cut_streams().set("banner", "polled");
    wait_for(&client, "polled")?;
    report.print("The stream is away", &client, &service)?;

    service.as_usual(Endpoint::PayloadStream);
    service.wait_for_streams(1).wait()?;
    service.set("banner", "streamed again");
    wait_for(&client, "streamed again")?;
    report.print("The stream is back", &client, &service)?;

    let order = Answer::usual().fallback_directive(None);
    service.always(Endpoint::PayloadPoll, order.clone());
    service.always(Endpoint::PayloadStream, order);
    let gate = Gate::new();
    service.answer(Endpoint::Poll, Answer::usual().after(&gate));
    service.cut_streams().next_request(Endpoint::Poll).wait()?;
    // The other sources have ended, so that this arrives by the classic protocol.
    service.set("banner", "polled by the classic protocol");
    gate.open();
    wait_for(&client, "polled by the classic protocol")?;
    report.print("The service orders the classic protocol", &client, &service)
}

/// Waits until the flag has this value.
fn wait_for(client: &Client, wanted: &str) -> anyhow::Result<()> {
    let (changes, changed) = mpsc::channel();
    let listener = client.flag_tracker().add_listener(move |_| {
        // The receiver is dropped when the flag has the value.
        let _ = changes.send(());
    });
    while banner(client)? != wanted {
        changed.recv_timeout(TIMEOUT)?;
    }
    client.flag_tracker().remove_listener(listener);
    Ok(())
}

fn banner(client: &Client) -> anyhow::Result<String> {
    Ok(client
        .str_variation("banner", &Context::new("ada")?, "the default")
        .to_string())
}

/// Prints each step, with the requests since the last one.
#[derive(Default)]
struct Report {
    printed: usize,
}

impl Report {
    fn print(&mut self, step: &str, client: &Client, service: &FakeService) -> anyhow::Result<()> {
        println!("{step}: the banner is \"{}\".", banner(client)?);
        let requests = service.requests();
        let mut lines: Vec<_> = requests.iter().skip(self.printed).map(line).collect();
        self.printed = requests.len();
        lines.dedup();
        lines.iter().for_each(|line| println!("    {line}"));
        Ok(())
    }
}

fn line(request: &Request) -> String {
    let status = request
        .status()
        .map_or("no answer".to_owned(), |status| status.to_string());
    let basis = match request.basis() {
        Some(basis) => format!("what is new since {basis}"),
        None => "everything".to_owned(),
    };
    format!("GET {} for {basis}: {status}", request.path())
}
