//! Slots: the parts of the key space, and the node that serves each.

use redis::Value;

use crate::address::Host;

const SLOTS: u16 = 16_384;

/// The slot ranges of all nodes.
pub(super) type Ranges = Vec<Range>;

/// A range of slots on one node.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    first: u16,
    last: u16,
    pub(super) host: Host,
}

impl Range {
    pub(super) fn contains(&self, slot: u16) -> bool {
        (self.first..=self.last).contains(&slot)
    }
}

/// The slot of a key: that of its first hash tag (the part in braces) if it is not empty, else of
/// the whole key.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let inside = key.get(open + 1..)?;
        let close = inside.iter().position(|byte| *byte == b'}')?;
        inside.get(..close).filter(|tag| !tag.is_empty())
    });
    crc16::State::<crc16::XMODEM>::calculate(tag.unwrap_or(key)) % SLOTS
}

/// Whether these keys are certainly on one node.
pub(in crate::connection) fn are_in_one_slot(keys: &[String]) -> bool {
    let mut slots = keys.iter().map(|key| slot(key.as_bytes()));
    let first = slots.next();
    slots.all(|slot| Some(slot) == first)
}

/// Parses the reply to `CLUSTER SLOTS`. A node without a name is the one that was queried
/// (`queried`).
pub(super) fn parse_ranges(reply: &Value, queried: &Host) -> Option<Ranges> {
    let Value::Array(ranges) = reply else {
        return None;
    };
    ranges
        .iter()
        .map(|range| parse_range(range, queried))
        .collect()
}

fn parse_range(range: &Value, queried: &Host) -> Option<Range> {
    let Value::Array(parts) = range else {
        return None;
    };
    let [first, last, Value::Array(primary), ..] = &parts[..] else {
        return None;
    };
    let [name, port, ..] = &primary[..] else {
        return None;
    };
    let number = |value: &Value| match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    };
    let host = match (
        redis::from_redis_value_ref::<Option<String>>(name).ok()?,
        queried,
    ) {
        (Some(name), _) if !name.is_empty() => Host::tcp(&name, number(port)?),
        (_, Host::Tcp { name, .. }) => Host::tcp(name, number(port)?),
        (_, Host::Socket(_)) => return None,
    };
    Some(Range {
        first: number(first)?,
        last: number(last)?,
        host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;

    // STO-1.7: the slots of the default prefix, as reported by a real cluster
    #[test]
    fn slots_equal_those_of_a_real_cluster() {
        let slots = Keys::new("launchdarkly")
            .all()
            .map(|key| slot(key.as_bytes()));
        assert_eq!(slots, [5868, 8134, 5466]);
        assert!(!are_in_one_slot(&Keys::new("launchdarkly").all()));
        assert!(are_in_one_slot(&Keys::new("{ld:prod}").all()));
    }

    // Redis Cluster specification, hash tags: only the first braces count, and only if they are not
    // empty
    #[test]
    fn the_hash_tag_is_the_text_in_the_first_braces() {
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
        assert_eq!(slot(b"123456789"), 0x31C3);
    }
}
