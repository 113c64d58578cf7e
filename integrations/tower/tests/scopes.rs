//! Scopes of requests in tower, axum and tonic.
#![cfg(test)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};
use vexil::{Client, Context};
use vexil_testing::TestData;
use vexil_tower::{RequestScope, ScopeLayer};

fn client(flags: &TestData) -> Client {
    let client = Client::builder("sdk-key").data_source(flags.clone());
    client.without_events().start().unwrap()
}

/// A layer whose contexts have the key in the header `x-user`.
fn layer(
    client: Client,
) -> ScopeLayer<impl Fn(&http::request::Parts) -> Box<dyn FnOnce() -> Context + Send> + Clone> {
    ScopeLayer::new(client, |request: &http::request::Parts| {
        let user = request.headers["x-user"].clone();
        Box::new(move || Context::new(user.to_str().unwrap()).unwrap())
            as Box<dyn FnOnce() -> Context + Send>
    })
}

fn request(user: &str) -> Request<()> {
    Request::builder()
        .header("x-user", user)
        .header("traceparent", "00-1")
        .body(())
        .unwrap()
}

fn scope(request: &Request<()>) -> &RequestScope {
    RequestScope::of(request.extensions()).expect("the request has passed the layer")
}

#[test]
fn each_request_has_its_context() {
    let flags = TestData::new();
    let theme = flags.flag("theme").variations(["light", "dark"]);
    flags.update(theme.variation_for_user("ada", 1).fallthrough_variation(0));
    let service = layer(client(&flags)).layer(service_fn(async |request: Request<()>| {
        assert_eq!(request.headers()["traceparent"], "00-1");
        let mut response = Response::new(scope(&request).str_variation("theme", ""));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response
            .headers_mut()
            .insert("traceparent", "00-2".parse().unwrap());
        Ok::<_, Infallible>(response)
    }));
    for (user, expected) in [("ada", "dark"), ("bob", "light")] {
        let response = pollster::block_on(service.clone().oneshot(request(user))).unwrap();
        assert_eq!(response.body(), expected);
        assert_eq!(
            (response.status(), &response.headers()["traceparent"]),
            (StatusCode::IM_A_TEAPOT, &"00-2".parse().unwrap())
        );
    }
}

#[test]
fn a_change_reaches_the_next_request_only() {
    let flags = TestData::new().with("a", true).with("b", true);
    let changed = flags.clone();
    let mut service = layer(client(&flags)).layer(service_fn(async |request: Request<()>| {
        let scope = scope(&request);
        let a = scope.bool_variation("a", false);
        changed.set("a", false).set("b", false);
        let clone = scope.clone();
        let b = std::thread::spawn(move || clone.bool_variation("b", false))
            .join()
            .unwrap();
        Ok::<_, Infallible>(Response::new((a, b)))
    }));
    for expected in [(true, true), (false, false)] {
        let response = pollster::block_on(service.call(request("ada"))).unwrap();
        assert_eq!(response.into_body(), expected);
    }
}

#[test]
fn the_context_is_made_once_and_only_if_a_flag_is_evaluated() {
    let made = Arc::new(AtomicUsize::new(0));
    let flags = TestData::new().with("a", true);
    let counter = Arc::clone(&made);
    let layer = ScopeLayer::new(client(&flags), move |_| {
        let counter = Arc::clone(&counter);
        move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Context::new("ada")
        }
    });
    for (evaluations, expected) in [(0, 0), (3, 1)] {
        let service = layer.layer(service_fn(async |request: Request<()>| {
            for _ in 0..evaluations {
                assert!(scope(&request).bool_variation("a", false));
            }
            Ok::<_, Infallible>(Response::new(()))
        }));
        pollster::block_on(service.oneshot(Request::new(()))).unwrap();
        assert_eq!(made.load(Ordering::Relaxed), expected);
    }
}

#[test]
fn without_a_context_evaluations_return_defaults() {
    let flags = TestData::new().with("a", true);
    let invalid = ScopeLayer::new(client(&flags), |_| || Context::new(""));
    let panics = ScopeLayer::new(client(&flags), |_| || -> Context { panic!("no context") });
    let service = invalid.layer(service_fn(async |request: Request<()>| {
        let detail = scope(&request).bool_variation_detail("a", false);
        assert!(!detail.value && detail.reason.error().is_some());
        Ok::<_, Infallible>(Response::new(()))
    }));
    pollster::block_on(service.oneshot(Request::new(()))).unwrap();

    let service = panics.layer(service_fn(async |request: Request<()>| {
        let scope = scope(&request).clone();
        let evaluate = || scope.bool_variation("a", false);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(evaluate)).is_err());
        assert!(!evaluate(), "the closure is not called again");
        Ok::<_, Infallible>(Response::new(()))
    }));
    pollster::block_on(service.oneshot(Request::new(()))).unwrap();
}

#[cfg(feature = "axum")]
#[test]
fn a_handler_of_axum_has_the_scope_as_an_argument() {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;

    async fn theme(scope: RequestScope) -> String {
        scope.str_variation("theme", "light").to_string()
    }
    let flags = TestData::new().with("theme", "dark");
    let routes = || Router::new().route("/", get(theme));
    let with_layer: Router =
        routes().layer(ScopeLayer::new(client(&flags), |_| || Context::new("ada")));
    for (app, status, body) in [
        (with_layer, StatusCode::OK, "dark"),
        (
            routes(),
            StatusCode::INTERNAL_SERVER_ERROR,
            "the route has no layer that adds a scope to its requests",
        ),
    ] {
        let response = pollster::block_on(app.oneshot(Request::new(Body::empty()))).unwrap();
        assert_eq!(response.status(), status);
        let bytes = pollster::block_on(to_bytes(response.into_body(), 1000)).unwrap();
        assert_eq!(bytes, body);
    }
}

#[test]
fn an_interceptor_of_tonic_finds_the_scope_of_the_metadata() {
    use tonic::service::interceptor::InterceptorLayer;
    use tonic::{Request as GrpcRequest, Status};

    let flags = TestData::new();
    let may_call = flags.flag("may-call").variations([false, true]);
    flags.update(
        may_call
            .variation_for_user("ada", 1)
            .fallthrough_variation(0),
    );
    let check = |request: GrpcRequest<()>| {
        let scope =
            RequestScope::of(request.extensions()).expect("the request has passed the layer");
        match scope.bool_variation("may-call", false) {
            true => Ok(request),
            false => Err(Status::permission_denied("not yet")),
        }
    };
    let service =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
    let service = layer(client(&flags)).layer(InterceptorLayer::new(check).layer(service));
    for (user, status) in [("ada", None), ("bob", Some("7"))] {
        let response = pollster::block_on(service.clone().oneshot(request(user))).unwrap();
        let found = response
            .headers()
            .get("grpc-status")
            .map(|status| status.to_str().unwrap());
        assert_eq!(found, status, "{user}");
    }
}
