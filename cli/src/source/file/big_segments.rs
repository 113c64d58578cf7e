//! [`Members`]: the members of big segments in a file, with their keys in clear.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use vexil::Text;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;
use vexil::json::quiet;

use crate::exit::{Exit, Failure};
use crate::output::escaped;

/// The segments that include and exclude each context, by the hash of its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members(BTreeMap<String, (Vec<Text>, Vec<Text>)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    #[serde(default)]
    included: Vec<String>,
    #[serde(default)]
    excluded: Vec<String>,
}

impl Members {
    /// Parses a section: lists of keys by the reference of a segment, which is its key and
    /// generation.
    pub(super) fn parse(name: &str, segments: &[(Text, Cow<'_, str>)]) -> Result<Self, Failure> {
        let mut members = Self::default();
        for (reference, json) in segments {
            let lists: Lists = serde_json::from_str(json).map_err(|error| {
                Failure::new(
                    Exit::Unreadable,
                    format_args!(
                        "{name}: bigSegments, \"{}\": {}",
                        escaped(reference),
                        quiet(error)
                    ),
                )
                .help(r#"write {"included": [KEYS], "excluded": [KEYS]}"#)
            })?;
            for key in lists.included {
                members.of(&key).0.push(reference.clone());
            }
            for key in lists.excluded {
                members.of(&key).1.push(reference.clone());
            }
        }
        Ok(members)
    }

    fn of(&mut self, key: &str) -> &mut (Vec<Text>, Vec<Text>) {
        let hash = STANDARD.encode(Sha256::digest(key.as_bytes()));
        self.0.entry(hash).or_default()
    }

    /// Adds those of another file.
    pub(crate) fn extend(&mut self, other: Self) {
        for (hash, (included, excluded)) in other.0 {
            let known = self.0.entry(hash).or_default();
            known.0.extend(included);
            known.1.extend(excluded);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[vexil::async_trait]
impl BigSegmentStore for Members {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        let membership = self.0.get(context_hash);
        Ok(membership.map(|(included, excluded)| {
            Membership::new(included.iter().cloned(), excluded.iter().cloned())
        }))
    }

    /// A file is always current.
    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(now.ok().and_then(|now| now.as_millis().try_into().ok()))
    }
}
