use std::{f64::consts::TAU, fmt, iter};

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::{Columns, DataError, Table};

/// Something the model reads of each row.
///
/// | written | what | scaled as |
/// |---|---|---|
/// | `open` | a column | the target's transform |
/// | `difference(close)` | the change from the row before | standard |
/// | `return(close)` | the same as a fraction of the row before | standard |
/// | `log-return(close)` | the logarithm of the ratio to the row before | standard |
/// | `log(high/close)` | the logarithm of the ratio of two columns | standard |
/// | `gap` | the logarithm of the ratio of the open to the close of the row before | standard |
/// | `weekday`, `month`, `hour` | where in the week, year or day, as a point on a circle: two numbers | as it is |
///
/// A column whose name is one of these words is meant by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// A column.
    Column(String),
    /// Change of a column from the row before.
    Difference(String),
    /// The same, relative.
    Return(String),
    /// Logarithm of the ratio to the row before.
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
    /// Day of the week.
    Weekday,
    /// Month of the year.
    Month,
    /// Hour of the day.
    Hour,
}

const WRITTEN: &str = "a feature is a column, difference(c), return(c), log-return(c), log(a/b), \
                       gap, weekday, month or hour";

impl Feature {
    /// Reads a feature of some columns, those of a [`CsvFile`](crate::CsvFile) or a [`Table`].
    ///
    /// # Errors
    ///
    /// [`DataError::Feature`] when it is not written as features are, [`DataError::MissingColumn`]
    /// or [`DataError::DuplicateColumn`] for a column that is not there once.
    pub fn parse(text: &str, columns: &Columns) -> Result<Self, DataError> {
        let text = text.trim();
        let column = |name: &str| columns.resolve(name.trim()).map(str::to_owned);
        if let Ok(name) = columns.resolve(text) {
            return Ok(Self::Column(name.to_owned()));
        }
        match text {
            "gap" => return Ok(Self::Gap { open: column("open")?, close: column("close")? }),
            "weekday" => return Ok(Self::Weekday),
            "month" => return Ok(Self::Month),
            "hour" => return Ok(Self::Hour),
            _ => {}
        }
        let Some((function, inside)) = text.strip_suffix(')').and_then(|text| text.split_once('('))
        else {
            // Neither a word nor a function: a column that is not there.
            return columns.resolve(text).map(|name| Self::Column(name.to_owned()));
        };
        let wrong = |problem: String| DataError::Feature { text: text.to_owned(), problem };
        match function {
            "difference" => Ok(Self::Difference(column(inside)?)),
            "return" => Ok(Self::Return(column(inside)?)),
            "log-return" => Ok(Self::LogReturn(column(inside)?)),
            "log" => match inside.split_once('/') {
                Some((above, below)) => Ok(Self::LogRatio(column(above)?, column(below)?)),
                None => Err(wrong("log needs two columns, as in log(high/close)".to_owned())),
            },
            _ => Err(wrong(format!("there is no function `{function}`; {WRITTEN}"))),
        }
    }

    /// Columns it is made of.
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

    /// Whether it follows from the date alone.
    pub(super) fn is_calendar(&self) -> bool {
        matches!(self, Self::Weekday | Self::Month | Self::Hour)
    }

    /// Whether it needs the row before.
    pub(super) fn looks_back(&self) -> bool {
        matches!(
            self,
            Self::Difference(_) | Self::Return(_) | Self::LogReturn(_) | Self::Gap { .. }
        )
    }

    /// Its values in the rows of a table, 0 in the first where it looks back: one column, two of a
    /// feature of the calendar.
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
                    let expected = format!("a number other than 0 for {self}, a share of it");
                    return Err(DataError::Value {
                        path,
                        place,
                        column,
                        expected,
                        got: "0".into(),
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

    /// Its numbers in a row, of the time and the values of its one column there and in the row
    /// before.
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

    /// The point on the circle of a feature of the calendar.
    fn point(&self, time: DateTime) -> (f64, f64) {
        let share = match self {
            Self::Weekday => f64::from(time.weekday().to_monday_zero_offset()) / 7.0,
            Self::Month => f64::from(time.month() - 1) / 12.0,
            _ => f64::from(time.hour()) / 24.0,
        };
        (TAU * share).sin_cos()
    }
}

/// The values of a column that has a logarithm in every row.
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
