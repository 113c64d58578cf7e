//! The rules of SRC-2.1, each tested with the body in one piece and in pieces of one byte.

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

/// A complete event.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    name: String,
    data: Vec<u8>,
}

fn event(name: &str, data: impl AsRef<[u8]>) -> Event {
    Event {
        name: name.to_owned(),
        data: data.as_ref().to_vec(),
    }
}

fn message(data: impl AsRef<[u8]>) -> Event {
    event("message", data)
}

/// All events of a body that arrives in these pieces, and its advice.
fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> Result<(Vec<Event>, Advice), DecodeError> {
    let mut decoder = Decoder::new(limit);
    let (mut events, mut data) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut piece = Bytes::copy_from_slice(piece);
        while let Some(part) = decoder.next(&mut piece)? {
            match part {
                Part::Data(part) => data.extend_from_slice(&part),
                Part::End(name) => events.push(Event {
                    name,
                    data: std::mem::take(&mut data),
                }),
            }
        }
        assert!(piece.is_empty());
    }
    Ok((events, decoder.take_advice()))
}

#[track_caller]
fn decoded(body: &[u8]) -> (Vec<Event>, Advice) {
    let whole = decode([body], LIMIT).unwrap();
    assert_eq!(
        decode(body.chunks(1), LIMIT).unwrap(),
        whole,
        "in pieces of one byte"
    );
    whole
}

#[track_caller]
fn gives(body: impl AsRef<[u8]>, events: &[Event]) {
    assert_eq!(decoded(body.as_ref()).0, events);
}

// Rule 1
#[test]
fn a_character_may_be_split() {
    gives("data: añ€😀\n\n", &[message("añ€😀")]);
}

// Rule 2
#[test]
fn one_byte_order_mark_at_the_beginning_is_skipped() {
    gives("\u{feff}data: a\n\n", &[message("a")]);
    gives("\u{feff}data: \u{feff}b\n\n", &[message("\u{feff}b")]);
    gives("\u{feff}\u{feff}data: a\n\n", &[]);
    gives(
        "data: a\n\n\u{feff}data: b\n\ndata: c\n\n",
        &[message("a"), message("c")],
    );
    gives(b"\xEF\xBBdata: a\n\ndata: b\n\n", &[message("b")]);
    gives(b"\xEF\ndata: b\n\n", &[message("b")]);
}

// Rule 3
#[test]
fn lines_end_with_lf_cr_or_both() {
    gives("data: a\ndata: b\n\n", &[message("a\nb")]);
    gives("data: a\rdata: b\r\r", &[message("a\nb")]);
    gives("data: a\r\ndata: b\r\n\r\n", &[message("a\nb")]);
    gives(
        "data: a\rdata: b\r\n\ndata: c\n\r\n\rdata: d\n\n",
        &[message("a\nb"), message("c"), message("d")],
    );
}

// Rule 4
#[test]
fn one_space_after_the_colon_is_skipped() {
    gives(
        "data:a\n\ndata: a\n\ndata:  a\n\ndata\n\n",
        &[message("a"), message("a"), message(" a"), message("")],
    );
    gives(
        "data: a:b\n\ndata:\n\ndata: \n\n",
        &[message("a:b"), message(""), message("")],
    );
}

// Rule 5
#[test]
fn unknown_fields_are_ignored_and_names_are_exact() {
    gives(
        "Data: a\n\nDATA: a\n\ndata : a\n\n data: a\n\ndat: a\n\ndatas: a\n\n",
        &[],
    );
    gives(
        "other: x\n\nother\n\ndata: a\nother: x\neventual: y\ndatabase\n\n",
        &[message("a")],
    );
}

// Rule 6
#[test]
fn comments_of_any_bytes_are_ignored() {
    gives(
        b":\n: data: x\n:\xff\xfe\n:\n\ndata: a\n:in between\xf0\ndata: b\n\n",
        &[message("a\nb")],
    );
}

