//! [`Tap`]: a connection to DynamoDB that records requests, and can reply instead of the server.
//!
//! A local server does not throttle, leave items unprocessed or stop replying on demand.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{Config, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::Notify;
use vexil_dynamodb::aws_sdk_dynamodb;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// `GetItem`, `Query`, …
    pub(crate) operation: String,
    pub(crate) body: Value,
}

/// How a request is handled.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Sent to the server.
    Pass,
    /// The first value is sent to the server instead; if that succeeds, the second is the reply.
    Instead(Value, Value),
    /// Not sent; this is the reply.
    Answer(u16, Value),
    /// Not sent; this is the reply, once it is released.
    Held(Arc<Notify>, Value),
    /// The connection fails.
    Broken,
    /// There is no reply.
    Silence,
}

type Decide = dyn Fn(usize, &Call) -> Reply + Send + Sync;

/// See the [module documentation](self).
#[derive(Clone)]
pub(crate) struct Tap {
    server: SharedHttpClient,
    calls: Arc<Mutex<Vec<Call>>>,
    /// Decides how a request is handled, by its number and content.
    decide: Arc<Decide>,
}

impl Tap {
    pub(crate) fn new(decide: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            server: super::http(),
            calls: Arc::default(),
            decide: Arc::new(decide),
        }
    }

    /// Passes everything to the server.
    pub(crate) fn open() -> Self {
        Self::new(|_, _| Reply::Pass)
    }

    /// A client over this connection, without retries.
    pub(crate) fn client(&self) -> aws_sdk_dynamodb::Client {
        super::client_over(SharedHttpClient::new(self.clone()))
    }

    /// Like [`Tap::client`], with other settings.
    pub(crate) fn client_with(
        &self,
        settings: impl FnOnce(aws_sdk_dynamodb::config::Builder) -> Config,
    ) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(settings(self.client().config().to_builder()))
    }

    /// The requests so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The names of the requests so far.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.calls()
            .into_iter()
            .map(|call| call.operation)
            .collect()
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl HttpClient for Tap {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            server: self.server.http_connector(settings, components),
            tap: self.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    server: SharedHttpConnector,
    tap: Tap,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = request
            .headers()
            .get("x-amz-target")
            .unwrap()
            .rsplit('.')
            .next()
            .unwrap()
            .to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let call = Call { operation, body };
        let number = {
            let mut calls = self.tap.calls.lock().unwrap();
            calls.push(call.clone());
            calls.len() - 1
        };
        match (self.tap.decide)(number, &call) {
            Reply::Pass => self.server.call(request),
            Reply::Instead(body, answer) => {
                let body = body.to_string();
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
                *request.body_mut() = SdkBody::from(body);
                let sent = self.server.call(request);
                HttpConnectorFuture::new(async move {
                    let received = sent.await?;
                    Ok(if received.status().is_success() {
                        response(200, &answer)
                    } else {
                        received
                    })
                })
            }
            Reply::Answer(status, body) => HttpConnectorFuture::ready(Ok(response(status, &body))),
            Reply::Held(release, body) => HttpConnectorFuture::new(async move {
                release.notified().await;
                Ok(response(200, &body))
            }),
            Reply::Broken => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("the connection broke".into())))
            }
            Reply::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(
        StatusCode::try_from(status).unwrap(),
        SdkBody::from(body.to_string()),
    )
}
