use std::f64::consts::TAU;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::{DataError, Table};

/// An input feature of each row.
///
/// | text | value | scaling |
/// |---|---|---|
/// | `open` | a column | as the target's transform |
/// | `level(open)` | a column, whatever the transform | standard |
/// | `flag(promo)` | a column, whatever the transform | none |
/// | `difference(close)` | change from the row before | standard |
/// | `return(close)` | change as a fraction of the row before | standard |
/// | `asinh-difference(sales)` | change of the inverse hyperbolic sine, also of 0 | standard |
/// | `log-return(close)` | logarithm of the ratio to the row before | standard |
/// | `log(high/close)` | logarithm of the ratio of two columns | standard |
/// | `gap` | logarithm of the open over the close of the row before | standard |
/// | `lag(f, 7)` | feature `f`, 7 rows before | as `f` |
/// | `change(f, 7)` | change of feature `f` from 7 rows before | standard |
/// | `rolling-mean(f, 7)` | mean of feature `f` over 7 rows, this one included | standard |
/// | `lead(promo, 3)` | a column that is known in the future, 3 rows after | standard |
/// | `static(size)` | a value of the whole series | as given |
/// | `time-of-day(2)` | 2 sines and 2 cosines with periods of a day and a half | none |
/// | `time-of-week(2)`, `time-of-year(2)` | the same of a week, and of a year | none |
/// | `weekday`, `month`, `hour` | sine and cosine of the position in the week, year or day | none |
///
/// In `lag`, `change` and `rolling-mean` a feature of one column stands for `f`, and a plain column
/// for its level. A column of numbers with such a name takes precedence over the calendar feature
/// or `gap`; dates that are called `Month` do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// A column.
    Column(String),
    /// A column that is not transformed.
    Level(String),
    /// A column that is neither transformed nor scaled.
    Flag(String),
    /// Change of a column from the row before, in its units.
    Difference(String),
    /// Change of a column as a fraction of the row before.
    Return(String),
    /// Change of the inverse hyperbolic sine of a column from the row before.
    AsinhDifference(String),
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
    /// A feature, a number of rows before.
    Lag(Box<Self>, usize),
    /// Change of a feature from a number of rows before.
    Change(Box<Self>, usize),
    /// Mean of a feature over a number of rows, the last of which is this one.
    RollingMean(Box<Self>, usize),
    /// A column that is known in the future, a number of rows after; it is not transformed.
    Lead(String, usize),
    /// A value of the whole series.
    Static(String),
    /// Position in a period of the calendar, as sines and cosines.
    Time(Period, usize),
    /// Day of the week, as sine and cosine.
    Weekday,
    /// Month of the year, as sine and cosine.
    Month,
    /// Hour of the day, as sine and cosine.
    Hour,
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A year, from 1 January.
    Year,
}

/// Rows whose features are computed.
pub(super) trait FeatureRows {
    /// Returns the values of a column.
    fn column(&self, name: &str) -> &[f64];

    /// Returns the value of a column in a row that may be after the last one; NaN if there is none.
    fn ahead(&self, name: &str, row: usize) -> f64;

    /// Returns a value of the whole series; NaN if there is none.
    fn of_series(&self, name: &str) -> f64;

    /// Returns the time of a row.
    fn time(&self, row: usize) -> DateTime;
}

impl FeatureRows for Table {
    fn column(&self, name: &str) -> &[f64] {
        self.values(name)
    }

    fn ahead(&self, name: &str, row: usize) -> f64 {
        Self::ahead(self, name, row)
    }

    fn of_series(&self, name: &str) -> f64 {
        self.static_value(name).unwrap_or(f64::NAN)
    }

    fn time(&self, row: usize) -> DateTime {
        self.times[row]
    }
}

