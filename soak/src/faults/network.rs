//! Faults of a connection.

use std::time::Duration;

use fastrand::Rng;
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;

use crate::modes::Behind;
use crate::relay::Failure;
use crate::stop::Stop;

/// Breaks a connection for a random time, at most 4 s, and returns the kind of the fault.
pub(super) fn inject(
    proxy: &FaultProxy,
    to: Behind,
    random: &mut Rng,
    stop: &Stop,
) -> Result<String, Failure> {
    let kinds = if to == Behind::DynamoDb { 9 } else { 8 };
    let kind = match random.u8(..kinds) {
        0 => {
            proxy.cut();
            "cut"
        }
        1 => {
            proxy.reset();
            "reset"
        }
        2 => {
            proxy.cut_after(Direction::ToClient, random.u64(..4_000));
            "cut in an answer"
        }
        3 => {
            proxy.cut_after(Direction::ToServer, random.u64(..1_000));
            "cut in a request"
        }
        4 => {
            proxy.refuse();
            proxy.cut();
            "refused"
        }
        5 => {
            let time = Duration::from_millis(random.u64(1..400));
            proxy.delay(Direction::ToClient, time);
            "slow"
        }
        6 => {
            let toward = random.choice([Direction::ToClient, Direction::ToServer]);
            proxy.stall(toward.unwrap_or(Direction::ToClient));
            "silent"
        }
        7 => {
            // No protocol of the test accepts this byte. Other garbage may be a valid reply by chance,
            // after which the replies of Redis would belong to the wrong requests.
            proxy.corrupt(Direction::ToClient, |bytes| bytes.fill(0xff));
            "garbage"
        }
        _ => {
            proxy.corrupt(Direction::ToClient, throttle);
            "throttled"
        }
    };
    stop.wait(Duration::from_millis(random.u64(50..4_000)));
    proxy.restore()?;
    Ok(format!("network: {kind}"))
}

/// Replaces an answer of DynamoDB by one that refuses the request for now.
fn throttle(bytes: &mut Vec<u8>) {
    const BODY: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slower"}"#;
    let is_first = bytes.starts_with(b"HTTP/1.1 ");
    bytes.clear();
    if is_first {
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        bytes.extend_from_slice(answer.as_bytes());
    }
}
