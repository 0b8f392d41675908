//! Features as text.

use std::fmt;

use super::{Feature, Period};
use crate::{Columns, DataError, nearest_name};

/// Features without a column.
const WORDS: [&str; 4] = ["gap", "weekday", "month", "hour"];
/// Functions of columns and features.
const FUNCTIONS: [&str; 15] = [
    "level",
    "flag",
    "difference",
    "return",
    "asinh-difference",
    "log-return",
    "log",
    "lag",
    "change",
    "rolling-mean",
    "lead",
    "static",
    "time-of-day",
    "time-of-week",
    "time-of-year",
];
/// Known forms, for errors.
const FORMS: &str = "a feature is a column, level(c), flag(c), difference(c), return(c), \
                     asinh-difference(c), log-return(c), log(a/b), lag(c, rows), change(c, \
                     rows), rolling-mean(c, rows), lead(c, rows), static(v), time-of-day(n), \
                     time-of-week(n), \
                     time-of-year(n), gap, weekday, month or hour";
/// Most rows that a feature may look back.
const MOST_ROWS: usize = 100_000;
/// Most features in one another.
const MOST_DEPTH: usize = 3;
/// Most sines of a period.
const MOST_SINES: usize = 50;

impl Feature {
    /// Parses a feature of the columns of a [`CsvFile`](crate::CsvFile) or of a
    /// [`Table`](crate::Table).
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
    /// let feature = Feature::parse("rolling-mean(log-return(close), 5)", file.columns())?;
    /// assert_eq!(feature.columns(), ["close"]);
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn parse(text: &str, columns: &Columns) -> Result<Self, DataError> {
        let text = text.trim();
        let column = |name: &str| columns.resolve(name.trim()).map(str::to_owned);
        let calendar = match text {
            "weekday" => Some(Self::Weekday),
            "month" => Some(Self::Month),
            "hour" => Some(Self::Hour),
            _ => None,
        };
        let missing = match (columns.resolve(text), calendar) {
            // The dates may be called `Month`.
            (Ok(name), Some(feature)) if !columns.has_numbers(name) => return Ok(feature),
            (Ok(name), _) => return Ok(Self::Column(name.to_owned())),
            (Err(_), Some(feature)) => return Ok(feature),
            (Err(error), None) => error,
        };
        if text == "gap" {
            return Ok(Self::Gap { open: column("open")?, close: column("close")? });
        }
        let Some((function, inside)) = text.strip_suffix(')').and_then(|text| text.split_once('('))
        else {
            return Err(with_words(missing, text));
        };
        let wrong = |problem: String| DataError::Feature { text: text.to_owned(), problem };
        let number = |text: &str, most: usize| match text.trim().parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(wrong(format!("expected a number from 1 to {most}, got `{}`", text.trim()))),
        };
        let of_feature = || {
            // A text of any length is not parsed to its end.
            if inside.matches('(').count() > MOST_DEPTH {
                let problem = format!("expected at most {MOST_DEPTH} features in one another");
                return Err(wrong(problem));
            }
            let (inside, rows) = inside.rsplit_once(',').ok_or_else(|| {
                wrong(format!("expected a number of rows, as in {function}({inside}, 7)"))
            })?;
            let inner = match Self::parse(inside, columns)? {
                Self::Column(name) => Self::Level(name),
                inner if inner.is_calendar() || inner.is_known_ahead() => {
                    return Err(wrong(format!("expected a column, got `{inner}`")));
                }
                inner => inner,
            };
            let rows = number(rows, MOST_ROWS)?;
            let back = rows.saturating_add(inner.look_back());
            if back > MOST_ROWS {
                return Err(wrong(format!("looks back {back} rows, at most {MOST_ROWS}")));
            }
            Ok((Box::new(inner), rows))
        };
        let of_time = |period| Ok(Self::Time(period, number(inside, MOST_SINES)?));
        match function {
            "level" => Ok(Self::Level(column(inside)?)),
            "flag" => Ok(Self::Flag(column(inside)?)),
            "difference" => Ok(Self::Difference(column(inside)?)),
            "return" => Ok(Self::Return(column(inside)?)),
            "asinh-difference" => Ok(Self::AsinhDifference(column(inside)?)),
            "log-return" => Ok(Self::LogReturn(column(inside)?)),
            "log" => match inside.split_once('/') {
                Some((above, below)) => Ok(Self::LogRatio(column(above)?, column(below)?)),
                None => Err(wrong("expected two columns, as in log(high/close)".to_owned())),
            },
            "lag" => of_feature().map(|(inner, rows)| Self::Lag(inner, rows)),
            "change" => of_feature().map(|(inner, rows)| Self::Change(inner, rows)),
            "rolling-mean" => of_feature().map(|(inner, rows)| Self::RollingMean(inner, rows)),
            "lead" => {
                let (inside, rows) = inside.rsplit_once(',').ok_or_else(|| {
                    wrong(format!("expected a number of rows, as in lead({inside}, 7)"))
                })?;
                Ok(Self::Lead(column(inside)?, number(rows, MOST_ROWS)?))
            }
            "static" if inside.trim().is_empty() => {
                Err(wrong("expected a value of the series, as in static(size)".to_owned()))
            }
            "static" => Ok(Self::Static(inside.trim().to_owned())),
            "time-of-day" => of_time(Period::Day),
            "time-of-week" => of_time(Period::Week),
            "time-of-year" => of_time(Period::Year),
            _ => {
                let nearest = nearest_name(function, FUNCTIONS);
                let nearest = nearest
                    .map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"));
                Err(wrong(format!("unknown function `{function}`{nearest}; {FORMS}")))
            }
        }
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

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::Level(name) => write!(f, "level({name})"),
            Self::Flag(name) => write!(f, "flag({name})"),
            Self::Difference(name) => write!(f, "difference({name})"),
            Self::Return(name) => write!(f, "return({name})"),
            Self::AsinhDifference(name) => write!(f, "asinh-difference({name})"),
            Self::LogReturn(name) => write!(f, "log-return({name})"),
            Self::LogRatio(one, other) => write!(f, "log({one}/{other})"),
            Self::Gap { .. } => f.write_str("gap"),
            Self::Lag(inner, rows) => write!(f, "lag({inner}, {rows})"),
            Self::Change(inner, rows) => write!(f, "change({inner}, {rows})"),
            Self::RollingMean(inner, rows) => write!(f, "rolling-mean({inner}, {rows})"),
            Self::Lead(name, rows) => write!(f, "lead({name}, {rows})"),
            Self::Static(name) => write!(f, "static({name})"),
            Self::Time(Period::Day, count) => write!(f, "time-of-day({count})"),
            Self::Time(Period::Week, count) => write!(f, "time-of-week({count})"),
            Self::Time(Period::Year, count) => write!(f, "time-of-year({count})"),
            Self::Weekday => f.write_str("weekday"),
            Self::Month => f.write_str("month"),
            Self::Hour => f.write_str("hour"),
        }
    }
}
