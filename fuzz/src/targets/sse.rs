//! Server-sent events: a body has the events that a plain reading of the rules finds, whatever the
//! pieces that it arrives in.

use vexil::fuzzing::{Events, events};

use crate::inputs::cut;

pub(super) fn target(body: &[u8]) {
    let limit = body.len() + 1;
    let whole = events([body], limit);
    assert_eq!(events(cut(body), limit), whole, "in pieces");
    assert_eq!(whole.error, None, "within the limit");
    assert_eq!(whole.events, plain(body));

    // A limit ends the body at the same event in any pieces.
    let limited = events([body], 12);
    assert_eq!(events(cut(body), 12), limited, "in pieces");
    let Events { events, error, .. } = limited;
    if error.is_none() {
        assert_eq!(events, whole.events, "without an error");
    }
    let longest = events.iter().map(|(_, data)| data.len()).max();
    assert!(longest.unwrap_or_default() <= 12);
}

/// Splits the whole body into lines first, and then the lines into events (SRC-2.1).
fn plain(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                lines.push(std::mem::take(&mut line));
            }
            b'\n' => lines.push(std::mem::take(&mut line)),
            byte => line.push(byte),
        }
    }
    let (mut events, mut name, mut data) = (Vec::new(), Vec::new(), Vec::<Vec<u8>>::new());
    for line in lines {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut name), std::mem::take(&mut data));
            if !data.is_empty() {
                let name = String::from_utf8_lossy(&name);
                let name = if name.is_empty() {
                    "message".into()
                } else {
                    name
                };
                events.push((name.into_owned(), data.join(&b'\n')));
            }
            continue;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let field = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match field {
            b"event" => name = value,
            b"data" => data.push(value),
            _ => {}
        }
    }
    events
}
