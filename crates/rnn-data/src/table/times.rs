//! Parsing of dates and times in common formats.

use std::path::Path;

use jiff::civil::DateTime;

use super::columns::shorten;
use crate::{DataError, error::Place};

/// Formats that are tried after ISO 8601; a time of day may follow each.
const FORMATS: [&str; 12] = [
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%b %d, %Y",
    "%d %b %Y",
    "%Y年%m月%d日",
    "%m/%d/%y",
    "%d/%m/%y",
];
/// First accepted year; an earlier one is a two-digit year that a pattern read as four digits.
const FIRST_YEAR: i16 = 1000;
/// Advice for times that repeat or are out of order.
pub(super) const ORDER_ADVICE: &str = "sort the rows, and keep one per time";
const TIMES_OF_DAY: [&str; 3] = ["", " %H:%M", " %H:%M:%S"];

#[derive(Debug, Clone, PartialEq)]
enum Format {
    /// ISO 8601: `2020-04-24`, `2020-04-24 15:00:00`, `2020-04-24T15:00:00Z`; or a month,
    /// `2020-04`, for its first day.
    Iso,
    /// A `strftime` pattern.
    Pattern(String),
}

impl Format {
    fn parse(&self, text: &str) -> Option<DateTime> {
        match self {
            Self::Iso => {
                text.trim_end_matches('Z').parse().or_else(|_| format!("{text}-01").parse()).ok()
            }
            Self::Pattern(pattern) => {
                DateTime::strptime(pattern, text).ok().filter(|time| time.year() >= FIRST_YEAR)
            }
        }
    }

    /// Describes an expected text.
    fn expected(&self) -> String {
        let day = jiff::civil::date(2020, 4, 24);
        match self {
            Self::Iso => format!("a date like {day}"),
            Self::Pattern(pattern) => {
                match jiff::fmt::strtime::format(pattern, day.at(15, 30, 0, 0)) {
                    Ok(example) => format!("a date like {example}"),
                    Err(_) => format!("a date of the format {pattern}"),
                }
            }
        }
    }
}

/// A column of times, parsed in every format that matches all rows so far.
pub(super) struct Times<'a> {
    path: &'a Path,
    column: &'a str,
    candidates: Vec<(Format, Vec<DateTime>)>,
}

impl<'a> Times<'a> {
    /// Creates a column of the given format, or of all known ones.
    pub(super) fn new(path: &'a Path, column: &'a str, format: Option<&str>) -> Self {
        let usual = || {
            FORMATS
                .iter()
                .flat_map(|date| TIMES_OF_DAY.map(|time| Format::Pattern(format!("{date}{time}"))))
        };
        let formats: Vec<Format> = match format {
            Some(pattern) => vec![Format::Pattern(pattern.to_owned())],
            None => [Format::Iso].into_iter().chain(usual()).collect(),
        };
        Self {
            path,
            column,
            candidates: formats.into_iter().map(|format| (format, Vec::new())).collect(),
        }
    }

    /// Returns whether a text is a time in any known format.
    pub(super) fn is_time(text: &str) -> bool {
        Times::new(Path::new(""), "", None)
            .candidates
            .iter()
            .any(|(format, _)| format.parse(text).is_some())
    }

    /// Parses the time of the next row.
    pub(super) fn push(&mut self, text: &str, line: u64) -> Result<(), DataError> {
        let parsed: Vec<Option<DateTime>> =
            self.candidates.iter().map(|(format, _)| format.parse(text)).collect();
        if parsed.iter().all(Option::is_none) {
            let expected = self.candidates[0].0.expected();
            return Err(value(self.path, line, self.column, expected, text, None));
        }
        let mut parsed = parsed.into_iter();
        self.candidates.retain_mut(|(_, times)| match parsed.next().flatten() {
            Some(time) => {
                times.push(time);
                true
            }
            None => false,
        });
        Ok(())
    }

    /// Returns the ascending times, and whether the rows are newest first.
    ///
    /// Exactly one format must match with ordered times.
    pub(super) fn finish(mut self, lines: &[u64]) -> Result<(Vec<DateTime>, bool), DataError> {
        let mut ordered = self.candidates.iter().filter(|(_, times)| disorder(times).is_none());
        if let Some(one) = ordered.next()
            && let Some(other) = ordered.find(|(_, times)| *times != one.1)
        {
            let readings = [&one.0, &other.0].map(|format| match format {
                Format::Iso => "ISO 8601".to_owned(),
                Format::Pattern(pattern) => pattern.clone(),
            });
            return Err(DataError::AmbiguousDates {
                path: self.path.to_owned(),
                column: self.column.to_owned(),
                readings,
            });
        }
        let chosen =
            self.candidates.iter().position(|(_, times)| disorder(times).is_none()).unwrap_or(0);
        let mut times = self.candidates.swap_remove(chosen).1;
        let newest_first = is_newest_first(&times);
        if let Some(row) = disorder(&times) {
            let side = if newest_first { "before" } else { "after" };
            let expected = format!("a date {side} {}, the row before", format_time(times[row - 1]));
            return Err(value(
                self.path,
                lines[row],
                self.column,
                expected,
                &format_time(times[row]),
                Some(ORDER_ADVICE),
            ));
        }
        if newest_first {
            times.reverse();
        }
        Ok((times, newest_first))
    }
}

/// Returns whether most rows are older than the row before; false for less than three rows.
fn is_newest_first(times: &[DateTime]) -> bool {
    times.len() > 2 && 2 * times.windows(2).filter(|pair| pair[0] > pair[1]).count() >= times.len()
}

/// Returns the first row that breaks the order of most rows.
fn disorder(times: &[DateTime]) -> Option<usize> {
    let newest_first = is_newest_first(times);
    let is_wrong =
        |pair: &[DateTime]| if newest_first { pair[0] <= pair[1] } else { pair[0] >= pair[1] };
    times.windows(2).position(is_wrong).map(|row| row + 1)
}

pub(super) fn value(
    path: &Path,
    line: u64,
    column: &str,
    expected: String,
    got: &str,
    fix: Option<&'static str>,
) -> DataError {
    DataError::Value {
        path: path.to_owned(),
        place: Place::Line(line),
        column: shorten(column.to_owned()).into(),
        expected: expected.into(),
        got: got.chars().take(60).collect(),
        fix,
    }
}

/// Formats a time in its shortest form: without zero seconds, and a date alone at midnight.
///
/// # Examples
///
/// ```
/// use jiff::civil::date;
///
/// assert_eq!(rnn_data::format_time(date(2020, 4, 24).into()), "2020-04-24");
/// assert_eq!(rnn_data::format_time(date(2020, 4, 24).at(15, 30, 0, 0)), "2020-04-24 15:30");
/// ```
pub fn format_time(time: DateTime) -> String {
    if time.time() == jiff::civil::Time::midnight() {
        time.date().to_string()
    } else if time.second() == 0 && time.subsec_nanosecond() == 0 {
        time.strftime("%Y-%m-%d %H:%M").to_string()
    } else {
        time.strftime("%Y-%m-%d %H:%M:%S%.f").to_string()
    }
}
