//! Health checks of a connection, in paused time.

use std::sync::atomic::Ordering::Relaxed;

use redis::AsyncConnectionConfig;
use redis::RedisConnectionInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

/// A connection and the server's end of it.
async fn connection() -> (OpenConnection, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let login = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let (connection, driver) = MultiplexedConnection::new_with_config(&login, ours, config)
        .await
        .unwrap();
    tokio::spawn(driver);
    (
        OpenConnection::new(connection, &Timeouts::default()),
        theirs,
    )
}

/// Replies to every request, and counts them.
async fn reply(mut server: DuplexStream, count: Arc<AtomicUsize>) {
    let mut request = [0; 1024];
    while server
        .read(&mut request)
        .await
        .is_ok_and(|length| length > 0)
    {
        count.fetch_add(1, Relaxed);
        server.write_all(b"+PONG\r\n").await.unwrap();
    }
}

// STO-F32: PING each 10 s
#[tokio::test(start_paused = true)]
async fn a_healthy_connection_is_pinged_every_ten_seconds() {
    let (open, server) = connection().await;
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(reply(server, Arc::clone(&count)));
    let changes = Changes::new();
    let minute = timeout(Duration::from_secs(65), open.keep(&changes, None, 0)).await;
    assert!(minute.is_err(), "the connection is kept");
    assert_eq!(count.load(Relaxed), 6);
}

// STO-F7 and STO-F32: a silently dead connection
#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_replaced_after_three_pings() {
    let (open, _server) = connection().await;
    let start = Instant::now();
    open.keep(&Changes::new(), None, 0).await;
    assert_eq!(
        start.elapsed().as_secs(),
        16,
        "ten seconds, then two for each ping"
    );
    assert!(open.is_dead());
}

// A request behind a large reply may be late although the connection works
#[tokio::test(start_paused = true)]
async fn requests_behind_a_large_reply_do_not_count_as_late() {
    let (open, mut server) = connection().await;
    let everything = Request::one("k", redis::cmd("HGETALL"), RequestClass::Bulk);
    let one = Request::one("k", redis::cmd("HGET"), RequestClass::Read);
    let deadline = |seconds| Instant::now() + Duration::from_secs(seconds);
    let all = {
        let (open, deadline) = (open.clone(), deadline(10));
        tokio::spawn(async move { open.send(&everything, false, deadline).await })
    };
    tokio::task::yield_now().await;
    for _ in 0..5 {
        assert!(matches!(
            open.send(&one, false, deadline(1)).await,
            Err(CommandError::Timeout)
        ));
    }
    assert!(!open.is_dead());
    server.write_all(b"*0\r\n").await.unwrap();
    assert!(all.await.unwrap().is_ok());
    for _ in 0..3 {
        assert!(!open.is_dead());
        assert!(matches!(
            open.send(&one, false, deadline(1)).await,
            Err(CommandError::Timeout)
        ));
    }
    assert!(open.is_dead());
}