// Rules 7 and 8
#[test]
fn data_lines_are_joined_and_an_event_without_any_is_not_dispatched() {
    gives("data\ndata\n\n", &[message("\n")]);
    gives("data: a\ndata\ndata: b\n\n", &[message("a\n\nb")]);
    gives("event: put\n\ndata: a\n\n", &[message("a")]);
    gives("\n\n\ndata: a\n\n\n\n", &[message("a")]);
}

// Rule 9
#[test]
fn the_last_name_of_an_event_wins() {
    gives(
        "event: put\ndata: a\n\ndata: b\n\n",
        &[event("put", "a"), message("b")],
    );
    gives(
        "data: a\nevent: x\nevent:patch\n\nevent: x\nevent\ndata: b\n\n",
        &[event("patch", "a"), message("b")],
    );
}

// Rules 10 and 12
#[test]
fn an_id_takes_effect_at_the_end_of_its_event() {
    let id = |body: &str| decoded(body.as_bytes()).1.last_event_id;
    assert_eq!(id("id: 7\ndata: a\n\n"), Some(b"7".to_vec()));
    assert_eq!(id("id: 7\n\ndata: a\n\n"), Some(b"7".to_vec()));
    assert_eq!(
        id("id: 7\ndata: a\n\nid: 8\ndata: b\n"),
        Some(b"7".to_vec())
    );
    assert_eq!(
        id("id: 7\nid: 8\n\nid: a\0b\ndata: b\n\n"),
        Some(b"8".to_vec())
    );
    assert_eq!(id("id: 7\n\nid:\n\n"), Some(Vec::new()));
    assert_eq!(id("id: 7\n\nid\n\n"), Some(Vec::new()));
    assert_eq!(id("data: a\n\n"), None);
}

// Rule 11, SRC-F30
#[test]
fn a_reconnect_delay_consists_of_digits_and_is_clamped() {
    let retry = |value: &str| decoded(format!("retry: {value}\n").as_bytes()).1.retry;
    assert_eq!(retry("50"), Some(Duration::from_millis(50)));
    assert_eq!(retry("007"), Some(Duration::from_millis(7)));
    assert_eq!(retry("3600001"), Some(Duration::from_secs(3600)));
    assert_eq!(retry(&"9".repeat(400)), Some(Duration::from_secs(3600)));
    for value in ["", "0", "00", "-1", "+1", "1.5", "1e3", " 1", "١"] {
        assert_eq!(retry(value), None, "{value}");
    }
    assert_eq!(
        decoded(b"retry: 50\nretry: x\n\n").1.retry,
        Some(Duration::from_millis(50))
    );
}

// Rule 12, SRC-F1
#[test]
fn an_event_without_a_blank_line_is_discarded() {
    gives("data: a\n\ndata: b\n", &[message("a")]);
    gives("data: a\n\ndata: b", &[message("a")]);
}

// Rule 13, SRC-F3
#[test]
fn large_events_arrive_in_one_line_or_many() {
    let line = "x".repeat(5_000_000);
    let body = format!("data: {line}\n\n");
    let (events, _) = decode(body.as_bytes().chunks(8192), 1 << 26).unwrap();
    assert_eq!(events, [message(&line)]);
    let lines = vec!["0123456789"; 500_000];
    let body: String = lines
        .iter()
        .flat_map(|line| ["data: ", line, "\r\n"])
        .collect::<String>()
        + "\r\n";
    let (events, _) = decode(body.as_bytes().chunks(8191), 1 << 26).unwrap();
    assert_eq!(events, [message(lines.join("\n"))]);
}

// Rule 13, SRC-F4, SRC-F5
#[test]
fn an_event_beyond_the_limit_is_an_error_in_every_field() {
    let too_large = Err(DecodeError::TooLarge { limit: 10 });
    assert!(decode([b"data: 0123456789\n\n".as_slice()], 10).is_ok());
    for body in [
        "data: 0123456789a",
        "event: 0123456789a",
        "id: 0123456789a",
        "retry: 01234567890",
    ] {
        assert_eq!(decode([body.as_bytes()], 10), too_large, "{body}");
        assert_eq!(decode(body.as_bytes().chunks(1), 10), too_large, "{body}");
    }
    assert_eq!(decode(["data\n".repeat(12).as_bytes()], 10), too_large);
    assert_eq!(
        decode([b"event: 01234\nid: 01234\ndata: 5\n".as_slice()], 10),
        too_large
    );
}

