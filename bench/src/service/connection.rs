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
        let status = match (method.as_str(), target.as_str()) {
            ("GET", "/all") => return stream::send(answers, shared),
            ("POST", target) => {
                if let Some(order) = Order::parse(target) {
                    shared.orders.place(order);
                }
                "202 Accepted"
            }
            _ => "404 Not Found",
        };
        answers.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
    }
    Ok(())
}
