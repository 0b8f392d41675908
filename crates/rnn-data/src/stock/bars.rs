use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::DataError;

/// One trading day.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Trading day.
    pub date: Date,
    /// First price, in the file's currency.
    pub open: f64,
    /// Last price.
    pub close: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Traded volume, in the file's unit.
    pub volume: f64,
}

/// A price file, read and checked: dates ascend, prices are finite.
#[derive(Debug, Clone)]
pub struct PriceFile {
    /// Where it came from.
    pub path: PathBuf,
    /// Bars in ascending order of date.
    pub bars: Vec<Bar>,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// Whether the bars are made up (the embedded sample).
    pub synthetic: bool,
    /// What is odd but usable.
    pub warnings: Vec<Warning>,
}

/// Something odd in a price file that does not stop it from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Some prices are zero or negative, as additively adjusted files have.
    NonPositivePrices {
        /// Rows with such a price.
        rows: usize,
        /// Line of the first, counted from 1.
        first_line: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonPositivePrices { rows, first_line } => write!(
                f,
                "prices at or below zero in {rows} {} (first on line {first_line}); additively adjusted files have them, \
                 percentages and returns of such prices mean nothing",
                if *rows == 1 { "row" } else { "rows" }
            ),
        }
    }
}

const SAMPLE: &str = include_str!("../../../../assets/synthetic-daily-bars.csv");
const SAMPLE_NAME: &str = "synthetic-daily-bars.csv";
/// No price or volume is this large; squares of such numbers leave the range of f32.
const TOO_LARGE: f64 = 1e15;
const COLUMNS: [&str; 6] = ["date", "open", "close", "high", "low", "volume"];

/// A row as text, by column name; other columns (the unnamed row index, `code`) are ignored.
#[derive(Deserialize)]
struct Row<'a> {
    date: &'a str,
    open: &'a str,
    close: &'a str,
    high: &'a str,
    low: &'a str,
    volume: &'a str,
}

impl PriceFile {
    /// Reads daily bars from a CSV file with the columns `date, open, close, high, low, volume`, found by name.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a column is missing or repeated, a date does not parse, repeats or goes back, or a number
    /// is not finite. Each error names file, line and column.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &bytes, false)
    }

    /// The embedded sample: synthetic bars in the format and of the length of the course's file.
    ///
    /// # Errors
    ///
    /// Never, unless the asset was edited by hand.
    pub fn sample() -> Result<Self, DataError> {
        Self::parse(Path::new(SAMPLE_NAME), SAMPLE.as_bytes(), true)
    }

    /// Opening prices, oldest first.
    pub fn opens(&self) -> impl Iterator<Item = f64> + '_ {
        self.bars.iter().map(|bar| bar.open)
    }

    /// The file's name without its folder.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    fn parse(path: &Path, bytes: &[u8], synthetic: bool) -> Result<Self, DataError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let malformed = |error: csv::Error| DataError::Malformed {
            path: path.to_owned(),
            line: error.position().map_or(1, csv::Position::line),
            problem: describe(&error),
        };
        let header = reader.headers().map_err(malformed)?.clone();
        check_header(path, &header)?;

        let mut bars: Vec<Bar> = Vec::new();
        let mut warnings = Vec::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(malformed)? {
            let line = record.position().map_or(0, csv::Position::line);
            let row: Row<'_> = record.deserialize(Some(&header)).map_err(malformed)?;
            let bar = row.parse(path, line)?;
            if let Some(last) = bars.last()
                && bar.date <= last.date
            {
                let expected = format!("a date after {}, the row before", last.date);
                return Err(value(path, line, "date", expected, row.date));
            }
            if bar.open.min(bar.close).min(bar.high).min(bar.low) <= 0.0 {
                note_non_positive(&mut warnings, line);
            }
            bars.push(bar);
        }
        Ok(Self { path: path.to_owned(), bars, sha256: hex(&Sha256::digest(bytes)), synthetic, warnings })
    }
}

impl Row<'_> {
    fn parse(&self, path: &Path, line: u64) -> Result<Bar, DataError> {
        let number = |column: &'static str, text: &str| match text.parse::<f64>() {
            Ok(number) if number.abs() < TOO_LARGE => Ok(number),
            Ok(number) if number.is_finite() => Err(value(path, line, column, format!("a number below {TOO_LARGE:e}"), text)),
            _ => Err(value(path, line, column, "a finite number".to_owned(), text)),
        };
        Ok(Bar {
            date: self.date.parse().map_err(|_| value(path, line, "date", "a date like 2020-04-24".to_owned(), self.date))?,
            open: number("open", self.open)?,
            close: number("close", self.close)?,
            high: number("high", self.high)?,
            low: number("low", self.low)?,
            volume: number("volume", self.volume)?,
        })
    }
}

fn check_header(path: &Path, header: &csv::StringRecord) -> Result<(), DataError> {
    for column in COLUMNS {
        match header.iter().filter(|name| *name == column).count() {
            1 => {}
            0 => {
                let names = header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let header = if names.is_empty() { "no columns".to_owned() } else { names };
                return Err(DataError::MissingColumn { path: path.to_owned(), column: column.to_owned(), header });
            }
            count => return Err(DataError::DuplicateColumn { path: path.to_owned(), column: column.to_owned(), count }),
        }
    }
    Ok(())
}

fn value(path: &Path, line: u64, column: &'static str, expected: String, got: &str) -> DataError {
    DataError::Value { path: path.to_owned(), line, column, expected, got: got.chars().take(60).collect() }
}

fn note_non_positive(warnings: &mut Vec<Warning>, line: u64) {
    match warnings.first_mut() {
        Some(Warning::NonPositivePrices { rows, .. }) => *rows += 1,
        None => warnings.push(Warning::NonPositivePrices { rows: 1, first_line: line }),
    }
}

fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {expected_len} values as in the header, got {len}")
        }
        csv::ErrorKind::Utf8 { .. } => "expected UTF-8 text, got other bytes".to_owned(),
        _ => error.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
