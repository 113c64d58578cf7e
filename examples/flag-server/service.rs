//! A service that uses the flags of `vexil serve`, and prints a line when one has another value.
//!
//! `cargo run -p vexil-examples --example flag_server -- http://127.0.0.1:8765`: the other parts of
//! the example, and how to start the flag server, are in `README.md` beside this file.

use std::env;
use std::sync::mpsc;
use std::time::Duration;

use vexil::config::ServiceEndpoints;
use vexil::{Client, Context};

const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:8765".to_owned());
    // The flag server accepts any SDK key.
    let client = Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(url.as_str()))
        .start()?;
    client.blocking_wait_until_ready(TIMEOUT)?;

    let (changes, changed) = mpsc::channel();
    client.flag_tracker().add_listener(move |_| {
        // The receiver is dropped only when the process ends.
        let _ = changes.send(());
    });
    let user = Context::builder("ada").set("visits", 3).build()?;
    let mut printed = String::new();
    loop {
        let line = format!(
            "Rust: theme {}, greeting {}, search-timeout-ms {}",
            client.str_variation("theme", &user, "light"),
            client.str_variation("greeting", &user, "Hello!"),
            client.int_variation("search-timeout-ms", &user, 500),
        );
        if line != printed {
            println!("{line}");
            printed = line;
        }
        changed.recv()?;
    }
}
