use std::{fmt, path::PathBuf};

use thiserror::Error;

use crate::Fill;

/// Position of a row in its source, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Line of a file.
    Line(u64),
    /// Row of a table in memory.
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

/// An error of input data.
///
/// Each message has the place, the expected and the actual content, and often a fix in parentheses.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A file is not a CSV table.
    #[error("{}, line {line}: {problem}", path.display())]
    Malformed {
        /// File.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// Problem that the CSV reader found.
        problem: String,
    },
    /// A column does not exist.
    #[error(
        "{}: column `{column}` is missing{}; {} {names}",
        header(path, *line),
        did_you_mean(nearest),
        if line.is_some() { "the header has" } else { "the table has" }
    )]
    MissingColumn {
        /// File, or name of a table.
        path: PathBuf,
        /// Line of the header, in a file.
        line: Option<u64>,
        /// The missing column.
        column: String,
        /// A column or feature with a similar name.
        nearest: Option<String>,
        /// The existing columns.
        names: Box<str>,
    },
    /// No column is called `date`, and none holds dates.
    #[error(
        "{}: no column of dates: expected one called `date` or with a date in every row; {} \
         {names} (choose one with `date-column`)",
        header(path, *line),
        if line.is_some() { "the header has" } else { "the table has" }
    )]
    NoDates {
        /// File.
        path: PathBuf,
        /// Line of the header, if there is one.
        line: Option<u64>,
        /// The existing columns.
        names: Box<str>,
    },
    /// A file has several series where one is expected.
    #[error(
        "{}: holds {count} series, expected one (choose the file alone, for one model over all its \
         series)",
        path.display()
    )]
    SeveralSeries {
        /// File.
        path: PathBuf,
        /// Number of series.
        count: usize,
    },
    /// Several columns have the same name.
    #[error(
        "{}: column `{column}` appears {count} times, expected once (rename or remove the others)",
        header(path, *line)
    )]
    DuplicateColumn {
        /// File, or name of a table.
        path: PathBuf,
        /// Line of the header, in a file.
        line: Option<u64>,
        /// The repeated column.
        column: String,
        /// Number of columns of this name.
        count: usize,
    },
    /// A value does not fit its column.
    #[error(
        "{}, {place}, column `{column}`: expected {expected}, got `{got}`{}",
        path.display(),
        advice(*fix)
    )]
    Value {
        /// File, or name of a table.
        path: PathBuf,
        /// Line or row.
        place: Place,
        /// Column name.
        column: Box<str>,
        /// Expected content.
        expected: Box<str>,
        /// Actual content.
        got: Box<str>,
        /// Advice, if any.
        fix: Option<&'static str>,
    },
    /// A column in memory and its times differ in length.
    #[error(
        "{}, column `{column}`: expected {expected} values, one per time, got {got}",
        path.display()
    )]
    ColumnLength {
        /// Name of the table.
        path: PathBuf,
        /// Column.
        column: String,
        /// Number of times.
        expected: usize,
        /// Number of values in the column.
        got: usize,
    },
    /// The prices of a file cannot be those of a market.
    #[error(
        "{}: {problem}, so the file is wrong (fetch it from another provider, or choose columns \
         without these prices with `target` and with `features`)",
        path.display()
    )]
    Prices {
        /// File.
        path: PathBuf,
        /// What is impossible.
        problem: String,
    },
    /// A value that is known in the future, or one of a whole series, is missing or misplaced.
    #[error("{}{}: {problem}", path.display(), after(*place))]
    Covariate {
        /// File, or name of a table.
        path: PathBuf,
        /// Line or row, if there is one.
        place: Option<Place>,
        /// Problem, with a fix in parentheses.
        problem: String,
    },
    /// Dates match more than one format.
    #[error(
        "{}, column `{column}`: the dates can be read as {} or {} (choose one with `date-format`)",
        path.display(),
        readings[0],
        readings[1]
    )]
    AmbiguousDates {
        /// File.
        path: PathBuf,
        /// Column of dates.
        column: String,
        /// Two formats that match all dates.
        readings: [String; 2],
    },
    /// Values are missing.
    #[error("{}, column `{column}`: {}", path.display(), missing(*count, lines, *left, *fill))]
    Missing {
        /// File.
        path: PathBuf,
        /// Column.
        column: String,
        /// Number of missing values.
        count: usize,
        /// Their first lines.
        lines: String,
        /// Number of values that are still missing after filling.
        left: usize,
        /// Method of filling.
        fill: Fill,
    },
    /// A table has no rows.
    #[error("{}: has no rows (add one per date)", path.display())]
    Empty {
        /// File, or name of a table.
        path: PathBuf,
    },
    /// No row is within the requested times.
    #[error("{}: no rows {asked}; its rows are from {has} (choose other dates)", path.display())]
    NoRows {
        /// File, or name of a table.
        path: PathBuf,
        /// The requested times, such as `from 2020-01-01 on`.
        asked: String,
        /// First and last time of the rows.
        has: String,
    },
    /// A logarithm of zero or of a negative number.
    #[error(
        "{}, {place}, column `{column}`: expected a number above 0 for a logarithm, got {value} \
         (set `transform` to `residual` or `asinh-residual`; as a feature choose \
         asinh-difference(c), level(c) or difference(c))",
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
    /// The text of a feature is malformed.
    #[error("feature `{text}`: {problem}")]
    Feature {
        /// Text of the feature.
        text: String,
        /// Problem and known features.
        problem: String,
    },
    /// The rows cannot be split into the requested sets.
    #[error("{}: {problem}", path.display())]
    Split {
        /// File or folder.
        path: PathBuf,
        /// Problem.
        problem: String,
    },
    /// A file has no column of numbers.
    #[error(
        "{}: no column holds numbers in every row (write numbers like 1234.5)",
        path.display()
    )]
    NoNumbers {
        /// File.
        path: PathBuf,
    },
    /// A folder has no CSV file.
    #[error("{}: the folder has no .csv file (choose a folder of CSV files)", path.display())]
    EmptyFolder {
        /// Folder.
        path: PathBuf,
    },
    /// A table has too few rows to train on.
    #[error(
        "{}: {rows} rows are too few: {needed} are needed, as {why} (use more rows, or a smaller \
         window or horizon)",
        path.display()
    )]
    TooFewRows {
        /// File.
        path: PathBuf,
        /// Number of rows.
        rows: usize,
        /// Number of needed rows.
        needed: usize,
        /// Reason for that number.
        why: String,
    },
    /// The scalers of a trained model are not those of the inputs.
    #[error(
        "{}: expected {expected} scalers, one per input, got {got} (train the model again)",
        path.display()
    )]
    ScalerCount {
        /// File, or name of a table.
        path: PathBuf,
        /// Number of inputs per row.
        expected: usize,
        /// Number of scalers.
        got: usize,
    },
    /// All training values are equal, so they cannot be scaled.
    #[error(
        "{context}: every training value is {value}, and a constant series cannot be scaled (leave \
         it out, or choose another column)"
    )]
    ZeroRange {
        /// Table and column of the values.
        context: String,
        /// The value.
        value: f64,
    },
    /// A character is not a letter of the alphabet.
    #[error("`{letter}` is not in the alphabet (use letters from `{first}` to `{last}`)")]
    UnknownLetter {
        /// The character.
        letter: char,
        /// First letter of the alphabet.
        first: char,
        /// Last letter of the alphabet.
        last: char,
    },
    /// The number of letters differs from the window.
    #[error(
        "expected {expected} letter{}, got {got}: `{text}`",
        if *expected == 1 { "" } else { "s" }
    )]
    LetterCount {
        /// The given letters.
        text: String,
        /// Their number.
        got: usize,
        /// Number of letters in the window.
        expected: usize,
    },
}

fn header(path: &std::path::Path, line: Option<u64>) -> String {
    let line = line.map_or_else(String::new, |line| format!(", line {line}"));
    format!("{}{line}", path.display())
}

fn after(place: Option<Place>) -> String {
    place.map_or_else(String::new, |place| format!(", {place}"))
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

fn advice(fix: Option<&str>) -> String {
    fix.map_or_else(String::new, |fix| format!(" ({fix})"))
}

fn missing(count: usize, lines: &str, left: usize, fill: Fill) -> String {
    let values = if count == 1 { "1 value is".to_owned() } else { format!("{count} values are") };
    let needs = match fill {
        Fill::None => {
            return format!(
                "{values} missing in {lines} (set `fill` to `forward` or `linear`, or correct the \
                 file)"
            );
        }
        Fill::Forward => "a value before",
        Fill::Linear => "a value before and one after",
    };
    format!(
        "{values} missing in {lines}: `{fill}` cannot fill {left} of them without {needs} (correct \
         the file)"
    )
}
