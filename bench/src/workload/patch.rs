//! The patches that a service sends when somebody changes flags.

use super::shape::{Data, Flag};

/// A change of one flag of the mixture: nothing of it changes but the version.
///
/// Everything else is written once, beforehand, so that sending a patch costs the sender little.
#[derive(Debug)]
pub(crate) struct Patch {
    key: String,
    version: u32,
    /// The flag's JSON up to the version, and behind it.
    parts: [String; 2],
}

/// A patch for each flag of the mixture, in the order of the flags. The fixed flags stay as they
/// are.
pub(crate) fn patches(data: &Data) -> Result<Vec<Patch>, serde_json::Error> {
    data.flags
        .iter()
        .filter(|flag| flag.key.starts_with("flag-"))
        .map(Patch::of)
        .collect()
}

impl Patch {
    fn of(flag: &Flag) -> Result<Self, serde_json::Error> {
        const VERSION: &str = "\"version\":";
        let json = serde_json::to_string(flag)?;
        // Only the key stands before it, and no key has quotes.
        let (before, after) = json.split_once(VERSION).unwrap_or((&json, ""));
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let parts = [format!("{before}{VERSION}"), after.into()];
        Ok(Self {
            key: flag.key.clone(),
            version: flag.version,
            parts,
        })
    }

    /// The key of the flag.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The flag, its version raised by `raise`.
    pub(crate) fn flag(&self, raise: u32) -> String {
        let [before, after] = &self.parts;
        format!("{before}{}{after}", self.version + raise)
    }

    /// The data of the stream's event.
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
    fn a_patch_is_the_flag_in_a_later_version() {
        let data = generate(20);
        let patches = patches(&data).unwrap();
        assert_eq!(patches.len(), 20, "the fixed flags have none");
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
