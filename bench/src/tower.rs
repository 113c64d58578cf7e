//! What the tower layer adds to a request, beside the same service without it, without events.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context as TaskContext, Poll, Waker};

use ::tower::{Layer, Service, service_fn};
use http::{Request, Response};
use vexil::{Client, Context};
use vexil_tower::{RequestScope, ScopeLayer};

use crate::allocations::Allocated;
use crate::lanes::compare;
use crate::measure::{Batch, Lane, Pace, batch};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::generate;

const FLAG: &str = "bench-simple";
const USER: &str = "ada";

/// The future of a service that answers at once.
type Answer = Ready<Result<Response<bool>, Infallible>>;

/// Returns a plain evaluation, a service that evaluates nothing, and one that evaluates a flag for a
/// context of its own, each without the layer and with it.
pub(crate) fn lanes() -> Result<[Lane; 5], Box<dyn Error>> {
    let source = Ours::test_data(Ours::parse(&generate(1_000).to_json()?)?);
    let client = Ours::client(&source)?;
    let layer = ScopeLayer::new(client.clone(), |_| || Context::new(USER));
    let mut scoped = layer.layer(service_fn(scoped));
    if !request(&mut scoped) {
        return Err(format!("`{FLAG}` is not true behind the layer").into());
    }
    let (plainly, ada) = (client.clone(), Context::new(USER)?);
    Ok([
        Lane::new(
            "a plain evaluation",
            batch(move || Ours::bool_variation(&plainly, FLAG, &ada)),
        ),
        Lane::new("no flag", requests(service_fn(|_| respond(true)))),
        Lane::new(
            "no flag, with the layer",
            requests(layer.layer(service_fn(|_| respond(true)))),
        ),
        Lane::new("one flag", requests(service_fn(plain(client)))),
        Lane::new("one flag, with the layer", requests(scoped)),
    ])
}

fn plain(client: Client) -> impl FnMut(Request<()>) -> Answer {
    move |_| respond(client.bool_variation(FLAG, &Context::new(USER), false))
}

fn scoped(request: Request<()>) -> Answer {
    let scope = RequestScope::of(request.extensions());
    respond(scope.is_some_and(|scope| scope.bool_variation(FLAG, false)))
}

fn respond(value: bool) -> Answer {
    ready(Ok(Response::new(value)))
}

/// Sends requests to a service, one after the other.
fn requests<S>(mut service: S) -> Batch
where
    S: Service<Request<()>, Response = Response<bool>, Error = Infallible, Future = Answer>
        + 'static,
{
    batch(move || request(&mut service))
}

/// Sends a request. A new one has no extensions yet, so the layer also pays for their table.
fn request<S>(service: &mut S) -> bool
where
    S: Service<Request<()>, Response = Response<bool>, Error = Infallible, Future = Answer>,
{
    let ready = service.poll_ready(&mut TaskContext::from_waker(Waker::noop()));
    let Poll::Ready(Ok(())) = ready else {
        return false;
    };
    let Ok(response) = service.call(black_box(Request::new(()))).into_inner();
    response.into_body()
}

pub(crate) fn report(
    pace: Pace,
    allocated: &HashMap<String, Allocated>,
) -> Result<Report, Box<dyn Error>> {
    let compared = compare("requests", lanes()?, pace, allocated);
    let [plain, none, none_layered, one, one_layered] = compared.medians;
    let [_, _, allocations, ..] = compared.allocations;
    let added = none_layered - none;
    Ok(Report {
        text: compared.table
            + &format!(
                "the layer adds {:.1} plain evaluations to a request without flags, {:.1} to one with a flag\n",
                added / plain,
                (one_layered - one) / plain,
            ),
        findings: vec![
            Finding::new(
                "the tower layer adds to a request without flags, ns",
                added,
                Target::AtMost(100.0),
            ),
            Finding::new(
                "the tower layer allocates for a request without flags, times",
                allocations,
                Target::AtMost(4.0),
            ),
        ],
    })
}
