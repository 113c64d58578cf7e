//! Serves one connection: dispatches requests to their answers.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;

use super::order::Order;
use super::request::Request;
use super::{Shared, stream};

/// Answers requests until the client closes the connection.
pub(super) fn serve(connection: TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection.try_clone()?);
    let mut answers = connection;
    while let Some(Request { method, target }) = Request::read(&mut requests)? {
        // In the second protocol, a client that has data names its state in the query.
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (status, body) = match (method.as_str(), path) {
            ("GET", "/all") => return stream::send(answers, shared),
            ("GET", "/sdk/stream") => {
                let is_current = query.starts_with("basis=");
                let events = if is_current {
                    &shared.current
                } else {
                    &shared.payload
                };
                return stream::send_payload(answers, events);
            }
            ("GET", "/sdk/poll") => ("200 OK", shared.poll.as_str()),
            ("POST", _) => {
                if let Some(order) = Order::parse(&target) {
                    shared.orders.place(order);
                }
                ("202 Accepted", "")
            }
            _ => ("404 Not Found", ""),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        answers.write_all(head.as_bytes())?;
        answers.write_all(body.as_bytes())?;
    }
    Ok(())
}
