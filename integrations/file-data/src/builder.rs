//! [`FileData`] and its builder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vexil::bounds;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::data_source::DataSource;
use vexil::model::DataSet;

use crate::duplicate_keys::DuplicateKeys;
use crate::error::FileDataError;
use crate::load::{EmptyFileCheck, Loaded, Loader};
use crate::watch::FileWatcher;

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
    /// Returns a builder without files; add them with [`FileDataBuilder::path`].
    ///
    /// ```
    /// use vexil_file_data::{FileData, FileDataError};
    ///
    /// assert!(FileData::builder().path("flags.yaml").build().is_ok());
    /// assert!(matches!(FileData::builder().build(), Err(FileDataError::NoFile)));
    /// ```
    pub fn builder() -> FileDataBuilder {
        FileDataBuilder::new()
    }

    /// Returns a builder for one file, relative to the current directory at the time of the call.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let data = FileData::path("flags.yaml").build()?;
    /// assert!(data.files().all(|path| path.is_absolute() && path.ends_with("flags.yaml")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn path(path: impl AsRef<Path>) -> FileDataBuilder {
        Self::builder().path(path)
    }

    /// Returns the files, in the order in which they are read.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let data = FileData::builder().paths(["b.yaml", "a.json"]).build()?;
    /// let names: Vec<_> = data.files().filter_map(|path| path.file_name()).collect();
    /// assert_eq!(names, ["b.yaml", "a.json"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }

    /// Reads the files once, without a client: for tests that validate flag files.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("flags.json");
    /// std::fs::write(&path, r#"{"flags": {"banner": {"on": "yes"}}}"#)?;
    /// let error = FileData::path(&path).build()?.load().unwrap_err();
    /// assert_eq!(error.line(), Some(1));
    /// let message = error.to_string();
    /// assert!(message.ends_with("flags.json:1:33: flag \"banner\" cannot be read"), "{message}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or parsed, or if a key appears twice and
    /// duplicates are not ignored.
    pub fn load(&self) -> Result<DataSet, FileDataError> {
        // A loader without an earlier load always returns new data.
        match Loader::new(Arc::clone(&self.paths), self.duplicates, true)
            .load(EmptyFileCheck::Second)?
        {
            Loaded::New(data) => Ok(data),
            Loaded::Unchanged | Loaded::Emptied(_) => Ok(DataSet::default()),
        }
    }

    /// Watches the files without a client, whether or not [`watch`](FileDataBuilder::watch) is on.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("flags.yaml");
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let mut watcher = FileData::path(&path).build()?.watcher();
    /// watcher.begin().await;
    /// std::fs::write(&path, "flagValues: { greeting: hello }")?;
    /// watcher.changed().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn watcher(&self) -> FileWatcher {
        FileWatcher::new(self)
    }
}

