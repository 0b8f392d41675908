//! One process at a time: a lock of the operating system, which ends with the process that holds it, however that ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

use jiff::Timestamp;

use crate::error::{Error, Result};

/// Bytes of what a lock says of its holder.
const LONGEST: u64 = 200;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a file, which is made if it is not there; `what` is not to be worked on by two.
    ///
    /// # Errors
    ///
    /// When another process holds it, with who and since when.
    pub(crate) fn take(path: &Path, what: &str) -> Result<Self> {
        let failed = |source| Error::Write { path: path.to_owned(), source };
        if path.is_symlink() {
            // Its holder would be written to where it points.
            return Err(failed(io::Error::other("it is a link, expected a file of this program's own; remove it")));
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(LONGEST).read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
                return Err(Error::Worker(format!("{what} is in use by {holder}; wait for it to end")));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Who it is helps whoever finds it taken; the lock itself does not depend on it.
        let now = Timestamp::now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let _ = file.set_len(0).and_then(|()| write!(file, "process {}, since {now}", std::process::id()));
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
        assert!(problem.starts_with(&format!("the folder is in use by process {}, since 20", std::process::id())), "{problem}");
        drop(first);
        drop(Lock::take(&path, "the folder").unwrap());
    }
}
