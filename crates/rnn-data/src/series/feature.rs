use std::{f64::consts::TAU, fmt, iter};

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::{Columns, DataError, Table, nearest_name};

/// An input feature of each row.
///
/// | text | value | scaling |
/// |---|---|---|
/// | `open` | a column | as the target's transform |
/// | `difference(close)` | change from the row before | standard |
/// | `return(close)` | change as a fraction of the row before | standard |
/// | `log-return(close)` | logarithm of the ratio to the row before | standard |
/// | `log(high/close)` | logarithm of the ratio of two columns | standard |
/// | `gap` | logarithm of the open over the close of the row before | standard |
/// | `weekday`, `month`, `hour` | sine and cosine of the position in the week, year or day | none |
///
/// A column with such a name takes precedence over the calendar feature or `gap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// A column.
    Column(String),
    /// Change of a column from the row before, in its units.
    Difference(String),
    /// Change of a column as a fraction of the row before.
    Return(String),
    /// Logarithm of the ratio of a column to the row before.
    LogReturn(String),
    /// Logarithm of the ratio of two columns.
    LogRatio(String, String),
    /// Logarithm of the ratio of the open to the close of the row before.
    Gap {
        /// Column of opening prices.
        open: String,
        /// Column of closing prices.
        close: String,
    },
    /// Day of the week, as sine and cosine.
    Weekday,
    /// Month of the year, as sine and cosine.
    Month,
    /// Hour of the day, as sine and cosine.
    Hour,
}

/// Features without a column.
const WORDS: [&str; 4] = ["gap", "weekday", "month", "hour"];
/// Functions of columns.
const FUNCTIONS: [&str; 4] = ["difference", "return", "log-return", "log"];
/// Known forms, for errors.
const FORMS: &str = "a feature is a column, difference(c), return(c), log-return(c), log(a/b), \
                       gap, weekday, month or hour";

impl Feature {
    /// Parses a feature of the columns of a [`CsvFile`](crate::CsvFile) or a [`Table`].
    ///
    /// # Errors
    ///
    /// - [`DataError::Feature`] if the text is malformed.
    /// - [`DataError::MissingColumn`] if a column does not exist.
    /// - [`DataError::DuplicateColumn`] if a column is ambiguous.
    ///
    /// # Examples
    ///
    /// ```
    /// use rnn_data::{CsvFile, Feature};
    ///
    /// let file = CsvFile::sample(None)?;
    /// let feature = Feature::parse("log(High / low)", file.columns())?;
    /// assert_eq!(feature.to_string(), "log(high/low)");
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn parse(text: &str, columns: &Columns) -> Result<Self, DataError> {
        let text = text.trim();
        let column = |name: &str| columns.resolve(name.trim()).map(str::to_owned);
        let missing = match columns.resolve(text) {
            Ok(name) => return Ok(Self::Column(name.to_owned())),
            Err(error) => error,
        };
        match text {
            "gap" => return Ok(Self::Gap { open: column("open")?, close: column("close")? }),
            "weekday" => return Ok(Self::Weekday),
            "month" => return Ok(Self::Month),
            "hour" => return Ok(Self::Hour),
            _ => {}
        }
        let Some((function, inside)) = text.strip_suffix(')').and_then(|text| text.split_once('('))
        else {
            return Err(with_words(missing, text));
        };
        let wrong = |problem: String| DataError::Feature { text: text.to_owned(), problem };
        match function {
            "difference" => Ok(Self::Difference(column(inside)?)),
            "return" => Ok(Self::Return(column(inside)?)),
            "log-return" => Ok(Self::LogReturn(column(inside)?)),
            "log" => match inside.split_once('/') {
                Some((above, below)) => Ok(Self::LogRatio(column(above)?, column(below)?)),
                None => Err(wrong("expected two columns, as in log(high/close)".to_owned())),
            },
            _ => {
                let nearest = nearest_name(function, FUNCTIONS);
                let nearest = nearest
                    .map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"));
                Err(wrong(format!("unknown function `{function}`{nearest}; {FORMS}")))
            }
        }
    }

