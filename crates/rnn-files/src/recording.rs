//! Records the changes of a folder, in order. Nothing is recorded outside of tests.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A change of files or folders. Paths are relative to the recorded folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A new, empty file.
    CreateFile(PathBuf),
    /// The whole content of a file. It is not durable yet.
    Write(PathBuf, Vec<u8>),
    /// The content of a file becomes durable, but not its name.
    SyncFile(PathBuf),
    /// A new folder.
    CreateFolder(PathBuf),
    /// The names in a folder become durable.
    SyncFolder(PathBuf),
    /// A file or folder gets another name. The file of that name is replaced.
    Rename(PathBuf, PathBuf),
    /// A file or an empty folder is removed.
    Remove(PathBuf),
}

/// Files of a folder with their contents; `None` is a folder.
pub type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// A recorded folder: its files before, and all changes since.
#[derive(Debug, Clone)]
pub struct Log {
    /// Files before the first change. They are durable.
    pub before: Files,
    /// Changes in order.
    pub operations: Vec<Operation>,
}

/// Records the changes of a folder until it is finished or dropped.
#[derive(Debug)]
pub struct Recording {
    root: PathBuf,
    before: Files,
}

static RECORDINGS: Mutex<Vec<(PathBuf, Vec<Operation>)>> = Mutex::new(Vec::new());
static RUNNING: AtomicUsize = AtomicUsize::new(0);

fn recordings() -> MutexGuard<'static, Vec<(PathBuf, Vec<Operation>)>> {
    RECORDINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recording {
    /// Starts to record the changes below a folder, by all threads of this process.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn start(root: &Path) -> io::Result<Self> {
        let before = files(root)?;
        recordings().push((root.to_owned(), Vec::new()));
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Ok(Self { root: root.to_owned(), before })
    }

    /// Ends the recording.
    pub fn finish(mut self) -> Log {
        Log { before: std::mem::take(&mut self.before), operations: self.take() }
    }

    fn take(&self) -> Vec<Operation> {
        let mut recordings = recordings();
        let Some(place) = recordings.iter().position(|(root, _)| *root == self.root) else {
            return Vec::new();
        };
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        recordings.swap_remove(place).1
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.take();
    }
}

/// Reads all files below a folder.
///
/// # Errors
///
/// If a file cannot be read.
pub fn files(root: &Path) -> io::Result<Files> {
    let mut found = Files::new();
    read(root, Path::new(""), &mut found)?;
    Ok(found)
}

fn read(root: &Path, below: &Path, found: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.insert(path.clone(), None);
            read(root, &path, found)?;
        } else {
            found.insert(path.clone(), Some(fs::read(root.join(path))?));
        }
    }
    Ok(())
}

/// Changes of one system call, with paths as the program gave them.
pub(crate) struct Step(Vec<(PathBuf, Operation)>);

impl Step {
    pub(crate) fn one(path: &Path, operation: impl FnOnce(PathBuf) -> Operation) -> Self {
        Self(vec![(path.to_owned(), operation(path.to_owned()))])
    }

    pub(crate) fn then(mut self, path: &Path, operation: fn(PathBuf) -> Operation) -> Self {
        self.0.extend(Self::one(path, operation).0);
        self
    }

    pub(crate) fn rename(from: &Path, to: &Path) -> Self {
        Self::one(from, |from| Operation::Rename(from, to.to_owned()))
    }

    /// The removal of all below a folder, if something is recorded now.
    pub(crate) fn removal(path: &Path) -> Self {
        let is_recorded = RUNNING.load(Ordering::SeqCst) > 0 && !path.is_symlink();
        let files = if is_recorded { files(path).unwrap_or_default() } else { Files::new() };
        // Later names of the sorted list lie deeper.
        let removed = files.keys().rev().map(|below| path.join(below)).chain([path.to_owned()]);
        Self(removed.map(|path| (path.clone(), Operation::Remove(path))).collect())
    }
}

/// Makes a system call, and records its changes if it succeeds.
pub(crate) fn recorded<T>(
    call: impl FnOnce() -> io::Result<T>,
    step: impl FnOnce() -> Step,
) -> io::Result<T> {
    if RUNNING.load(Ordering::SeqCst) == 0 {
        return call();
    }
    // Other threads wait, so that the order of the records is that of the calls.
    let mut recordings = recordings();
    let done = call()?;
    for (path, operation) in step().0 {
        let found = recordings.iter_mut().find(|(root, _)| path.starts_with(root));
        if let Some((root, operations)) = found
            && let Some(operation) = operation.below(root)
        {
            operations.push(operation);
        }
    }
    Ok(done)
}

impl Operation {
    /// The same operation with paths relative to a folder.
    fn below(self, root: &Path) -> Option<Self> {
        let inner = |path: PathBuf| path.strip_prefix(root).map(Path::to_owned).ok();
        Some(match self {
            Self::CreateFile(path) => Self::CreateFile(inner(path)?),
            Self::Write(path, content) => Self::Write(inner(path)?, content),
            Self::SyncFile(path) => Self::SyncFile(inner(path)?),
            Self::CreateFolder(path) => Self::CreateFolder(inner(path)?),
            Self::SyncFolder(path) => Self::SyncFolder(inner(path)?),
            Self::Rename(from, to) => Self::Rename(inner(from)?, inner(to)?),
            Self::Remove(path) => Self::Remove(inner(path)?),
        })
    }
}
