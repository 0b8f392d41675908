//! Advisory locks of the operating system, released when the process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

use jiff::Timestamp;

use crate::{
    error::FileError,
    open::{Links, names, open},
};

/// Longest description of the process that holds a lock, in bytes.
const LONGEST: u64 = 200;

/// An exclusive lock between processes, held until it is dropped.
///
/// The operating system releases it when the process ends, also after a crash.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at `path` without waiting; `what` is the name in error messages.
    ///
    /// The lock file is created if missing and is never removed. It records the process and the
    /// time.
    ///
    /// # Errors
    ///
    /// [`FileError::InUse`] with the holder if another process holds the lock.
    /// [`FileError::Write`] if the file cannot be created, or is a link, a hard link or no ordinary
    /// file.
    pub fn take(path: &Path, what: &str) -> Result<Self, FileError> {
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        let options = &mut OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = open(path, Links::Refused, options).map_err(failed)?;
        // Recording the holder would overwrite the file of that other name.
        let names = file.metadata().map_or(0, |metadata| names(&metadata));
        if names > 1 {
            let problem = format!(
                "expected a lock file with one name, got a hard link with {names} names (remove it)"
            );
            return Err(failed(io::Error::other(problem)));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(LONGEST).read_to_string(&mut holder);
                let holder =
                    if holder.trim().is_empty() { "another process" } else { holder.trim() };
                return Err(FileError::InUse { what: what.to_owned(), holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The record is for messages only; the lock does not depend on it.
        let now = Timestamp::now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let _ = file
            .set_len(0)
            .and_then(|()| write!(file, "process {}, since {now}", std::process::id()));
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_exclusive_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let first = Lock::take(&path, "the folder").unwrap();
        let problem = Lock::take(&path, "the folder").unwrap_err().to_string();
        assert!(
            problem.starts_with(&format!(
                "the folder is in use by process {}, since 20",
                std::process::id()
            )),
            "{problem}"
        );
        drop(first);
        drop(Lock::take(&path, "the folder").unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_cannot_be_turned_on_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let [lock, victim] = [".lock", "victim"].map(|name| folder.path().join(name));
        std::fs::write(&victim, "not ours").unwrap();
        let refused = |expected: &str| {
            let problem = Lock::take(&lock, "the folder").unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
            std::fs::remove_file(&lock).unwrap();
        };
        std::fs::hard_link(&victim, &lock).unwrap();
        refused("expected a lock file with one name, got a hard link with 2 names (remove it)");
        std::os::unix::fs::symlink(&victim, &lock).unwrap();
        refused("expected an ordinary file, got a symbolic link (remove the link)");
        let made = std::process::Command::new("mkfifo").arg(&lock).status();
        assert!(made.unwrap().success());
        refused("expected an ordinary file, got a pipe or a device");
        assert_eq!(std::fs::read(&victim).unwrap(), b"not ours");
        Lock::take(&lock, "the folder").unwrap();
    }
}
