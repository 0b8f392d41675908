//! Atomic writes, bounded and checksummed reads, and file locks.
//!
//! - [`write_atomic`] and its variants write under a temporary name, sync and rename.
//! - [`read_text`], [`read_bytes`] and [`read_if_exists`] read ordinary files up to a size limit.
//! - [`seal`] and [`unseal`] and their variants add and check the checksum of a JSON document.
//! - [`Lock`] gives one process exclusive use of a file or folder.
//!
//! # Examples
//!
//! ```
//! # fn main() -> Result<(), rnn_files::FileError> {
//! # let scratch = tempfile::tempdir().unwrap();
//! # let folder = scratch.path();
//! let _lock = rnn_files::Lock::take(&folder.join(".lock"), "the folder")?;
//! let path = folder.join("settings.json");
//! assert_eq!(rnn_files::read_if_exists(&path)?, None);
//! rnn_files::write_atomic(&path, rnn_files::to_json(&[1, 2])?.as_bytes())?;
//! assert_eq!(rnn_files::read_if_exists(&path)?.as_deref(), Some("[\n  1,\n  2\n]\n"));
//! # Ok(())
//! # }
//! ```

mod atomic;
mod bounded;
mod documents;
mod error;
mod lock;
mod messages;
mod sealed;

pub use atomic::{
    rename_synced, temporary_path, write_atomic, write_atomic_with, write_following_links,
    write_synced,
};
pub use bounded::{
    MAX_TEXT_BYTES, decode_text, read_bytes, read_if_exists, read_if_exists_up_to, read_text,
    sha256_of_file,
};
pub use documents::{csv_rows, to_json};
pub use error::FileError;
pub use lock::Lock;
pub use messages::{shortened, toml_problem};
pub use sealed::{seal, seal_as, sha256, unseal, unseal_or_early};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
