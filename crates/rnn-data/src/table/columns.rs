//! Column names and their synonyms.

use std::path::{Path, PathBuf};

use crate::text::nearest_name;
use crate::{DataError, error::Place};

/// Synonyms of dates and prices in any capitalisation, the likeliest first.
const ALIASES: [(&str, &[&str]); 6] = [
    (
        "date",
        &[
            "datetime",
            "timestamp",
            "trade_date",
            "day",
            "time",
            "ds",
            "observation_date",
            "open_time",
            "open time",
            "unix",
            "日期",
            "交易日期",
            "时间",
        ],
    ),
    ("open", &["开盘", "开盘价"]),
    ("close", &["收盘", "收盘价"]),
    ("high", &["最高", "最高价"]),
    ("low", &["最低", "最低价"]),
    ("volume", &["vol", "成交量"]),
];
/// Columns of Binance's bars, which have no header.
pub(super) const BINANCE: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];
/// Names of columns of numbers that are not measurements.
const LABELS: [&str; 9] =
    ["", "code", "symbol", "ticker", "id", "index", "股票代码", "close_time", "ignore"];
/// Advice for a file without numbers.
const NUMBERS_ADVICE: &str =
    "no column holds numbers; write 1234.5, 1,234.5, $5, 5%, 1.2M or 12 °C, or set `decimal`";

/// Columns of a [`CsvFile`](crate::CsvFile) or a [`Table`](crate::Table): names and likely content.
///
/// A name is looked up exactly, then in any capitalisation, then by synonyms. `date`, `open`,
/// `close`, `high`, `low` and `volume` have synonyms in English and Chinese.
///
/// # Examples
///
/// ```
/// let file = rnn_data::CsvFile::sample(None)?;
/// let columns = file.columns();
/// assert_eq!(columns.measurements(), ["open", "close", "high", "low", "volume"]);
/// assert_eq!((columns.date_column(), columns.likely_target()), (Some("date"), Some("open")));
/// assert_eq!(columns.resolve("CLOSE")?, "close");
/// # Ok::<(), rnn_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Columns {
    path: PathBuf,
    names: Vec<String>,
    /// Line of the header; none for a table, and for a file without a header.
    line: Option<u64>,
    /// Index of the dates in a file; the times of a table are not a column.
    pub(super) date: Option<usize>,
    /// Index of the labels of several series.
    pub(super) series: Option<usize>,
    /// Indices of the columns that hold numbers, without the date.
    pub(super) numeric: Vec<usize>,
    /// Columns of numbers with words: index, and line and text of the first word.
    pub(super) words: Vec<(usize, u64, Box<str>)>,
    /// First text in place of a number, if no column holds numbers.
    pub(super) other: Option<(usize, u64, Box<str>)>,
}

impl Columns {
    /// Creates the columns of a file whose rows are unknown.
    pub(super) fn header(path: &Path, names: Vec<String>, line: Option<u64>) -> Self {
        Self {
            path: path.to_owned(),
            names,
            line,
            date: Some(0),
            series: None,
            numeric: Vec::new(),
            words: Vec::new(),
            other: None,
        }
    }

    /// Creates columns of numbers.
    pub(super) fn all(path: &Path, names: Vec<String>) -> Self {
        let numeric = (0..names.len()).collect();
        Self {
            path: path.to_owned(),
            names,
            line: None,
            date: None,
            series: None,
            numeric,
            words: Vec::new(),
            other: None,
        }
    }

    /// Returns the file, or the name of a table in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all names in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the column of dates; `None` for a table, whose times are not a column.
    pub fn date_column(&self) -> Option<&str> {
        self.date.map(|date| self.names[date].as_str())
    }

    /// Returns the column with the labels of several series.
    pub fn series_column(&self) -> Option<&str> {
        self.series.map(|series| self.names[series].as_str())
    }

    /// Returns the exact name of the column that `name` refers to.
    ///
    /// # Errors
    ///
    /// [`DataError::MissingColumn`] if there is none, [`DataError::DuplicateColumn`] if there are
    /// several.
    pub fn resolve(&self, name: &str) -> Result<&str, DataError> {
        Ok(&self.names[self.index(name)?])
    }

    /// Returns the columns of measurements: numbers that are not dates, codes or row numbers.
    pub fn measurements(&self) -> Vec<&str> {
        let numeric = self.numeric.iter().filter(|index| Some(**index) != self.series);
        let names = numeric.map(|&index| self.names[index].as_str());
        names.filter(|name| !is_label(name)).collect()
    }

