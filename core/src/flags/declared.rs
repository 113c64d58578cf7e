//! [`DeclaredFlags`]: the flags that an application uses.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use vexil_eval::Value;

use super::flag_type::FlagType;

/// A flag that an application uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeclaredFlag {
    /// The key.
    #[serde(skip)]
    pub key: &'static str,
    /// The type that values must have.
    #[serde(rename = "type")]
    pub flag_type: FlagType,
    /// The default as JSON; null if it cannot be serialized.
    pub default: Value,
}

/// The flags that an application uses: [`Flags::declared`](super::Flags::declared).
///
/// Serializes to the JSON that `vexil check --declared` reads, and displays it. The flags of several
/// structs are collected with iterators:
///
/// ```
/// # #[cfg(feature = "derive")]
/// # fn main() {
/// use vexil::Flags;
/// use vexil::flags::DeclaredFlags;
///
/// #[derive(Flags)]
/// struct Checkout {
///     #[flag(default = false)]
///     new_checkout: bool,
/// }
///
/// #[derive(Flags)]
/// struct Search {
///     #[flag(default = 20)]
///     page_size: u32,
/// }
///
/// let all: DeclaredFlags = Checkout::declared().into_iter().chain(Search::declared()).collect();
/// assert_eq!(all.iter().map(|flag| flag.key).collect::<Vec<_>>(), ["new-checkout", "page-size"]);
/// println!("{all}");
/// # }
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredFlags {
    flags: Vec<DeclaredFlag>,
}

impl DeclaredFlags {
    /// The flags, in the order of the fields.
    ///
    /// ```
    /// # #[cfg(feature = "derive")]
    /// # fn main() {
    /// use vexil::Flags;
    /// use vexil::flags::FlagType;
    ///
    /// #[derive(Flags)]
    /// struct ShopFlags {
    ///     #[flag(default = false)]
    ///     new_checkout: bool,
    ///     #[flag(default = "hello")]
    ///     banner: String,
    /// }
    ///
    /// let declared = ShopFlags::declared();
    /// let types: Vec<_> = declared.iter().map(|flag| (flag.key, flag.flag_type)).collect();
    /// assert_eq!(types, [("new-checkout", FlagType::Boolean), ("banner", FlagType::String)]);
    /// # }
    /// # #[cfg(not(feature = "derive"))]
    /// # fn main() {}
    /// ```
    pub fn iter(&self) -> std::slice::Iter<'_, DeclaredFlag> {
        self.flags.iter()
    }

    /// The defaults by key, for [`ClientBuilder::defaults`](crate::ClientBuilder::defaults).
    ///
    /// ```
    /// # #[cfg(feature = "derive")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use vexil::{Client, Context, Flags};
    ///
    /// #[derive(Flags)]
    /// struct ShopFlags {
    ///     #[flag(default = 20)]
    ///     page_size: u32,
    /// }
    ///
    /// // Code that still evaluates by key has the same defaults.
    /// let defaults = ShopFlags::declared();
    /// let client = Client::builder("sdk-key").offline(true).defaults(defaults.defaults()).start()?;
    /// assert_eq!(client.int_variation("page-size", &Context::new("ada")?, 0), 20);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "derive"))]
    /// # fn main() {}
    /// ```
    pub fn defaults(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.iter().map(|flag| (flag.key, flag.default.clone()))
    }
}

impl IntoIterator for DeclaredFlags {
    type Item = DeclaredFlag;
    type IntoIter = std::vec::IntoIter<DeclaredFlag>;

    fn into_iter(self) -> Self::IntoIter {
        self.flags.into_iter()
    }
}

impl<'a> IntoIterator for &'a DeclaredFlags {
    type Item = &'a DeclaredFlag;
    type IntoIter = std::slice::Iter<'a, DeclaredFlag>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<DeclaredFlag> for DeclaredFlags {
    fn from_iter<I: IntoIterator<Item = DeclaredFlag>>(flags: I) -> Self {
        Self {
            flags: flags.into_iter().collect(),
        }
    }
}

impl Extend<DeclaredFlag> for DeclaredFlags {
    fn extend<I: IntoIterator<Item = DeclaredFlag>>(&mut self, flags: I) {
        self.flags.extend(flags);
    }
}

impl Serialize for DeclaredFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The flags as an object by key.
        struct ByKey<'a>(&'a [DeclaredFlag]);

        impl Serialize for ByKey<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|flag| (flag.key, flag)))
            }
        }

        let mut document = serializer.serialize_map(Some(1))?;
        document.serialize_entry("flags", &ByKey(&self.flags))?;
        document.end()
    }
}

/// Writes the JSON, indented.
impl fmt::Display for DeclaredFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string_pretty(self).map_err(|_json| fmt::Error)?;
        f.write_str(&json)
    }
}
