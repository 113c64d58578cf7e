//! [`Control`]: the connection over which a test controls a server.

use std::fmt::Debug;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::super::ServerError;

/// The timeout of a reply. A paused server sends none.
const ANSWER: Duration = Duration::from_secs(20);

/// A reply of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "RESP2 has exactly these types, besides errors"
)]
pub enum RedisReply {
    /// A null reply.
    Nil,
    /// An integer.
    Integer(i64),
    /// A string or a status.
    Text(Vec<u8>),
    /// An array of replies.
    List(Vec<Self>),
}

impl RedisReply {
    /// Returns a string or a status as text. `None` for other replies and for invalid UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => String::from_utf8(text.clone()).ok(),
            _ => None,
        }
    }

    /// Returns the elements of an array. `None` for other replies.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
}

/// Where a server accepts connections without TLS.
#[derive(Clone, Debug)]
pub(super) enum ControlAddress {
    /// The socket of a program of this machine.
    Unix(PathBuf),
    /// The port of a program in a container, whose files only Linux could share.
    #[cfg_attr(
        not(feature = "containers"),
        expect(dead_code, reason = "only servers in containers have it")
    )]
    Tcp(u16),
}

/// A connection without TLS.
#[derive(Debug)]
pub(super) struct Control(BufReader<Box<dyn Stream>>);

trait Stream: Read + Write + Debug + Send {}

impl Stream for UnixStream {}

impl Stream for TcpStream {}

impl Control {
    pub(super) fn connect(address: &ControlAddress) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match address {
            ControlAddress::Unix(socket) => {
                let stream = UnixStream::connect(socket)?;
                stream.set_read_timeout(Some(ANSWER))?;
                Box::new(stream)
            }
            ControlAddress::Tcp(port) => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
                stream.set_read_timeout(Some(ANSWER))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        Ok(Self(BufReader::new(stream)))
    }

    pub(super) fn command<A: AsRef<[u8]>>(
        &mut self,
        arguments: &[A],
    ) -> Result<RedisReply, ServerError> {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            let argument = argument.as_ref();
            request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            request.extend_from_slice(argument);
            request.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&request)?;
        self.reply()?.map_err(|reply| ServerError::Refused {
            command: arguments
                .first()
                .map(|name| String::from_utf8_lossy(name.as_ref()).into())
                .unwrap_or_default(),
            reply,
        })
    }

    /// Reads a reply, or the message of an error reply.
    fn reply(&mut self) -> io::Result<Result<RedisReply, String>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let rest = line.get(1..).unwrap_or_default();
        Ok(Ok(match line.as_bytes().first() {
            Some(b'+') => RedisReply::Text(rest.into()),
            Some(b'-') => return Ok(Err(rest.to_owned())),
            Some(b':') => RedisReply::Integer(number(rest)?),
            Some(b'$') => match usize::try_from(number(rest)?) {
                Err(_) => RedisReply::Nil,
                Ok(length) => {
                    let mut text = vec![0; length + 2];
                    self.0.read_exact(&mut text)?;
                    text.truncate(length);
                    RedisReply::Text(text)
                }
            },
            Some(b'*') => match usize::try_from(number(rest)?) {
                Err(_) => RedisReply::Nil,
                Ok(length) => {
                    let mut list = Vec::new();
                    let mut refusal = None;
                    for _ in 0..length {
                        match self.reply()? {
                            Ok(reply) => list.push(reply),
                            Err(reply) => refusal = Some(reply),
                        }
                    }
                    match refusal {
                        Some(reply) => return Ok(Err(reply)),
                        None => RedisReply::List(list),
                    }
                }
            },
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "not a Redis reply",
                ));
            }
        }))
    }
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "missing length in a Redis reply",
        )
    })
}