    /// Returns the columns that would be measurements without a word among their numbers: name, and
    /// line and text of the first word.
    ///
    /// Only the first 100 rows of a file are searched. A table in memory has no words.
    ///
    /// # Examples
    ///
    /// ```
    /// let text = "date,price,sales\n2020-01-02,5,1\n2020-01-03,6,closed\n2020-01-06,7,3\n";
    /// let file = rnn_data::CsvFile::from_bytes("shop.csv".as_ref(), text.as_bytes(), None)?;
    /// assert_eq!(file.columns().measurements(), ["price"]);
    /// assert_eq!(file.columns().words(), [("sales", 3, "closed")]);
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn words(&self) -> Vec<(&str, u64, &str)> {
        let words = self.words.iter();
        let words = words.map(|(index, line, text)| (self.names[*index].as_str(), *line, &**text));
        words.filter(|(name, ..)| !is_label(name)).collect()
    }

    /// Returns the error of a table without measurements; it names the first text with digits.
    pub fn no_numbers(&self) -> DataError {
        let path = self.path.clone();
        let Some((column, line, text)) = &self.other else { return DataError::NoNumbers { path } };
        DataError::Value {
            path,
            place: Place::Line(*line),
            column: shorten(self.names[*column].clone()).into(),
            expected: "a number".into(),
            got: text.clone(),
            fix: Some(NUMBERS_ADVICE),
        }
    }

    /// Returns whether a column holds numbers that are not dates, or parts of dates.
    pub(crate) fn has_numbers(&self, name: &str) -> bool {
        let words = self.words.iter().map(|(index, ..)| index);
        self.numeric.iter().chain(words).any(|&index| self.names[index] == name)
    }

    /// Returns the index of the column that `name` refers to.
    pub(super) fn index(&self, name: &str) -> Result<usize, DataError> {
        let (path, line) = (self.path.clone(), self.line);
        match matching(&self.names, name) {
            Some((index, 1)) => Ok(index),
            Some((index, count)) => Err(DataError::DuplicateColumn {
                path,
                line,
                column: shorten(self.names[index].clone()),
                count,
            }),
            None => {
                let nearest = self.nearest(name).map(str::to_owned);
                Err(DataError::MissingColumn {
                    path,
                    line,
                    column: shorten(name.to_owned()),
                    nearest,
                    names: self.listed(),
                })
            }
        }
    }

    /// Returns which columns are among some names; names without a column are none.
    pub(super) fn among(&self, names: &[String], columns: &[usize]) -> Vec<bool> {
        let named: Vec<usize> = names.iter().filter_map(|name| self.index(name).ok()).collect();
        columns.iter().map(|column| named.contains(column)).collect()
    }

    /// Returns the line of the header, if there is one.
    pub(super) fn line(&self) -> Option<u64> {
        self.line
    }

    /// Returns the error of a series without a column.
    pub(super) fn absent(&self, column: usize, series: &str) -> DataError {
        DataError::MissingColumn {
            path: PathBuf::from(format!("{}, series `{series}`", self.path.display())),
            line: self.line,
            column: shorten(self.names[column].clone()),
            nearest: None,
            names: self.listed(),
        }
    }

    /// Lists the names for a message.
    pub(super) fn listed(&self) -> Box<str> {
        let names =
            self.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if names.is_empty() { "no columns".into() } else { shorten(names).into() }
    }

    /// Checks that all names are different.
    pub(super) fn check_unique(&self) -> Result<(), DataError> {
        let mut names: Vec<&String> = self.names.iter().collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map_or(Ok(()), |pair| self.index(pair[0]).map(drop))
    }

    /// Returns the index of the first column with a known name or one of its synonyms.
    pub(super) fn known(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .map(|column| column.to_lowercase())
            .position(|column| column == name || aliases(name).contains(&column.as_str()))
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        let nameable =
            self.names.iter().map(String::as_str).filter(|column| column.len() <= LONGEST);
        nearest_name(name, nameable)
    }
}

/// Returns the first column that a name refers to, and the number of such columns.
///
/// Exact names come first, then any capitalisation, then synonyms.
pub(super) fn matching(names: &[impl AsRef<str>], name: &str) -> Option<(usize, usize)> {
    let count = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = (0..names.len()).filter(|&index| is_it(names[index].as_ref()));
        found.next().map(|first| (first, 1 + found.count()))
    };
    let in_capitals = |word: &str| count(&|column| column.to_lowercase() == word);
    let lowercase = name.to_lowercase();
    let in_other_words = || aliases(&lowercase).iter().find_map(|alias| in_capitals(alias));
    count(&|column| column == name).or_else(|| in_capitals(&lowercase)).or_else(in_other_words)
}

/// Returns whether a name is a known one or one of its synonyms, in any capitalisation.
pub(super) fn is_called(name: &str, known: &str) -> bool {
    let name = name.to_lowercase();
    name == known || aliases(known).contains(&name.as_str())
}

/// Returns whether a name is that of prices, dates or volumes.
pub(super) fn is_known(name: &str) -> bool {
    ALIASES.iter().any(|(known, _)| is_called(name, known))
}

pub(super) fn is_label(name: &str) -> bool {
    LABELS.contains(&name.to_lowercase().as_str())
}

fn aliases(name: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, others)| others)
}

/// Longest text in an error, in characters.
const LONGEST: usize = 400;

/// Shortens a text to at most that length.
pub(super) fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
