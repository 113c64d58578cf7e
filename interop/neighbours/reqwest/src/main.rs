//! reqwest, with its default features and without TLS.

use std::env;

#[tokio::main]
async fn main() {
    #[cfg(feature = "vexil")]
    tokio::task::spawn_blocking(|| beside::work(&env::var("HTTPS_URL").unwrap())).await.unwrap();
    let url = env::var(if env!("CARGO_PKG_NAME").ends_with("plain") { "HTTP_URL" } else { "HTTPS_URL" }).unwrap();
    let response = reqwest::get(url).await.unwrap();
    println!("{} {}", response.status(), response.text().await.unwrap());
}
