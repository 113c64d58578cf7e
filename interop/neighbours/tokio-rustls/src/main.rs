//! Plain rustls: `ClientConfig::builder()` uses the only linked crypto provider, and panics if
//! there are two.

use std::env;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

#[tokio::main]
async fn main() {
    let url = env::var("HTTPS_URL").unwrap();
    #[cfg(feature = "vexil")]
    tokio::task::spawn_blocking(|| beside::work(&env::var("HTTPS_URL").unwrap())).await.unwrap();
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(env::var("SSL_CERT_FILE").unwrap()).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let address = url.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Fails at the end, because the server closes without a TLS close message.
    let _ = stream.read_to_end(&mut answer).await;
    println!("{}", String::from_utf8_lossy(&answer));
}
