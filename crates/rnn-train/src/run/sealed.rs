//! Results that are read back: JSON documents with a checksum.

use rnn_files::{seal_as, unseal_or_early};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Result;

/// Layout of documents with a checksum. Early versions wrote layout 1, without one.
const LAYOUT: u32 = 2;

/// Returns a document with a checksum.
pub(crate) fn seal_results(results: &impl Serialize) -> Result<String> {
    Ok(seal_as(results, LAYOUT)?)
}

/// Reads a document of [`seal_results`], also one of an early version, which has no checksum.
///
/// # Errors
///
/// A message without the file name if the document is malformed or does not match its checksum.
pub(crate) fn read_results<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    unseal_or_early(text, LAYOUT)
}
