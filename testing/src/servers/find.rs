//! [`find`]: locates programs on this machine.

use std::env;
use std::path::{Path, PathBuf};

/// Finds a program on the `PATH`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Finds a file in the `target` folder of this package's workspace or of an enclosing one.
pub(super) fn find_in_target(file: &str) -> Option<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(|| env::current_dir().ok());
    let around = package
        .iter()
        .flat_map(|package| package.ancestors())
        .map(|folder| folder.join("target"));
    target
        .into_iter()
        .chain(around)
        .map(|target| target.join(Path::new(file)))
        .find(|file| file.is_file())
}
