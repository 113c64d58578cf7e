//! The data, and changes of it, as a service sends them in the second protocol.

use super::patch::Patch;
use super::shape::Data;

/// An event, which a stream and a poll contain in different notations.
#[derive(Debug)]
pub(crate) struct Event {
    name: &'static str,
    data: String,
}

/// Returns the complete data: its announcement, an event for each flag and segment, and the commit.
pub(crate) fn full_payload(data: &Data) -> Result<Vec<Event>, serde_json::Error> {
    let flags = data.flag_texts()?.into_iter();
    let segments = data.segment_texts()?.into_iter();
    let objects = flags
        .map(|(key, flag)| put("flag", &key, &flag))
        .chain(segments.map(|(key, segment)| put("segment", &key, &segment)));
    Ok([intent("xfer-full")]
        .into_iter()
        .chain(objects)
        .chain([commit(1)])
        .collect())
}

/// Returns the answer to a client whose data is current.
pub(crate) fn current() -> Event {
    intent("none")
}

/// Returns a change of one flag with its commit.
pub(crate) fn delta(patch: &Patch, raise: u32) -> [Event; 2] {
    [
        put("flag", patch.key(), &patch.flag(raise)),
        commit(1 + raise),
    ]
}

/// Returns the body of a poll.
pub(crate) fn poll_body(events: &[Event]) -> String {
    let entries: Vec<_> = events.iter().map(Event::to_poll).collect();
    format!(r#"{{"events":[{}]}}"#, entries.join(","))
}

/// Returns the events as text of a stream.
pub(crate) fn stream_text(events: &[Event]) -> String {
    events.iter().map(Event::to_stream).collect()
}

impl Event {
    fn to_stream(&self) -> String {
        format!("event: {}\ndata: {}\n\n", self.name, self.data)
    }

    fn to_poll(&self) -> String {
        format!(r#"{{"event":"{}","data":{}}}"#, self.name, self.data)
    }
}

fn intent(code: &str) -> Event {
    Event {
        name: "server-intent",
        data: format!(
            r#"{{"payloads":[{{"id":"bench","target":1,"intentCode":"{code}","reason":"bench"}}]}}"#
        ),
    }
}

fn put(kind: &str, key: &str, object: &str) -> Event {
    Event {
        name: "put-object",
        data: format!(r#"{{"version":1,"kind":"{kind}","key":"{key}","object":{object}}}"#),
    }
}

fn commit(state: u32) -> Event {
    Event {
        name: "payload-transferred",
        data: format!(r#"{{"state":"(p:bench:{state})","version":{state}}}"#),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{generate, patches};
    use super::*;

    #[test]
    fn a_payload_has_each_flag_and_segment_between_its_announcement_and_its_commit() {
        let data = generate(20);
        let events = full_payload(&data).unwrap();
        let body: Value = serde_json::from_str(&poll_body(&events)).unwrap();
        let events = body["events"].as_array().unwrap();
        let classic: Value = serde_json::from_slice(&data.to_json().unwrap()).unwrap();

        let (first, rest) = events.split_first().unwrap();
        let (last, objects) = rest.split_last().unwrap();
        assert_eq!(first["data"]["payloads"][0]["intentCode"], "xfer-full");
        assert_eq!(last["data"]["state"], "(p:bench:1)");
        assert_eq!(objects.len(), data.flags.len() + data.segments.len());
        for event in objects {
            assert_eq!(event["event"], "put-object");
            let data = &event["data"];
            let kind = format!("{}s", data["kind"].as_str().unwrap());
            let key = data["key"].as_str().unwrap();
            assert_eq!(data["object"], classic[&kind][key], "{kind} {key}");
        }
    }

    #[test]
    fn a_delta_is_the_patched_flag_and_a_commit() {
        let patches = patches(&generate(20)).unwrap();
        let text = stream_text(&delta(&patches[7], 3));
        let data: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
            .collect();
        let patch: Value = serde_json::from_str(&patches[7].event(3)).unwrap();
        assert_eq!(data[0]["object"], patch["data"]);
        assert_eq!(data[0]["key"], patches[7].key());
        assert_eq!(data[1]["state"], json!("(p:bench:4)"));
        assert_eq!(text.matches("\n\n").count(), 2);
    }
}
