use std::{fmt, path::PathBuf};

use thiserror::Error;

use crate::Fill;

/// Where a row is, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a line of a file, whose header is on the first.
    Line(u64),
    /// In a row of a table in memory.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

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
    /// There is no such column.
    #[error(
        "{}: column `{column}` is missing{}; {} {names}",
        header(path, *line),
        did_you_mean(nearest),
        if line.is_some() { "the header has" } else { "there are" }
    )]
    MissingColumn {
        /// File, or name of a table.
        path: PathBuf,
        /// Line of the header, in a file.
        line: Option<u64>,
        /// The missing column.
        column: String,
        /// A column with a similar name.
        nearest: Option<String>,
        /// The columns there are.
        names: Box<str>,
    },
    /// Several columns have the same name.
    #[error("{}: column `{column}` appears {count} times, expected once", header(path, *line))]
    DuplicateColumn {
        /// File, or name of a table.
        path: PathBuf,
        /// Line of the header, in a file.
        line: Option<u64>,
        /// The repeated column.
        column: String,
        /// How often.
        count: usize,
    },
    /// A value is not what its column holds.
    #[error("{}, {place}, column `{column}`: expected {expected}, got `{got}`", path.display())]
    Value {
        /// File, or name of a table.
        path: PathBuf,
        /// Line or row.
        place: Place,
        /// Column name.
        column: String,
        /// What the column holds.
        expected: String,
        /// What was there.
        got: Box<str>,
    },
    /// A column in memory has not one value a time.
    #[error(
        "{}, column `{column}`: expected {expected} values, one for each time, got {got}",
        path.display()
    )]
    ColumnLength {
        /// Name of the table.
        path: PathBuf,
        /// Column.
        column: String,
        /// Times there are.
        expected: usize,
        /// Values of the column.
        got: usize,
    },
    /// Dates can be read in more than one way.
    #[error(
        "{}, column `{column}`: the dates can be read as {} or {}; say which with a date format",
        path.display(),
        readings[0],
        readings[1]
    )]
    AmbiguousDates {
        /// File.
        path: PathBuf,
        /// Column of dates.
        column: String,
        /// Two formats that fit all of them.
        readings: [String; 2],
    },
    /// Values are missing.
    #[error("{}, column `{column}`: {}", path.display(), missing(*count, lines, *left, *fill))]
    Missing {
        /// File.
        path: PathBuf,
        /// Column.
        column: String,
        /// Missing values.
        count: usize,
        /// Their first lines.
        lines: String,
        /// How many are missing after filling.
        left: usize,
        /// How the others were filled.
        fill: Fill,
    },
    /// There are no rows: a file is only a header.
    #[error("{}: has no rows", path.display())]
    Empty {
        /// File, or name of a table.
        path: PathBuf,
    },
    /// No row is within the times asked for.
    #[error("{}: no rows from {asked}; its rows are from {has}", path.display())]
    NoRows {
        /// File, or name of a table.
        path: PathBuf,
        /// First and last time asked for.
        asked: String,
        /// First and last time there is.
        has: String,
    },
    /// A logarithm is asked for of a number that has none.
    #[error(
        "{}, {place}, column `{column}`: the logarithm of {value} is asked for, which needs \
         numbers above 0; choose another transform or feature",
        path.display()
    )]
    Logarithm {
        /// File, or name of a table.
        path: PathBuf,
        /// Line or row.
        place: Place,
        /// Column.
        column: String,
        /// The number.
        value: f64,
    },
    /// A feature is not written as features are.
    #[error("feature `{text}`: {problem}")]
    Feature {
        /// The feature as it was written.
        text: String,
        /// What is wrong and what features there are.
        problem: String,
    },
    /// A split cannot be made.
    #[error("{}: {problem}", path.display())]
    Split {
        /// File or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file has no column of numbers.
    #[error(
        "{}: no column holds numbers in every row; numbers are written like 1234.5, without commas",
        path.display()
    )]
    NoNumbers {
        /// File.
        path: PathBuf,
    },
    /// A folder has no series.
    #[error("{}: the folder has no file whose name ends in .csv", path.display())]
    EmptyFolder {
        /// Folder.
        path: PathBuf,
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
    #[error(
        "{context}: every training value is {value}: a constant series has no range to scale and \
         nothing to learn; leave it out, or choose another column"
    )]
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

fn header(path: &std::path::Path, line: Option<u64>) -> String {
    let line = line.map_or_else(String::new, |line| format!(", line {line}"));
    format!("{}{line}", path.display())
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

fn missing(count: usize, lines: &str, left: usize, fill: Fill) -> String {
    let values = |count: usize| {
        if count == 1 { "1 value is".to_owned() } else { format!("{count} values are") }
    };
    match fill {
        Fill::None => format!(
            "{} missing ({lines}); fill them with `forward` or `linear`, or mend the file",
            values(count)
        ),
        _ => format!(
            "{} missing ({lines}), of which {left} have nothing to be filled from",
            values(count)
        ),
    }
}
