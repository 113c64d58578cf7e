//! Orders of patches: placed by a request, executed by the streaming connections.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

const PATH: &str = "/ctl/patch?";

/// An order of evenly spaced patches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Order {
    pub(super) patches: u32,
    pub(super) apart: Duration,
}

impl Order {
    /// Parses an order from a request target `/ctl/patch?rate=R&secs=S`, for R patches per second.
    pub(super) fn parse(target: &str) -> Option<Self> {
        let query = target.strip_prefix(PATH)?;
        let number = |name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(known, _)| *known == name)?
                .1
                .parse::<f64>()
                .ok()
        };
        let (rate, seconds) = (number("rate")?, number("secs")?);
        let apart = Duration::try_from_secs_f64(1.0 / rate).ok()?;
        Some(Self {
            patches: (rate * seconds).round() as u32,
            apart,
        })
    }
}

/// Orders patches from a service: `rate` per second for `seconds`, starting now. Returns when they
/// have started.
pub(crate) fn order_patches(url: &str, rate: u32, seconds: f64) -> io::Result<()> {
    let mut connection = TcpStream::connect(url.trim_start_matches("http://"))?;
    let request =
        format!("POST {PATH}rate={rate}&secs={seconds} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer)?;
    match answer.contains(" 202 ") {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "unexpected answer of the service: {answer}"
        ))),
    }
}

/// The last order with its number, by which a connection recognizes a new order.
#[derive(Debug, Default)]
pub(super) struct Orders {
    last: Mutex<(u64, Option<Order>)>,
    placed: Condvar,
}

impl Orders {
    pub(super) fn place(&self, order: Order) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (last.0 + 1, Some(order));
        drop(last);
        self.placed.notify_all();
    }

    pub(super) fn last_number(&self) -> u64 {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits for an order after the one with this number. Returns `None` on timeout.
    pub(super) fn next(&self, number: &mut u64, limit: Duration) -> Option<Order> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .placed
            .wait_timeout_while(last, limit, |last| last.0 == *number);
        let (last, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if last.0 == *number {
            return None;
        }
        *number = last.0;
        last.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_contains_its_rate_and_duration() {
        let order = Order {
            patches: 500,
            apart: Duration::from_millis(1),
        };
        assert_eq!(Order::parse("/ctl/patch?rate=1000&secs=0.5"), Some(order));
        assert_eq!(Order::parse("/ctl/patch?secs=0.5&rate=1000"), Some(order));
        for other in [
            "/bulk",
            "/ctl/patch?rate=1000",
            "/ctl/patch?rate=many&secs=1",
            "/ctl/patch?rate=0&secs=1",
        ] {
            assert_eq!(Order::parse(other), None, "{other}");
        }
    }

    #[test]
    fn an_order_is_executed_once() {
        let orders = Orders::default();
        let mut number = orders.last_number();
        let order = Order {
            patches: 1,
            apart: Duration::from_millis(1),
        };
        orders.place(order);
        assert_eq!(
            orders.next(&mut number, Duration::from_secs(60)),
            Some(order)
        );
        assert_eq!(orders.next(&mut number, Duration::ZERO), None);
    }
}
