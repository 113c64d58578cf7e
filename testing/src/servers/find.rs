//! [`find`]: locates programs on this machine.

use std::env;
use std::path::{Path, PathBuf};

/// Finds a program on the `PATH`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Finds a file in cargo's target folder: that of the running test, wherever cargo's configuration
/// puts it, or that of this package's workspace or of an enclosing one.
pub(super) fn find_in_target(file: &str) -> Option<PathBuf> {
    let program = env::current_exe().ok();
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(|| env::current_dir().ok());
    // `join` returns an absolute path unchanged.
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let of_program = program.iter().flat_map(|program| program.ancestors());
    let of_package = package.iter().flat_map(|package| package.ancestors());
    of_program
        .map(Path::to_owned)
        .chain(of_package.map(|folder| folder.join(&target)))
        .map(|folder| folder.join(file))
        .find(|file| file.is_file())
}
