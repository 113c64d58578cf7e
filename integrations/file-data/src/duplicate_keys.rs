//! [`DuplicateKeys`]: the rule for keys that occur in several files.

/// How to handle a flag or segment whose key appears in two files, and a flag that has both a
/// definition and a plain value.
///
/// ```
/// use vexil_file_data::DuplicateKeys;
///
/// assert_eq!(DuplicateKeys::default(), DuplicateKeys::Fail);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DuplicateKeys {
    /// The load fails, and no file is applied.
    #[default]
    Fail,
    /// The first one is used, in the order of the files. Within one file, definitions come before
    /// plain values.
    Ignore,
}
