use std::{error, io, path::PathBuf};

use thiserror::Error;

/// An error of reading, writing or locking a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Another process holds a lock.
    #[error("{what} is in use by {holder} (wait for it to end)")]
    InUse {
        /// Name of the locked file or folder.
        what: String,
        /// Process that holds the lock, and the time it took it.
        holder: String,
    },
    /// A value has no JSON or CSV form.
    #[error(transparent)]
    Serialize(Box<dyn error::Error + Send + Sync>),
}

impl FileError {
    pub(crate) fn serialize(error: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self::Serialize(error.into())
    }
}
