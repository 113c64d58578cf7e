//! The reader of files without the files, for the crate `vexil-fuzz`. Compiled with the feature
//! `fuzzing` only; not part of the API.

use std::path::Path;

use vexil::model::DataSet;

use crate::duplicate_keys::DuplicateKeys;
use crate::error::FileDataError;
use crate::merge::{Items, Merge};
use crate::read;

/// Reads the bytes of one file.
pub fn load(bytes: &[u8]) -> Result<DataSet, FileDataError> {
    let path = Path::new("flags");
    let mut merge = Merge::new(DuplicateKeys::Fail, Items::Data { version: 1 });
    merge.add(path, read::contents(path, bytes, true)?)?;
    Ok(merge.finish())
}
