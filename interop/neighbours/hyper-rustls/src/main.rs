//! hyper with hyper-rustls, which selects the crypto provider itself and trusts the operating
//! system's roots.

use std::env;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

#[tokio::main]
async fn main() {
    let url = env::var("HTTPS_URL").unwrap();
    #[cfg(feature = "vexil")]
    tokio::task::spawn_blocking(|| beside::work(&env::var("HTTPS_URL").unwrap())).await.unwrap();
    let connector = HttpsConnectorBuilder::new().with_native_roots().unwrap().https_only().enable_http1().build();
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
    let response = client.get(url.parse().unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    println!("{status} {}", String::from_utf8_lossy(&body));
}
