//! A connection is watched over, in no time.

use std::sync::atomic::Ordering::Relaxed;

use redis::AsyncConnectionConfig;
use redis::RedisConnectionInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

/// A connection, and the server's end of it.
async fn connection() -> (Live, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let login = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let (connection, driver) = MultiplexedConnection::new_with_config(&login, ours, config)
        .await
        .unwrap();
    tokio::spawn(driver);
    (Live::new(connection, &Limits::default()), theirs)
}

/// Answers every request, and counts them.
async fn answer(mut server: DuplexStream, count: Arc<AtomicUsize>) {
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
async fn a_connection_that_works_is_asked_every_ten_seconds() {
    let (live, server) = connection().await;
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(answer(server, Arc::clone(&count)));
    let changes = Changes::new();
    let minute = timeout(Duration::from_secs(65), live.keep(&changes, None, 0)).await;
    assert!(minute.is_err(), "it is kept");
    assert_eq!(count.load(Relaxed), 6);
}

// STO-F7 and STO-F32: a channel that is dead without a word
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_silent_is_given_up_after_three_questions() {
    let (live, _server) = connection().await;
    let start = Instant::now();
    live.keep(&Changes::new(), None, 0).await;
    assert_eq!(
        start.elapsed().as_secs(),
        16,
        "ten seconds, and then two for each question"
    );
    assert!(live.is_condemned());
}

// Whatever waits behind a large answer is late for a reason
#[tokio::test(start_paused = true)]
async fn behind_a_large_answer_nobody_is_late() {
    let (live, mut server) = connection().await;
    let everything = Request::one("k", redis::cmd("HGETALL"), Limit::Bulk);
    let one = Request::one("k", redis::cmd("HGET"), Limit::Read);
    let deadline = |seconds| Instant::now() + Duration::from_secs(seconds);
    let all = {
        let (live, deadline) = (live.clone(), deadline(10));
        tokio::spawn(async move { live.send(&everything, false, deadline).await })
    };
    tokio::task::yield_now().await;
    for _ in 0..5 {
        assert!(matches!(
            live.send(&one, false, deadline(1)).await,
            Err(Fault::Timeout)
        ));
    }
    assert!(!live.is_condemned());
    server.write_all(b"*0\r\n").await.unwrap();
    assert!(all.await.unwrap().is_ok());
    for _ in 0..3 {
        assert!(!live.is_condemned());
        assert!(matches!(
            live.send(&one, false, deadline(1)).await,
            Err(Fault::Timeout)
        ));
    }
    assert!(live.is_condemned());
}
