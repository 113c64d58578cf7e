//! A `Retry-After` header makes a client neither too fast nor silent.

use std::time::Duration;

use crate::service::Service;
use crate::support::{SOON, ada};

#[tokio::test(start_paused = true)]
async fn events_are_retried_after_a_second_whatever_the_service_asks_for() {
    let values: [&[u8]; 7] = [
        b"0",
        b"-1",
        b"0.0001",
        b"99999999999999999999",
        b"Fri, 31 Dec 1999 23:59:59 GMT",
        b"soon",
        b"\xff",
    ];
    for value in values {
        let service = Service::overloaded(value);
        let client = service.client().start().unwrap();
        client.wait_until_ready(SOON).await.unwrap();
        client.track("event", &ada());
        assert!(client.flush_and_wait(SOON).await);
        let gaps: Vec<_> = service
            .deliveries()
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect();
        assert_eq!(gaps, [Duration::from_secs(1)], "{value:?}");
        assert_eq!(client.event_stats().dropped_payloads, 1);
        client.close(SOON).await;
    }
}
