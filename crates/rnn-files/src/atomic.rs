//! Atomic writes: after a crash a file is either the old one or the new one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::error::FileError;

/// Writes a file atomically: under a temporary name beside it, synced, then renamed.
///
/// A crash or a failed write leaves the old file. A symbolic link is replaced by a file, so a
/// planted link cannot redirect the write. A device or a pipe is written to directly.
///
/// # Errors
///
/// [`FileError::Write`] with the path and the cause.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    write_atomic_with(path, |file| file.write_all(bytes).map_err(failed))
}

/// Like [`write_atomic`], but follows a symbolic link and replaces its target.
///
/// Use it for paths that the user gave.
///
/// # Errors
///
/// [`FileError::Write`] with the path and the cause, also for a dangling link.
pub fn write_following_links(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if !path.is_symlink() {
        return write_atomic(path, bytes);
    }
    let target =
        path.canonicalize().map_err(|source| FileError::Write { path: path.to_owned(), source })?;
    write_atomic(&target, bytes)
}

/// Like [`write_atomic`], for content that is written in pieces.
///
/// `write` receives a buffered writer of the temporary file.
///
/// # Errors
///
/// The error of `write`, or [`FileError::Write`]. The old file stays unchanged.
pub fn write_atomic_with<T, E: From<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let replaces = path.is_symlink() || !path.exists() || path.is_file();
    let temporary = temporary_path(path);
    let file = if replaces {
        // Opening would follow a link of that name.
        drop(fs::remove_file(&temporary));
        File::create_new(&temporary)
    } else {
        File::options().write(true).open(path)
    };
    let mut file = io::BufWriter::new(file.map_err(failed)?);
    let written = write(&mut file).and_then(|value| {
        file.flush().map_err(failed)?;
        if replaces {
            file.get_ref()
                .sync_all()
                .and_then(|()| rename_synced(&temporary, path))
                .map_err(failed)?;
        }
        Ok(value)
    });
    if written.is_err() && replaces {
        drop(fs::remove_file(&temporary));
    }
    written
}

/// Writes and syncs a new file, and replaces a file of that name; rename it later.
///
/// # Errors
///
/// If the file cannot be created, written or synced.
pub fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    // Opening would follow a link of that name.
    drop(fs::remove_file(path));
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Renames a file within its folder and syncs the folder, so that a power failure cannot undo it.
///
/// # Errors
///
/// If the file cannot be renamed or its folder cannot be synced.
pub fn rename_synced(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    // Other systems cannot open a folder; there a rename is durable by itself.
    if cfg!(unix) {
        let folder =
            to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Returns the temporary name beside a file: `.NAME.tmp`.
pub fn temporary_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), _>(FileError::serialize("enough"))
        });
        assert!(failed.is_err());
        assert_eq!(
            (fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()),
            (b"old".to_vec(), 1)
        );
    }

    #[cfg(unix)]
    #[test]
    fn write_atomic_replaces_links_and_write_following_links_follows_them() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_following_links(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        write_following_links(Path::new("/dev/null"), b"nothing").unwrap();
        std::os::unix::fs::symlink(&file, temporary_path(&link)).unwrap();
        write_atomic(&link, b"newer").unwrap();
        assert!(
            !link.is_symlink()
                && fs::read(&link).unwrap() == b"newer"
                && fs::read(&file).unwrap() == b"new"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
