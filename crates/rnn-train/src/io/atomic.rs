//! Reading and writing files, so that none is ever half there and none is read that is not what it was.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// Writes a file under a temporary name beside it, syncs it, and renames it: whatever happens meanwhile, what is found under its name is whole, the old or the
/// new. A link is replaced by a file: none that somebody has put into a folder leads out of it.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    stream(path, |file| file.write_all(bytes).map_err(|source| Error::Write { path: path.to_owned(), source }))
}

/// The same for a file that the user has named: a link keeps pointing where it points, and a device or a pipe is written to.
pub(crate) fn write_through(path: &Path, bytes: &[u8]) -> Result<()> {
    if !path.is_symlink() {
        return write_atomic(path, bytes);
    }
    let target = path.canonicalize().map_err(|source| Error::Write { path: path.to_owned(), source })?;
    write_atomic(&target, bytes)
}

/// [`write_atomic`], piece by piece.
pub(crate) fn stream<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let replaces = path.is_symlink() || !path.exists() || path.is_file();
    let temporary = temporary(path);
    let file = if replaces {
        // A link of that name would be followed.
        drop(fs::remove_file(&temporary));
        File::create_new(&temporary)
    } else {
        File::options().write(true).open(path)
    };
    let mut file = io::BufWriter::new(file.map_err(failed)?);
    // What is written through another writer does not know the whole path.
    let named = |error| match error {
        Error::Write { source, .. } => failed(source),
        other => other,
    };
    let written = write(&mut file).map_err(named).and_then(|value| {
        file.flush().map_err(failed)?;
        if replaces {
            file.get_ref().sync_all().and_then(|()| rename(&temporary, path)).map_err(failed)?;
        }
        Ok(value)
    });
    if written.is_err() && replaces {
        drop(fs::remove_file(&temporary));
    }
    written
}

/// Writes a file that is to be renamed, and makes sure that it is on disk.
pub(crate) fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    // A link of that name would be followed.
    drop(fs::remove_file(path));
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Renames a file within its folder, and makes sure that it stays so when the power fails.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    // Elsewhere a folder cannot be opened, and renaming is durable by itself.
    if cfg!(unix) {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The temporary name of a file that is about to be written.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"old").unwrap();
        let failed = stream(&path, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), _>(Error::Internal("enough".to_owned()))
        });
        assert!(failed.is_err());
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"old".to_vec(), 1));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_replaced_in_folders_and_followed_where_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_through(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        write_through(Path::new("/dev/null"), b"nothing").unwrap();
        std::os::unix::fs::symlink(&file, temporary(&link)).unwrap();
        write_atomic(&link, b"newer").unwrap();
        assert!(!link.is_symlink() && fs::read(&link).unwrap() == b"newer" && fs::read(&file).unwrap() == b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