/// Builder of a [`FileData`]. A client accepts either the builder or the result of
/// [`FileDataBuilder::build`].
///
/// ```
/// use std::time::Duration;
/// use vexil::{Client, Context};
/// use vexil_file_data::FileData;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("flags.json");
/// std::fs::write(&path, r#"{"flagValues": {"banner": "hello"}}"#)?;
/// let client = Client::builder("sdk-key").data_source(FileData::path(&path).watch(true)).start()?;
/// client.blocking_wait_until_ready(Duration::from_secs(30))?;
/// let ada = Context::new("ada")?;
/// assert_eq!(client.str_variation("banner", &ada, ""), "hello");
///
/// // The file is edited while the client runs.
/// let mut changes = client.flag_tracker().subscribe_to_value("banner", &ada);
/// std::fs::write(&path, r#"{"flagValues": {"banner": "bye"}}"#)?;
/// let change = changes.blocking_next(Duration::from_secs(60)).ok_or("no change")?;
/// assert_eq!(change.new_value, "bye".into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// Adds a file, relative to the current directory at the time of the call.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let data = FileData::path("defaults.yaml").path("local.yaml").build()?;
    /// assert_eq!(data.files().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        // `build` reports a path that cannot be made absolute.
        self.paths
            .push(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        self
    }

    /// Adds files, which are read in the given order.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let data = FileData::builder().paths(["defaults.yaml", "local.yaml"]).build()?;
    /// assert_eq!(data.files().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn paths<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        paths.into_iter().fold(self, Self::path)
    }

    /// Sets how a key that appears more than once is handled. Default: [`DuplicateKeys::Fail`].
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_file_data::{DuplicateKeys, FileData};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let (local, shared) = (directory.path().join("local.yaml"), directory.path().join("shared.yaml"));
    /// std::fs::write(&local, "flagValues: { greeting: hi }")?;
    /// std::fs::write(&shared, "flagValues: { greeting: hello, farewell: bye }")?;
    ///
    /// let files = FileData::builder().paths([&local, &shared]);
    /// assert!(files.clone().build()?.load().is_err());
    ///
    /// let client = Client::builder("sdk-key").data_source(files.duplicates(DuplicateKeys::Ignore)).start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.str_variation("greeting", &ada, ""), "hi");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn duplicates(mut self, duplicates: DuplicateKeys) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Sets whether the files are reloaded when they change. Default: `false`.
    ///
    /// Changes are detected with the operating system's file notifications where available. A
    /// change is a rewrite, a new file renamed over the old one (as editors do), or a link that is
    /// pointed elsewhere (as Kubernetes updates its volumes). Without notifications the files are
    /// polled.
    ///
    /// A file that becomes empty, as it does briefly while a program rewrites it, keeps its flags
    /// and segments until it is checked again after two seconds.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use vexil::{Client, Context};
    /// use vexil_file_data::FileData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("flags.yaml");
    /// std::fs::write(&path, "flagValues: { greeting: hello }")?;
    /// let client = Client::builder("sdk-key").data_source(FileData::path(&path).watch(true)).start()?;
    /// let (send, changes) = mpsc::channel();
    /// client.flag_tracker().add_listener(move |change| drop(send.send(change.key.clone())));
    ///
    /// # let new = directory.path().join("new.yaml");
    /// std::fs::write(&new, "flagValues: { greeting: goodbye }")?;
    /// std::fs::rename(&new, &path)?;
    /// assert_eq!(changes.recv()?, "greeting");
    /// assert_eq!(client.str_variation("greeting", &Context::new("ada")?, ""), "goodbye");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }

    /// Sets how often the files are polled where file notifications are not available. Default, and
    /// meaning of zero: 1 s. Minimum: 100 ms. `Duration::MAX`: never.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil_file_data::FileData;
    ///
    /// let data = FileData::path("flags.yaml").watch(true).poll_interval(Duration::from_secs(10)).build()?;
    /// assert!(format!("{data:?}").contains("poll_interval: 10s"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = bounds::interval(interval, DEFAULT_POLL_INTERVAL);
        self
    }

    /// Sets whether the files are always polled. Some file systems, network file systems among
    /// them, neither send notifications nor report an error. Has an effect only with
    /// [`FileDataBuilder::watch`]. Default: `false`.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let data = FileData::path("flags.yaml").watch(true).force_polling(true).build()?;
    /// assert!(format!("{data:?}").contains("force_polling: true"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn force_polling(mut self, force: bool) -> Self {
        self.force_polling = force;
        self
    }

    /// Returns the data source. The files need not exist yet.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// // The file need not exist yet, but it must have a name.
    /// assert!(FileData::path("no-such-file.yaml").build().is_ok());
    /// assert!(FileData::path("").build().is_err());
    /// ```
    ///
    /// # Errors
    /// Returns an error if no file was added, if a path is empty, or if a path is relative and
    /// there is no current directory.
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
    fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
        let data = Self::clone(&self)
            .build()
            .map_err(|error| ConfigError::component("file data source", error))?;
        Ok(Arc::new(data))
    }
}
