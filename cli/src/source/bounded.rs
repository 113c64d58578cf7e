//! Reads of limited size.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The largest document of flags.
pub(crate) const LARGEST: u64 = 256 << 20;

/// Reads a file of at most `limit` bytes. A pipe is read to its end.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "it is a directory"));
    }
    read_about(file, metadata.len(), limit)
}

/// Reads to the end of at most `limit` bytes.
pub(crate) fn read(reader: impl Read, limit: u64) -> Result<Vec<u8>> {
    read_about(reader, 0, limit)
}

/// Reads an input that probably has this length.
fn read_about(reader: impl Read, length: u64, limit: u64) -> Result<Vec<u8>> {
    // One byte more, so that the end is found without growing.
    let capacity = length.min(limit).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

pub(crate) fn too_large(limit: u64) -> Error {
    let message = if limit < 1 << 20 {
        format!("it has more than {} KiB", limit >> 10)
    } else {
        format!("it has more than {} MiB", limit >> 20)
    };
    Error::new(ErrorKind::FileTooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_of_the_limit_is_read_and_a_larger_one_is_not() {
        assert_eq!(read(&b"12345"[..], 5).unwrap(), b"12345");
        let error = read(std::io::repeat(0), 5 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 5 MiB");
    }
}
