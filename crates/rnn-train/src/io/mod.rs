//! Bytes on disk: whole or not at all, checked, bounded.

mod atomic;
pub(crate) mod bounded;
mod documents;
mod lock;
mod sealed;

pub(crate) use atomic::{rename, stream, temporary, write_atomic, write_synced, write_through};
pub(crate) use bounded::{read_if_there, read_up_to, shortened};
pub(crate) use documents::{csv_rows, to_json};
pub(crate) use lock::Lock;
pub(crate) use sealed::{seal, sha256, unseal};
