//! [`FileData`] and its builder: which files, and what to do about them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::data_source::DataSource;
use vexil::deadline;
use vexil::model::DataSet;

use crate::error::FileDataError;
use crate::load::{Loaded, Loader, Look};

const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A data source that reads flags from files.
///
/// ```
/// use std::time::Duration;
/// use vexil_file_data::{DuplicateKeys, FileData};
///
/// let data = FileData::builder()
///     .paths(["flags/local.yaml", "flags/all.json"])
///     .duplicates(DuplicateKeys::Ignore)
///     .watch(true)
///     .poll_interval(Duration::from_secs(5))
///     .build()?;
/// assert!(data.files().all(|path| path.is_absolute()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileData {
    pub(crate) paths: Arc<[PathBuf]>,
    pub(crate) duplicates: DuplicateKeys,
    pub(crate) watch: bool,
    pub(crate) poll_interval: Duration,
    pub(crate) force_polling: bool,
}

impl FileData {
    /// Starts from nothing: name files with [`FileDataBuilder::path`].
    pub fn builder() -> FileDataBuilder {
        FileDataBuilder::new()
    }

    /// Starts with one file, relative to the current directory of this moment.
    pub fn path(path: impl AsRef<Path>) -> FileDataBuilder {
        Self::builder().path(path)
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }

    /// Reads the files once, without any client: a check of flag files for a test of their own.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("flags.json");
    /// std::fs::write(&path, r#"{"flags": {"banner": {"on": "yes"}}}"#)?;
    /// let error = FileData::path(&path).build()?.load().unwrap_err();
    /// assert_eq!(error.line(), Some(1));
    /// assert!(error.to_string().ends_with("flags.json:1:33: flag \"banner\" cannot be read"), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a file cannot be read or understood, or a key appears twice and that is not ignored.
    pub fn load(&self) -> Result<DataSet, FileDataError> {
        // Without an earlier load, the files always give new data.
        match Loader::new(self, true).load(Look::Second)? {
            Loaded::New(data) => Ok(data),
            Loaded::Unchanged | Loaded::Emptied(_) => Ok(DataSet::default()),
        }
    }
}

/// Configures a [`FileData`]. A client takes it as it is, or what [`FileDataBuilder::build`] makes
/// of it.
#[derive(Clone, Debug)]
#[must_use]
pub struct FileDataBuilder {
    paths: Vec<PathBuf>,
    duplicates: DuplicateKeys,
    watch: bool,
    poll_interval: Duration,
    force_polling: bool,
}

impl FileDataBuilder {
    fn new() -> Self {
        Self {
            paths: Vec::new(),
            duplicates: DuplicateKeys::Fail,
            watch: false,
            poll_interval: DEFAULT_POLL_INTERVAL,
            force_polling: false,
        }
    }

    /// Adds a file, relative to the current directory of this moment.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        // What has no absolute form is reported by `build`.
        self.paths
            .push(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        self
    }

    /// Adds files; they are read in this order.
    pub fn paths<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        paths.into_iter().fold(self, Self::path)
    }

    /// What becomes of a key that appears more than once. Default: [`DuplicateKeys::Fail`].
    pub fn duplicates(mut self, duplicates: DuplicateKeys) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Whether the files are read again when they change. Default: `false`.
    ///
    /// The system tells of changes where it can: of a rewrite, of an editor that renames a new file
    /// over the old one, and of links that come to lead elsewhere, as Kubernetes updates its
    /// volumes. Where it cannot, the files are looked at in intervals.
    ///
    /// A file that becomes empty, as it does for a moment when a program writes it anew, keeps its
    /// flags and segments until a second look after two seconds.
    pub fn watch(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }

    /// How often the files are looked at where the system does not tell of changes. Default, and
    /// meaning of zero: 1 s. At least 100 ms. `Duration::MAX`: never.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = deadline::interval(interval, DEFAULT_POLL_INTERVAL);
        self
    }

    /// Whether to look at the files in intervals in any case: for file systems that tell of no changes and raise no
    /// error either, as some over a network do. Matters only with [`FileDataBuilder::watch`]. Default: `false`.
    pub fn force_polling(mut self, force: bool) -> Self {
        self.force_polling = force;
        self
    }

    /// The data source. The files need not be there yet.
    ///
    /// # Errors
    /// If no file was named, or a path is empty, or it is relative and there is no current
    /// directory.
    pub fn build(self) -> Result<FileData, FileDataError> {
        if self.paths.is_empty() {
            return Err(FileDataError::NoFile);
        }
        let absolute = |path: PathBuf| match std::path::absolute(&path) {
            Ok(path) => Ok(path),
            Err(source) => Err(FileDataError::Path { path, source }),
        };
        Ok(FileData {
            paths: self
                .paths
                .into_iter()
                .map(absolute)
                .collect::<Result<_, _>>()?,
            duplicates: self.duplicates,
            watch: self.watch,
            poll_interval: self.poll_interval,
            force_polling: self.force_polling,
        })
    }
}

impl Configure<dyn DataSource> for FileDataBuilder {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
        let data = self
            .clone()
            .build()
            .map_err(|error| ConfigError::component("file data source", error))?;
        Ok(Arc::new(data))
    }
}

/// What becomes of a flag or segment whose key appears in two files, and of a flag that has both a
/// definition and a plain value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DuplicateKeys {
    /// Nothing is loaded.
    #[default]
    Fail,
    /// The first one counts, in the order of the files; in one file, definitions come before plain
    /// values.
    Ignore,
}
