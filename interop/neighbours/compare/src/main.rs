//! Runs each neighbour without vexil and with it, against a local server, and compares the output.
//!
//! `compare <folder>`: the folder contains `alone/` and `beside/`, with the program of each
//! neighbour.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, fs, thread};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<ExitCode> {
    let folder = env::args_os().nth(1).ok_or("usage: compare <folder>")?;
    let folder = Path::new(&folder);
    let authority = folder.join("authority.pem");
    let tls = certificate(&authority)?;
    let http = serve(|stream| answer(stream))?;
    let https = serve(move |stream| answer(StreamOwned::new(ServerConnection::new(Arc::clone(&tls))?, stream)))?;

    let run = |program: &Path| -> Result<String> {
        let output = Command::new(program)
            .env("HTTP_URL", format!("http://localhost:{http}"))
            .env("HTTPS_URL", format!("https://localhost:{https}"))
            .env("SSL_CERT_FILE", &authority)
            .env_remove("SSL_CERT_DIR")
            // Ignores proxy settings in the developer's environment.
            .envs(["NO_PROXY", "no_proxy"].map(|name| (name, "*")))
            .output()?;
        let ending = if output.status.success() {
            String::new()
        } else {
            format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))
        };
        Ok(String::from_utf8(output.stdout)? + &ending)
    };

    let mut names = fs::read_dir(folder.join("alone"))?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    let mut verdict = ExitCode::SUCCESS;
    for name in names {
        let alone = run(&folder.join("alone").join(&name))?;
        let beside = run(&folder.join("beside").join(&name))?;
        let name = name.display();
        if alone == beside && !alone.is_empty() {
            println!("{name}: same output with and without vexil");
        } else {
            println!("{name}: DIFFERENT\n--- without vexil\n{alone}\n--- with vexil\n{beside}");
            verdict = ExitCode::FAILURE;
        }
    }
    Ok(verdict)
}

/// Creates a certificate for `localhost`. Writes its authority to this file.
fn certificate(authority: &Path) -> Result<Arc<ServerConfig>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    fs::write(authority, params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    Ok(Arc::new(config))
}

/// Handles each connection on a separate thread. Returns the port.
fn serve(handle: impl Fn(std::net::TcpStream) -> Result<()> + Clone + Send + 'static) -> Result<u16> {
    let listener = TcpListener::bind("localhost:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            // Errors are ignored: a client that disconnects reports its own failure.
            thread::spawn(move || handle(stream).is_ok());
        }
    });
    Ok(port)
}

/// Answers one request: for DynamoDB with an empty object, for others with the request's headers.
fn answer(stream: impl Read + Write) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length, mut is_aws) = (String::new(), 0, false);
    loop {
        let start = head.len();
        if stream.read_line(&mut head)? <= 2 {
            break;
        }
        let line = head[start..].to_ascii_lowercase();
        is_aws |= line.starts_with("x-amz-target:");
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    let body = if is_aws { "{}" } else { &head };
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.get_mut().write_all(answer.as_bytes())?;
    Ok(stream.get_mut().flush()?)
}
