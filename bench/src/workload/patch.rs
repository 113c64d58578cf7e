//! The patches that a service sends when flags change.

use std::error::Error;

use super::shape::{Data, Flag};

/// A patch of one flag of the mixture, which changes only its version.
///
/// All other text is prepared in advance, so that sending a patch is cheap.
#[derive(Debug)]
pub(crate) struct Patch {
    key: String,
    version: u32,
    /// The JSON of the flag before and after the version.
    parts: [String; 2],
}

/// Returns a patch for each flag of the mixture, in order. The fixed flags have none.
pub(crate) fn patches(data: &Data) -> Result<Vec<Patch>, serde_json::Error> {
    data.flags
        .iter()
        .filter(|flag| flag.key.starts_with("flag-"))
        .map(Patch::of)
        .collect()
}

/// Returns a patch of the flag with this key.
pub(crate) fn patch_of(data: &Data, key: &str) -> Result<Patch, Box<dyn Error>> {
    let flag = data.flags.iter().find(|flag| flag.key == key);
    Ok(Patch::of(flag.ok_or("there is no such flag")?)?)
}

impl Patch {
    pub(super) fn of(flag: &Flag) -> Result<Self, serde_json::Error> {
        const VERSION: &str = "\"version\":";
        let json = serde_json::to_string(flag)?;
        // Only the key comes before it, and keys contain no quotes.
        let (before, after) = json.split_once(VERSION).unwrap_or((&json, ""));
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let parts = [format!("{before}{VERSION}"), after.into()];
        Ok(Self {
            key: flag.key.clone(),
            version: flag.version,
            parts,
        })
    }

    /// Returns the key of the flag.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Returns the flag, with its version increased by `raise`.
    pub(crate) fn flag(&self, raise: u32) -> String {
        let [before, after] = &self.parts;
        format!("{before}{}{after}", self.version + raise)
    }

    /// Returns the data of the stream event.
    pub(crate) fn event(&self, raise: u32) -> String {
        format!(
            r#"{{"path":"/flags/{}","data":{}}}"#,
            self.key,
            self.flag(raise)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, to_value};

    use super::super::generate;
    use super::*;

    #[test]
    fn a_patch_is_the_flag_with_a_higher_version() {
        let data = generate(20);
        let patches = patches(&data).unwrap();
        assert_eq!(patches.len(), 20, "the fixed flags must have no patches");
        for (patch, flag) in patches.iter().zip(&data.flags) {
            let mut expected = to_value(flag).unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&patch.flag(0)).unwrap(),
                expected
            );
            expected["version"] = json!(flag.version + 3);
            let event: Value = serde_json::from_str(&patch.event(3)).unwrap();
            assert_eq!(
                event,
                json!({"path": format!("/flags/{}", flag.key), "data": expected})
            );
        }
    }
}
