//! Evaluations that read Redis while it is slow.

use std::thread;
use std::time::Duration;

use vexil::Client;
use vexil::config::PersistentStoreConfig;
use vexil::store::CacheMode;
use vexil_redis::{RedisConnection, RedisConnectionBuilder, RedisDataStore};
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;
use vexil_testing::servers::RedisServer;

use crate::refills::{command, complete, until, value};
use crate::support::{TIMEOUT, connection_builder};

const MODES: [CacheMode; 2] = [CacheMode::Off, CacheMode::Ttl(Duration::from_millis(50))];

/// A read-through client behind a proxy.
fn reading(
    mode: CacheMode,
    connection: RedisConnectionBuilder,
    evaluation_timeout: Duration,
) -> (RedisServer, FaultProxy, Client) {
    let server = RedisServer::start().unwrap();
    for write in complete() {
        server.command(command(write, 1)).unwrap();
    }
    let proxy = FaultProxy::start(server.address()).unwrap();
    let connection = connection.url(format!("redis://{}", proxy.address()));
    let store = RedisDataStore::builder().connection(&connection.build().unwrap());
    let store = PersistentStoreConfig::new(store).cache(mode);
    let client = Client::builder("sdk-key")
        .daemon_mode(store)
        .evaluation_timeout(evaluation_timeout)
        .without_events()
        .start()
        .unwrap();
    client.blocking_wait_until_ready(TIMEOUT).unwrap();
    (server, proxy, client)
}

#[test]
fn a_briefly_delayed_reply_costs_time_but_no_value() {
    for mode in MODES {
        for was_known in [false, true] {
            let (_server, proxy, client) = reading(mode, connection_builder(), TIMEOUT);
            if was_known {
                assert_eq!(value(&client, 1), 1);
                thread::sleep(Duration::from_millis(60));
            }
            proxy.stall(Direction::ToClient);
            thread::scope(|scope| {
                let evaluations: Vec<_> = (0..20)
                    .map(|_| {
                        thread::sleep(Duration::from_millis(40));
                        scope.spawn(|| value(&client, 1))
                    })
                    .collect();
                proxy.resume(Direction::ToClient);
                for evaluation in evaluations {
                    assert_eq!(
                        evaluation.join().unwrap(),
                        1,
                        "{mode:?}, known: {was_known}"
                    );
                }
            });
            let status = client.data_store_status().status();
            assert!(
                status.available && status.error.is_none(),
                "{mode:?}, known: {was_known}: {status:?}"
            );
        }
    }
}

#[test]
fn a_silent_server_is_an_outage_that_serves_the_last_known_flags() {
    for mode in MODES {
        let (server, proxy, client) =
            reading(mode, RedisConnection::builder(), Duration::from_secs(2));
        assert_eq!(value(&client, 1), 1);
        proxy.stall(Direction::ToClient);
        until("the outage is detected", || {
            assert_eq!(value(&client, 1), 1, "{mode:?}");
            !client.data_store_status().status().available
        });
        server
            .command(command(crate::refills::Write::Flag(1), 2))
            .unwrap();
        proxy.resume(Direction::ToClient);
        until("the outage is over", || value(&client, 1) == 2);
    }
}