impl Feature {
    /// Returns the columns of the feature.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Column(name)
            | Self::Level(name)
            | Self::Flag(name)
            | Self::Difference(name)
            | Self::Return(name)
            | Self::AsinhDifference(name)
            | Self::LogReturn(name)
            | Self::Lead(name, _) => vec![name],
            Self::LogRatio(one, other) => vec![one, other],
            Self::Gap { open, close } => vec![open, close],
            Self::Lag(inner, _) | Self::Change(inner, _) | Self::RollingMean(inner, _) => {
                inner.columns()
            }
            Self::Static(_) | Self::Time(..) | Self::Weekday | Self::Month | Self::Hour => {
                Vec::new()
            }
        }
    }

    /// Returns the number of inputs: one, or sines and cosines of the calendar.
    fn width(&self) -> usize {
        match self {
            Self::Time(_, count) => 2 * count,
            Self::Weekday | Self::Month | Self::Hour => 2,
            _ => 1,
        }
    }

    /// Returns whether the feature depends only on the time.
    pub(super) fn is_calendar(&self) -> bool {
        matches!(self, Self::Time(..) | Self::Weekday | Self::Month | Self::Hour)
    }

    /// Returns whether the feature is no value of rows up to its own.
    pub(super) fn is_known_ahead(&self) -> bool {
        matches!(self, Self::Lead(..) | Self::Static(_))
    }

    /// Returns whether the feature is used without a scaler.
    pub(super) fn is_unscaled(&self) -> bool {
        match self {
            Self::Flag(_) | Self::Static(_) => true,
            Self::Lag(inner, _) => inner.is_unscaled(),
            _ => self.is_calendar(),
        }
    }

    /// Returns the number of rows before that the feature needs.
    pub(super) fn look_back(&self) -> usize {
        match self {
            Self::Difference(_)
            | Self::AsinhDifference(_)
            | Self::Return(_)
            | Self::LogReturn(_)
            | Self::Gap { .. } => 1,
            Self::Lag(inner, rows) | Self::Change(inner, rows) => rows + inner.look_back(),
            Self::RollingMean(inner, rows) => rows - 1 + inner.look_back(),
            _ => 0,
        }
    }

    /// Checks that the feature is defined in all rows of a table.
    fn check(&self, table: &Table) -> Result<(), DataError> {
        match self {
            Self::Return(name) => {
                let values = table.values(name);
                let zero = values[..values.len() - 1].iter().position(|value| *value == 0.0);
                zero.map_or(Ok(()), |row| {
                    let expected = format!("a number other than 0 as the base of {self}");
                    Err(DataError::Value {
                        path: table.path.clone(),
                        place: table.place(row),
                        column: name.clone().into(),
                        expected: expected.into(),
                        got: "0".into(),
                        fix: Some("correct the value, or choose another feature"),
                    })
                })
            }
            Self::Lag(inner, _) | Self::Change(inner, _) | Self::RollingMean(inner, _) => {
                inner.check(table)
            }
            Self::LogReturn(_) | Self::LogRatio(..) | Self::Gap { .. } => {
                self.columns().into_iter().try_for_each(|name| positive(table, name).map(drop))
            }
            _ => Ok(()),
        }
    }

    /// Returns the values in the rows of a table, `[columns][rows]`.
    ///
    /// They are 0 in the first rows if the feature needs rows before.
    pub(super) fn values(&self, table: &Table) -> Result<Vec<Vec<f64>>, DataError> {
        self.check(table)?;
        let mut columns = vec![Vec::with_capacity(table.rows()); self.width()];
        for row in 0..table.rows() {
            for (column, number) in columns.iter_mut().zip(self.numbers(table, row)) {
                column.push(number);
            }
        }
        Ok(columns)
    }

    /// Returns the values in one row, 0 if it has too few rows before it.
    pub(super) fn numbers(&self, rows: &impl FeatureRows, row: usize) -> Vec<f64> {
        match self {
            Self::Time(period, count) => {
                let turn = TAU * period.fraction(rows.time(row));
                (1..=*count)
                    .flat_map(|multiple| <[f64; 2]>::from((turn * multiple as f64).sin_cos()))
                    .collect()
            }
            Self::Weekday | Self::Month | Self::Hour => {
                <[f64; 2]>::from(self.point(rows.time(row))).to_vec()
            }
            _ if row < self.look_back() => vec![0.0],
            _ => vec![self.number(rows, row)],
        }
    }

    /// Returns the value of a feature of columns.
    fn number(&self, rows: &impl FeatureRows, row: usize) -> f64 {
        let last_two = |name: &str| {
            let values = rows.column(name);
            (values[row - 1], values[row])
        };
        match self {
            Self::Column(name) | Self::Level(name) | Self::Flag(name) => rows.column(name)[row],
            Self::Difference(name) => {
                let (before, now) = last_two(name);
                now - before
            }
            Self::Return(name) => {
                let (before, now) = last_two(name);
                (now - before) / before
            }
            Self::AsinhDifference(name) => {
                let (before, now) = last_two(name);
                now.asinh() - before.asinh()
            }
            Self::LogReturn(name) => {
                let (before, now) = last_two(name);
                (now / before).ln()
            }
            Self::LogRatio(above, below) => {
                (rows.column(above)[row] / rows.column(below)[row]).ln()
            }
            Self::Gap { open, close } => {
                (rows.column(open)[row] / rows.column(close)[row - 1]).ln()
            }
            Self::Lag(inner, back) => inner.number(rows, row - back),
            Self::Change(inner, back) => inner.number(rows, row) - inner.number(rows, row - back),
            Self::RollingMean(inner, count) => {
                let sum: f64 = (row + 1 - count..=row).map(|row| inner.number(rows, row)).sum();
                sum / *count as f64
            }
            Self::Lead(name, after) => rows.ahead(name, row + after),
            Self::Static(name) => rows.of_series(name),
            Self::Time(..) | Self::Weekday | Self::Month | Self::Hour => 0.0,
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

impl Period {
    /// Returns the fraction of the period that has passed.
    fn fraction(self, time: DateTime) -> f64 {
        let clock = time.time();
        let seconds = 3600 * i32::from(clock.hour())
            + 60 * i32::from(clock.minute())
            + i32::from(clock.second());
        let day = f64::from(seconds) / 86_400.0;
        match self {
            Self::Day => day,
            Self::Week => (f64::from(time.weekday().to_monday_zero_offset()) + day) / 7.0,
            Self::Year => {
                let date = time.date();
                (f64::from(date.day_of_year() - 1) + day) / f64::from(date.days_in_year())
            }
        }
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