// SRC-F5
#[test]
fn endless_comments_and_unknown_fields_are_not_kept() {
    let mut decoder = Decoder::new(10);
    for piece in [
        ":".to_owned(),
        "x".repeat(100_000),
        "\n".to_owned(),
        "other".repeat(100_000),
        ":y".repeat(1000),
    ] {
        assert_eq!(decoder.next(&mut Bytes::from(piece)), Ok(None));
    }
    let kept = [&decoder.field, &decoder.value, &decoder.name].map(Vec::capacity);
    assert!(kept.iter().sum::<usize>() < 100, "{kept:?}");
}

// Rule 14
#[test]
fn events_that_arrive_together_are_returned_in_order() {
    let body: String = (0..100).map(|n| format!("data: {n}\n\n")).collect();
    gives(
        body,
        &(0..100).map(|n| message(n.to_string())).collect::<Vec<_>>(),
    );
}

// Rule 15, SRC-F6
#[test]
fn a_name_that_is_not_utf_8_is_unknown() {
    gives(b"event: p\xffut\ndata: a\n\n", &[event("p\u{fffd}ut", "a")]);
}

// Rule 9
#[test]
fn while_data_arrives_the_event_has_its_latest_name() {
    let mut decoder = Decoder::new(LIMIT);
    let mut names = Vec::new();
    for body in [
        "data: a\n",
        "event: x\ndata: b\n",
        "event: put\nevent: patch\ndata: c\n\n",
        "data: d\n\n",
    ] {
        let mut piece = Bytes::from(body);
        while let Some(part) = decoder.next(&mut piece).unwrap() {
            match part {
                Part::Data(data) if data == "\n" => {}
                Part::Data(_) => names.push(decoder.name().into_owned()),
                Part::End(name) => names.push(format!("end of {name}")),
            }
        }
    }
    assert_eq!(
        names,
        [
            "message",
            "x",
            "patch",
            "end of patch",
            "message",
            "end of message"
        ]
    );
}

// SRC-F7
#[test]
fn nul_is_data() {
    gives("data: a\0b\n\n", &[message("a\0b")]);
}

/// Bodies built from typical fragments and arbitrary bytes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let tokens = [
        "data", "event", "id", "retry", "dat", "datax", ":", " ", "\n", "\r", "\r\n", "\n\n",
        "\u{feff}", "é", "😀", "x", "42", "\0",
    ];
    let token = prop_oneof![
        20 => prop::sample::select(tokens.to_vec()).prop_map(|token| token.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..3),
    ];
    prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

/// A slow reference implementation of the rules, which splits the whole body into lines first.
fn model(body: &[u8]) -> Vec<Event> {
    let body = body.strip_prefix(BOM).unwrap_or(body);
    let (mut lines, mut line, mut bytes) =
        (Vec::new(), Vec::new(), body.iter().copied().peekable());
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
            let name = std::mem::take(&mut name);
            let lines = std::mem::take(&mut data);
            if !lines.is_empty() {
                let name = String::from_utf8_lossy(&name);
                events.push(event(
                    if name.is_empty() { "message" } else { &name },
                    lines.join(&b'\n'),
                ));
            }
            continue;
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match &line[..colon] {
            b"event" => name = value,
            b"data" => data.push(value),
            _ => {}
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_of_a_body_decodes_to_the_same_events(body in bodies(), cuts in prop::collection::vec(1_usize..9, 1..40)) {
        let whole = decode([body.as_slice()], LIMIT);
        let (mut pieces, mut rest) = (Vec::new(), body.as_slice());
        for cut in cuts.iter().cycle().take(body.len()) {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(decode(pieces, LIMIT), whole.clone());
        prop_assert_eq!(decode(body.chunks(1), LIMIT), whole.clone());
        prop_assert_eq!(whole.unwrap().0, model(&body));
    }
}
