use std::path::PathBuf;

use rnn_data::DataError;
use rnn_files::{FileError, shortened};
use thiserror::Error;

/// Why bars were not downloaded or not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The request cannot be served, whoever is asked.
    #[error("{0}")]
    Request(String),
    /// The existing file is not one to add to, or no file can be written there.
    #[error("{}: {}", path.display(), shortened(problem, 600))]
    File {
        /// CSV file or its sidecar.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// No provider answered well.
    #[error("{0}")]
    Providers(String),
    /// A file cannot be read, written or locked.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The existing CSV file is malformed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A bug of this crate.
    #[error("{0}")]
    Internal(String),
}

/// A result with this crate's [`FetchError`].
pub(crate) type Result<T, E = FetchError> = std::result::Result<T, E>;
