//! Column names: what people call them, and which one is meant.

use std::path::{Path, PathBuf};

use crate::DataError;
use crate::text::nearest_name;

/// Synonyms of the names of dates and prices, the likeliest first, in any capitalisation.
const ALIASES: [(&str, &[&str]); 6] = [
    ("date", &["datetime", "timestamp", "trade_date", "day", "time", "日期", "交易日期", "时间"]),
    ("open", &["开盘", "开盘价"]),
    ("close", &["收盘", "收盘价"]),
    ("high", &["最高", "最高价"]),
    ("low", &["最低", "最低价"]),
    ("volume", &["vol", "成交量"]),
];
/// Columns of numbers that are no measurements.
const LABELS: [&str; 7] = ["", "code", "symbol", "ticker", "id", "index", "股票代码"];
/// Names of what is probably to be predicted, the likeliest first.
const TARGETS: [&str; 6] = ["open", "close", "target", "value", "price", "y"];

/// The columns of a [`CsvFile`](crate::CsvFile) or a [`Table`](crate::Table): their names, and
/// what is likely to be in them.
///
/// A name is looked up as it is written, then in any capitalisation, then by its synonyms
/// (`date`, `open`, `close`, `high`, `low` and `volume` have some, also in Chinese).
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
    /// Index of the dates in a file; a table keeps its times apart.
    pub(super) date: Option<usize>,
    /// Indices of the columns that hold numbers, without the date.
    pub(super) numeric: Vec<usize>,
}

impl Columns {
    /// The header of a file, of whose rows nothing is known yet.
    pub(super) fn header(path: &Path, names: Vec<String>) -> Self {
        Self { path: path.to_owned(), names, date: Some(0), numeric: Vec::new() }
    }

    /// Columns that all hold numbers, beside times.
    pub(super) fn all(path: &Path, names: Vec<String>) -> Self {
        let numeric = (0..names.len()).collect();
        Self { path: path.to_owned(), names, date: None, numeric }
    }

    /// File, or name of the table in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All names, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Name of the column of dates; `None` for a table, whose times are no column.
    pub fn date_column(&self) -> Option<&str> {
        self.date.map(|date| self.names[date].as_str())
    }

    /// The full name of the column that a name means.
    ///
    /// # Errors
    ///
    /// [`DataError::MissingColumn`] or [`DataError::DuplicateColumn`].
    pub fn resolve(&self, name: &str) -> Result<&str, DataError> {
        Ok(&self.names[self.index(name)?])
    }

    /// Columns that hold measurements: numbers, but no dates, codes or row numbers.
    pub fn measurements(&self) -> Vec<&str> {
        let names = self.numeric.iter().map(|&index| self.names[index].as_str());
        names.filter(|name| !LABELS.contains(&name.to_lowercase().as_str())).collect()
    }

    /// The most likely target: the opening or closing price, a value, or the last measurement.
    pub fn likely_target(&self) -> Option<&str> {
        let measurements = self.measurements();
        let known = TARGETS
            .iter()
            .find_map(|name| matching(&measurements, name).filter(|(_, count)| *count == 1));
        known.map(|(index, _)| measurements[index]).or(measurements.last().copied())
    }

    /// Index of the column that a name means.
    pub(super) fn index(&self, name: &str) -> Result<usize, DataError> {
        let (path, line) = (self.path.clone(), self.date.map(|_| 1));
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
                let names = self
                    .names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ");
                let names = if names.is_empty() { "no columns".to_owned() } else { shorten(names) };
                Err(DataError::MissingColumn {
                    path,
                    line,
                    column: shorten(name.to_owned()),
                    nearest,
                    names: names.into(),
                })
            }
        }
    }

    /// Checks that no two columns have the same name.
    pub(super) fn check_unique(&self) -> Result<(), DataError> {
        let mut names: Vec<&String> = self.names.iter().collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map_or(Ok(()), |pair| self.index(pair[0]).map(drop))
    }

    /// Index of the first column that is called by a known name, or by another word for it.
    pub(super) fn meant(&self, name: &str) -> Option<usize> {
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

/// The first column that a name means, and how many there are: as it is written, else in any
/// capitalisation, else the first synonym.
fn matching(names: &[impl AsRef<str>], name: &str) -> Option<(usize, usize)> {
    let count = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = (0..names.len()).filter(|&index| is_it(names[index].as_ref()));
        found.next().map(|first| (first, 1 + found.count()))
    };
    let in_capitals = |word: &str| count(&|column| column.to_lowercase() == word);
    let lowercase = name.to_lowercase();
    let in_other_words = || aliases(&lowercase).iter().find_map(|alias| in_capitals(alias));
    count(&|column| column == name).or_else(|| in_capitals(&lowercase)).or_else(in_other_words)
}

fn aliases(name: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, others)| others)
}

/// Letters of a text in an error.
const LONGEST: usize = 400;

/// A text of bounded length.
pub(super) fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
