//! Locks of the operating system: each ends with its process, however that ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

use jiff::Timestamp;

use crate::error::FileError;

/// Largest description of a holder, in bytes.
const LONGEST: u64 = 200;

/// An exclusive lock between processes, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at `path` without waiting; `what` names the locked thing in messages.
    ///
    /// The lock's file is created if need be and stays. It records the process and the time.
    ///
    /// # Errors
    ///
    /// [`FileError::InUse`] if another process holds it, with that process and the time;
    /// [`FileError::Write`] if the file cannot be created or is a symbolic link.
    pub fn take(path: &Path, what: &str) -> Result<Self, FileError> {
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        if path.is_symlink() {
            // The holder would be written into the link's target.
            return Err(failed(io::Error::other(
                "it is a link, expected a file of this program's own; remove it",
            )));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
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
        // Only for messages: the lock does not depend on it.
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
    fn a_lock_is_one_processs_until_it_is_dropped() {
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
}
