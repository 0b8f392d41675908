use std::path::PathBuf;

use rnn_data::DataError;
use rnn_files::{FileError, shortened};
use thiserror::Error;

/// An error of downloading or writing bars.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No provider can serve the request.
    #[error("{0}")]
    Request(String),
    /// The existing file cannot be updated, or no file can be written at the path.
    #[error("{}: {}", path.display(), shortened(problem, 600))]
    File {
        /// CSV file or its sidecar.
        path: PathBuf,
        /// Problem and fix.
        problem: String,
    },
    /// No provider gave usable bars.
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
