//! The minimal subset of HTTP/1.1 for requests to the service.

use std::io::{self, BufRead, Read};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path, with the query if there is one.
    pub(super) target: String,
}

impl Request {
    /// Reads the next request and skips its body. Returns `None` if the client has disconnected.
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(from)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        let mut length = 0;
        loop {
            let header = line(from)?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        io::copy(&mut from.take(length), &mut io::sink())?;
        Ok(Some(Self { method, target }))
    }
}

/// Reads a line without its end; empty at the end of the connection.
fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other_on_a_connection() {
        let mut text = &b"POST /bulk HTTP/1.1\r\nContent-Length: 5\r\nx: y\r\n\r\nGET x\
            GET /all HTTP/1.1\r\nhost: localhost\r\n\r\n"[..];
        let mut next = || {
            Request::read(&mut text)
                .unwrap()
                .map(|request| (request.method, request.target))
        };
        assert_eq!(next(), Some(("POST".into(), "/bulk".into())));
        assert_eq!(next(), Some(("GET".into(), "/all".into())));
        assert_eq!(next(), None);
    }
}
