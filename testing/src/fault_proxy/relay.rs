//! [`listen`]: connects each client to the server and forwards the data.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::Direction;
use super::shared::{End, Shared};

/// The largest piece of data forwarded at once.
const PIECE: usize = 64 << 10;

/// Accepts connections until dropped. Connections outlive it; they end with the runtime.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        // The error concerns a single connection, or too many are open; one of those will end.
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        shared.count(|counts| {
            counts.accepted += 1;
            counts.open += 1;
        });
        let open = Open(Arc::clone(&shared));
        let cuts = shared.cuts();
        tokio::spawn(async move { open.0.connect(client, cuts).await });
    }
}

/// Counts a connection as open for as long as this exists.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.count(|counts| counts.open -= 1);
    }
}

impl Shared {
    async fn connect(&self, mut client: TcpStream, cuts: u64) {
        let relayed = async {
            // A server that is not running looks like one that closes.
            let mut server = TcpStream::connect(self.server).await?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            let end = {
                let (from_client, to_client) = client.split();
                let (from_server, to_server) = server.split();
                let both = async {
                    tokio::try_join!(
                        self.pass_on(Direction::ToServer, from_client, to_server),
                        self.pass_on(Direction::ToClient, from_server, to_client),
                    )
                };
                tokio::select! {
                    biased;
                    end = self.ended(cuts) => Some(end),
                    _ = both => None,
                }
            };
            if let Some(End::Reset) = end {
                client.set_zero_linger()?;
                server.set_zero_linger()?;
            }
            if end.is_some() {
                self.count(|counts| counts.cut += 1);
            }
            io::Result::Ok(())
        };
        // An error ends the connection, which is what the other side sees too.
        let _ = relayed.await;
    }

    /// Completes when this direction ends or breaks.
    async fn pass_on(
        &self,
        direction: Direction,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> io::Result<()> {
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            let length = from.read_buf(&mut piece).await;
            self.flows(direction).await;
            if length? == 0 {
                return to.shutdown().await;
            }
            tokio::time::sleep(self.delay(direction)).await;
            // The direction may have been stalled meanwhile.
            self.flows(direction).await;
            let last = self.corrupt(direction, &mut piece);
            to.write_all(&piece).await?;
            let passed = piece.len() as u64;
            self.count(|counts| match direction {
                Direction::ToServer => counts.to_server += passed,
                Direction::ToClient => counts.to_client += passed,
            });
            if last {
                self.cut(End::Closed);
            }
        }
    }
}
