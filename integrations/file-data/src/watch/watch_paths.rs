//! [`WatchPaths`]: the directory entries that determine which file a path resolves to.
//!
//! They are the file itself and each link on the way to it. A change of any of them can change the
//! contents that are read: an editor replaces the file; Kubernetes replaces `..data`, a link to a
//! directory on the path of the file's own link.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The limit on links that Linux follows in one path.
const MAX_LINKS: usize = 40;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WatchPaths {
    /// The entries, by their resolved paths.
    pub(super) entries: BTreeSet<PathBuf>,
    /// The directories that contain the entries.
    pub(super) directories: BTreeSet<PathBuf>,
}

impl WatchPaths {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut watched = Self::default();
        for path in paths {
            watched.follow(path);
        }
        watched
    }

    fn follow(&mut self, path: &Path) {
        let mut real = PathBuf::new();
        let mut ahead = steps(path);
        let mut links = 0;
        while let Some(step) = ahead.pop_front() {
            let name = match step {
                Step::Start(start) => {
                    real.push(start);
                    continue;
                }
                Step::Up => {
                    real.pop();
                    continue;
                }
                Step::Into(name) => name,
            };
            let entry = real.join(name);
            let kind = std::fs::symlink_metadata(&entry).map(|metadata| metadata.file_type());
            if kind.as_ref().is_ok_and(std::fs::FileType::is_symlink) && links < MAX_LINKS {
                links += 1;
                self.add(&real, &entry);
                if let Ok(target) = std::fs::read_link(&entry) {
                    for step in steps(&target).into_iter().rev() {
                        ahead.push_front(step);
                    }
                }
                continue;
            }
            // The last entry of the path, or the last one that exists.
            if ahead.is_empty() || kind.is_err() {
                self.add(&real, &entry);
                return;
            }
            real = entry;
        }
    }

    fn add(&mut self, directory: &Path, entry: &Path) {
        // Links in the root directory belong to the system and do not change, and watching the
        // root causes many events.
        if directory.parent().is_some() {
            self.entries.insert(entry.to_owned());
            self.directories.insert(directory.to_owned());
        }
    }
}

enum Step {
    /// A root directory or a drive.
    Start(OsString),
    Up,
    Into(OsString),
}

fn steps(path: &Path) -> VecDeque<Step> {
    let step = |component: Component<'_>| match component {
        Component::Prefix(_) | Component::RootDir => {
            Some(Step::Start(component.as_os_str().to_owned()))
        }
        Component::CurDir => None,
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Into(name.to_owned())),
    };
    path.components().filter_map(step).collect()
}
