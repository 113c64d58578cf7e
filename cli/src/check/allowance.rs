//! [`Allowance`]: a finding that is not reported.

use std::str::FromStr;

use super::finding::Finding;
use super::registry::Id;

/// A finding that is allowed, everywhere or in one item: `id` or `key:id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    key: Option<String>,
    id: Id,
}

impl Allowance {
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        self.id == finding.id && (self.key.is_none() || self.key == finding.key)
    }
}

impl FromStr for Allowance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Keys may contain colons, ids do not.
        let (key, id) = match text.rsplit_once(':') {
            Some((key, id)) => (Some(key.to_owned()), id),
            None => (None, text),
        };
        Ok(Self {
            key,
            id: id.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_may_name_an_item() {
        let parsed: Allowance = "a:b:no-off-variation".parse().unwrap();
        let expected = Allowance {
            key: Some("a:b".to_owned()),
            id: Id::NoOffVariation,
        };
        assert_eq!(parsed, expected);
        assert_eq!("empty-key".parse::<Allowance>().unwrap().key, None);
        let error = "no-of-variation".parse::<Allowance>().unwrap_err();
        assert!(
            error.ends_with("did you mean \"no-off-variation\"?"),
            "{error}"
        );
    }
}
