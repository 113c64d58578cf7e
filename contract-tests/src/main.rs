//! Serves on a local port until stopped by `DELETE /`.

use std::error::Error;
use std::io::IsTerminal;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tracing::Level;
use vexil::transport::RetryPolicy;
use vexil_contract_tests::Options;

const USAGE: &str = "usage: vexil-contract-tests [PORT]   (default: 8000)";
const DEFAULT_PORT: u16 = 8000;

/// If set, clients stop permanently after a refusal, as in older SDKs.
const LEGACY_STOP: &str = "VEXIL_CONTRACT_LEGACY_STOP";
/// If set, databases are used in the default mode, whatever cache the harness requests.
const DEFAULT_STORE_MODE: &str = "VEXIL_CONTRACT_DEFAULT_STORE_MODE";
/// The log level, such as `debug`.
const LOG: &str = "VEXIL_CONTRACT_LOG";

fn main() -> Result<(), Box<dyn Error>> {
    let port = port(std::env::args().skip(1))?;
    let level = std::env::var(LOG).map_or(Ok(Level::INFO), |level| level.parse())?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
    let retry_policy = match std::env::var_os(LEGACY_STOP) {
        Some(_) => RetryPolicy::LegacyStop,
        None => RetryPolicy::NeverStop,
    };
    let options = Options {
        retry_policy,
        default_store_mode: std::env::var_os(DEFAULT_STORE_MODE).is_some(),
    };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            tracing::info!(address = %listener.local_addr()?, ?options, "listening");
            vexil_contract_tests::serve(listener, options).await?;
            Ok(())
        })
}

fn port(mut arguments: impl Iterator<Item = String>) -> Result<u16, String> {
    match (arguments.next(), arguments.next()) {
        (None, _) => Ok(DEFAULT_PORT),
        (Some(port), None) => port
            .parse()
            .map_err(|error| format!("{port}: {error}; {USAGE}")),
        (Some(_), Some(_)) => Err(USAGE.to_owned()),
    }
}