    /// Returns the columns of the feature.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Column(name)
            | Self::Difference(name)
            | Self::Return(name)
            | Self::LogReturn(name) => vec![name],
            Self::LogRatio(one, other) => vec![one, other],
            Self::Gap { open, close } => vec![open, close],
            Self::Weekday | Self::Month | Self::Hour => Vec::new(),
        }
    }

    /// Returns whether the feature depends only on the time.
    pub(super) fn is_calendar(&self) -> bool {
        matches!(self, Self::Weekday | Self::Month | Self::Hour)
    }

    /// Returns whether the feature needs the row before.
    pub(super) fn looks_back(&self) -> bool {
        matches!(
            self,
            Self::Difference(_) | Self::Return(_) | Self::LogReturn(_) | Self::Gap { .. }
        )
    }

    /// Returns the values in the rows of a table, `[columns][rows]`.
    ///
    /// A calendar feature has two columns, others one. A feature that needs the row before is 0 in
    /// the first row.
    pub(super) fn values(&self, table: &Table) -> Result<Vec<Vec<f64>>, DataError> {
        let changes = |values: &[f64]| {
            iter::once(0.0)
                .chain(values.windows(2).map(|pair| self.change(pair[0], pair[1])))
                .collect()
        };
        let ratios = |above: &[f64], below: &[f64]| {
            above.iter().zip(below).map(|(above, below)| (above / below).ln()).collect::<Vec<_>>()
        };
        Ok(match self {
            Self::Column(name) => vec![table.values(name).to_vec()],
            Self::Difference(name) => vec![changes(table.values(name))],
            Self::Return(name) => {
                let values = table.values(name);
                if let Some(row) = values[..values.len() - 1].iter().position(|value| *value == 0.0)
                {
                    let (path, place, column) =
                        (table.path.clone(), table.place(row), name.clone());
                    let expected = format!("a number other than 0 as the base of {self}");
                    return Err(DataError::Value {
                        path,
                        place,
                        column: column.into(),
                        expected: expected.into(),
                        got: "0".into(),
                        fix: Some("correct the value, or choose another feature"),
                    });
                }
                vec![changes(values)]
            }
            Self::LogReturn(name) => vec![changes(positive(table, name)?)],
            Self::LogRatio(above, below) => {
                vec![ratios(positive(table, above)?, positive(table, below)?)]
            }
            Self::Gap { open, close } => {
                let mut gaps = ratios(&positive(table, open)?[1..], positive(table, close)?);
                gaps.insert(0, 0.0);
                vec![gaps]
            }
            Self::Weekday | Self::Month | Self::Hour => {
                let (sines, cosines) = table.times.iter().map(|time| self.point(*time)).unzip();
                vec![sines, cosines]
            }
        })
    }

    /// Returns the values in one row, from its time and the column's values before and now.
    pub(super) fn numbers(&self, time: DateTime, before: f64, now: f64) -> Vec<f64> {
        if self.is_calendar() {
            let (sine, cosine) = self.point(time);
            vec![sine, cosine]
        } else {
            vec![self.change(before, now)]
        }
    }

    fn change(&self, before: f64, now: f64) -> f64 {
        match self {
            Self::Difference(_) => now - before,
            Self::Return(_) => (now - before) / before,
            Self::LogReturn(_) => (now / before).ln(),
            _ => now,
        }
    }

    /// Returns sine and cosine of a calendar feature.
    fn point(&self, time: DateTime) -> (f64, f64) {
        let fraction = match self {
            Self::Weekday => f64::from(time.weekday().to_monday_zero_offset()) / 7.0,
            Self::Month => f64::from(time.month() - 1) / 12.0,
            _ => f64::from(time.hour()) / 24.0,
        };
        (TAU * fraction).sin_cos()
    }
}

/// Adds the words for features to the suggestion of a missing column.
fn with_words(error: DataError, text: &str) -> DataError {
    match error {
        DataError::MissingColumn { path, line, column, nearest, names } => {
            let nearest =
                nearest_name(text, nearest.as_deref().into_iter().chain(WORDS)).map(str::to_owned);
            DataError::MissingColumn { path, line, column, nearest, names }
        }
        other => other,
    }
}

/// Returns the values of a column, or an error if one is not above 0.
pub(super) fn positive<'a>(table: &'a Table, column: &str) -> Result<&'a [f64], DataError> {
    let values = table.values(column);
    match values.iter().position(|value| *value <= 0.0) {
        None => Ok(values),
        Some(row) => {
            let (path, place, value) = (table.path.clone(), table.place(row), values[row]);
            Err(DataError::Logarithm { path, place, column: column.to_owned(), value })
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::Difference(name) => write!(f, "difference({name})"),
            Self::Return(name) => write!(f, "return({name})"),
            Self::LogReturn(name) => write!(f, "log-return({name})"),
            Self::LogRatio(one, other) => write!(f, "log({one}/{other})"),
            Self::Gap { .. } => f.write_str("gap"),
            Self::Weekday => f.write_str("weekday"),
            Self::Month => f.write_str("month"),
            Self::Hour => f.write_str("hour"),
        }
    }
}
