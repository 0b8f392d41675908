use std::path::PathBuf;

use thiserror::Error;

/// What can be wrong with input data; each says where, what was expected and what was there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The file is not a table.
    #[error("{}, line {line}: {problem}", path.display())]
    Malformed {
        /// File.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// What the CSV reader found.
        problem: String,
    },
    /// A column is not in the header.
    #[error("{}, line 1: column `{column}` is missing; the header, split at commas, has {header}", path.display())]
    MissingColumn {
        /// File.
        path: PathBuf,
        /// The missing column.
        column: String,
        /// The header as it is.
        header: String,
    },
    /// A column is in the header twice.
    #[error("{}, line 1: column `{column}` appears {count} times, expected once", path.display())]
    DuplicateColumn {
        /// File.
        path: PathBuf,
        /// The repeated column.
        column: String,
        /// How often.
        count: usize,
    },
    /// A value is not what its column holds.
    #[error("{}, line {line}, column `{column}`: expected {expected}, got `{got}`", path.display())]
    Value {
        /// File.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// Column name.
        column: &'static str,
        /// What the column holds.
        expected: String,
        /// What was there.
        got: String,
    },
    /// There are not enough rows to train on.
    #[error("{}: {rows} rows are too few: {needed} are needed ({why})", path.display())]
    TooFewRows {
        /// File.
        path: PathBuf,
        /// Rows there are.
        rows: usize,
        /// Rows needed.
        needed: usize,
        /// How that number comes about.
        why: String,
    },
    /// All training values are the same, so they cannot be scaled.
    #[error("{context}: every training value is {value}: a constant series has no range to scale and nothing to learn")]
    ZeroRange {
        /// Which values.
        context: String,
        /// The one value.
        value: f64,
    },
    /// A character is not a letter of the alphabet.
    #[error("`{letter}` is not in the alphabet `{first}`..`{last}`")]
    UnknownLetter {
        /// The character.
        letter: char,
        /// First letter of the alphabet.
        first: char,
        /// Last letter of the alphabet.
        last: char,
    },
    /// The number of letters is not the window's.
    #[error("expected {expected} letter(s), got {got}: `{text}`")]
    LetterCount {
        /// What was given.
        text: String,
        /// Its letters.
        got: usize,
        /// Letters the model reads.
        expected: usize,
    },
}
