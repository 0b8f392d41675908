//! The few system calls that change files and folders. Tests of power losses record them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::recording::{Operation, Step, recorded};

/// Creates a file. An existing file or link is an error.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    recorded(
        || File::options().read(true).write(true).create_new(true).open(path),
        || Step::one(path, Operation::CreateFile),
    )
}

/// Makes the content of a file durable. Its name becomes durable with its folder.
pub(crate) fn sync_file(file: &File, path: &Path) -> io::Result<()> {
    recorded(
        || file.sync_all(),
        || {
            let content = fs::read(path).unwrap_or_default();
            let write = Step::one(path, |path| Operation::Write(path, content));
            write.then(path, Operation::SyncFile)
        },
    )
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    recorded(|| fs::rename(from, to), || Step::rename(from, to))
}

pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    recorded(|| fs::remove_file(path), || Step::one(path, Operation::Remove))
}

/// Removes a folder with its contents; of a link, only the link.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    let removed = Step::removal(path);
    recorded(|| fs::remove_dir_all(path), || removed)
}

pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    recorded(|| fs::create_dir(path), || Step::one(path, Operation::CreateFolder))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    recorded(
        || {
            // Other systems cannot open a folder; there a name is durable by itself.
            if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
        },
        || Step::one(folder, Operation::SyncFolder),
    )
}

/// The folder that holds a path.
pub(crate) fn parent(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}
