//! Files that are watched, and HTTP documents that are fetched again.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use vexil_file_data::{FileData, FileWatcher};

use super::reporter::Reporter;
use crate::args::{Duplicates, ReadingArgs};
use crate::exit::Failure;
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::source::merge::Merge;
use crate::source::place::{FileOptions, Http, Place};
use crate::source::{Source, file, http};

/// How long a file that became empty keeps its flags: a program may be about to write it.
const EMPTY_FILE_DELAY: Duration = Duration::from_secs(2);

/// A file to watch.
#[derive(Debug)]
pub(super) struct Watched {
    shown: String,
    path: PathBuf,
    options: FileOptions,
}

/// The files of a source, with those of `--also`; empty if the source is not a file.
pub(super) fn files(
    source: &Source,
    reading: &ReadingArgs,
    session: &Session<'_>,
) -> Result<Vec<Watched>, Failure> {
    let also = reading.also.iter().map(|also| Source::parse(also, session));
    let also = also.collect::<Result<Vec<_>, _>>()?;
    let watched = |source: &Source| match &source.place {
        Place::File(path, options) => Some(Watched {
            shown: source.shown.clone(),
            path: path.clone(),
            options: *options,
        }),
        _ => None,
    };
    let sources: Vec<_> = std::iter::once(source).chain(&also).collect();
    let files: Vec<_> = sources
        .iter()
        .filter_map(|source| watched(source))
        .collect();
    if !also.is_empty() && files.len() < sources.len() {
        return Err(
            Failure::usage("--also can be followed only if all sources are files")
                .help("leave it out, or name files only"),
        );
    }
    Ok(files)
}

pub(super) fn watcher(files: &[Watched]) -> Result<FileWatcher, Failure> {
    let paths = files.iter().map(|file| &file.path);
    let data = FileData::builder().paths(paths).build();
    let data = data.map_err(|error| Failure::usage(error).help("check the paths of the files"))?;
    Ok(data.watcher())
}

pub(super) async fn follow_files(
    mut watcher: FileWatcher,
    files: Vec<Watched>,
    duplicates: Duplicates,
    mut reporter: Reporter,
) {
    // Before the first read, so that no change is missed and nothing is read twice.
    watcher.begin().await;
    // Whether each file had items when all were read last.
    let mut had_items = vec![false; files.len()];
    loop {
        let mut read = read(&files, duplicates).await;
        let is_emptied = |read: &Read| {
            let mut files = had_items.iter().zip(&read.has_items);
            files.any(|(had, has)| *had && !has)
        };
        if read.as_ref().is_ok_and(is_emptied) {
            sleep(EMPTY_FILE_DELAY).await;
            read = self::read(&files, duplicates).await;
        }
        let read = read.map(|read| {
            had_items = read.has_items;
            read.snapshot
        });
        if reporter.read(read).await.is_break() {
            return;
        }
        tokio::select! {
            () = watcher.changed() => {}
            () = reporter.closed() => return,
        }
    }
}

/// The contents of all files.
struct Read {
    snapshot: Snapshot,
    /// Whether each file has items.
    has_items: Vec<bool>,
}

async fn read(files: &[Watched], duplicates: Duplicates) -> Result<Read, Failure> {
    let mut merge = Merge::new(duplicates);
    let mut has_items = Vec::new();
    for file in files {
        let bytes = file::bytes(&file.shown, &file.path).await?;
        let read = file::parse(&file.shown, bytes, file.options, duplicates)?;
        has_items.push(read.snapshot.items().next().is_some());
        merge.add(&file.shown, read)?;
    }
    Ok(Read {
        snapshot: merge.finish().snapshot,
        has_items,
    })
}

pub(super) async fn follow_http(
    http: Http,
    shown: String,
    interval: Duration,
    duplicates: Duplicates,
    mut reporter: Reporter,
) {
    let mut etag = None;
    loop {
        let read = match http::fetch(&http, &shown, etag.as_ref()).await {
            Ok(None) => None,
            Ok(Some(fetched)) => {
                let read = file::parse(&shown, fetched.body, http.options, duplicates);
                // What was not understood is fetched again.
                etag = fetched.etag.filter(|_| read.is_ok());
                Some(read.map(|read| read.snapshot))
            }
            Err(failure) => Some(Err(failure)),
        };
        let reported = match read {
            None => reporter.works().await,
            Some(read) => reporter.read(read).await,
        };
        if reported.is_break() {
            return;
        }
        tokio::select! {
            () = sleep(interval) => {}
            () = reporter.closed() => return,
        }
    }
}
