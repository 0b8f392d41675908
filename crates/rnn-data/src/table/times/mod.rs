//! Parsing of dates and times in common formats.

mod changes;
mod clock;
mod format;
mod number;
mod period;
mod zone;

use std::{path::Path, sync::LazyLock};

use jiff::civil::DateTime;

pub(crate) use self::clock::Clock;
pub(super) use self::{changes::Changes, clock::Ordered};
use self::{
    clock::{Disorder, order},
    format::Format,
    number::{Count, Guess},
};
use super::columns::shorten;
use crate::{DataError, error::Place};

/// Advice for times that repeat or are out of order.
pub(super) const ORDER_ADVICE: &str = "sort the rows, and keep one per time; or name the column of \
                                       several series with `series-column`";
/// Advice for a text that is no date.
const FORMAT_ADVICE: &str = "name another format with `date-format`, or another column with \
                             `date-column`";
/// Columns of numbers that are periods by their name, whatever their order.
const PERIOD_NAMES: [&str; 5] = ["year", "month", "quarter", "week", "period"];

/// Parts of the names of columns of dates.
const DATE_WORDS: [&str; 11] =
    ["date", "day", "time", "stamp", "datum", "tag", "zeit", "fecha", "jour", "日", "时"];
/// Spreadsheet days before this one (the year 2000) are running numbers if they rise by one.
const FIRST_RUNNING: u32 = 36_526;

/// Texts of a column that one format matches in all rows so far.
struct Candidate {
    format: Format,
    times: Vec<DateTime>,
    /// Rows from which another offset holds, or none.
    offsets: Vec<(usize, Option<i32>)>,
    /// Name of the zone of all rows so far.
    zone: Option<String>,
    /// First name of a zone that the time zone database lacks.
    unknown: Option<String>,
}

/// A column of times, parsed in every format that matches all rows so far.
pub(super) struct Times<'a> {
    path: &'a Path,
    column: &'a str,
    candidates: Vec<Candidate>,
}

/// The times of all rows, or of each series.
pub(super) struct Read {
    /// Rows in ascending order of each series, or the error of its order.
    pub(super) series: Vec<Result<Ordered, DataError>>,
    /// What the texts are, unless they are plain dates.
    pub(super) meaning: Option<String>,
    /// Whether numbers were taken as the days of a spreadsheet.
    pub(super) is_guessed_day: bool,
}

impl Candidate {
    fn new(format: Format) -> Self {
        Self { format, times: Vec::new(), offsets: Vec::new(), zone: None, unknown: None }
    }

    /// Parses the time of the next row; false if the format does not match.
    fn push(&mut self, text: &str) -> bool {
        let Some(moment) = self.format.parse(text) else { return false };
        let row = self.times.len();
        if self.offsets.last().is_none_or(|(_, offset)| *offset != moment.offset) {
            self.offsets.push((row, moment.offset));
        }
        if let Some(zone) = moment.zone
            && self.zone.as_deref() != Some(zone)
            && changes::zone(zone).is_none()
        {
            self.unknown = Some(zone.to_owned());
        }
        match moment.zone {
            Some(zone) if row == 0 => self.zone = Some(zone.to_owned()),
            zone if zone != self.zone.as_deref() => self.zone = None,
            _ => {}
        }
        self.times.push(moment.local);
        true
    }

    /// Orders the rows of each series; no series means that all rows are one.
    fn ordered(&self, series: &[Vec<u32>]) -> Vec<Result<Ordered, Disorder>> {
        let zone = self.zone.as_deref();
        if series.is_empty() {
            return vec![order(self.times.clone(), &self.offsets, zone)];
        }
        let of_series = |rows: &Vec<u32>| {
            let times = rows.iter().map(|&row| self.times[row as usize]).collect();
            let mut offsets: Vec<(usize, Option<i32>)> = Vec::new();
            for (index, &row) in rows.iter().enumerate() {
                let place = self.offsets.partition_point(|(from, _)| *from <= row as usize);
                let offset = place.checked_sub(1).and_then(|place| self.offsets[place].1);
                if offsets.last().is_none_or(|(_, last)| *last != offset) {
                    offsets.push((index, offset));
                }
            }
            order(times, &offsets, zone)
        };
        series.iter().map(of_series).collect()
    }
}

/// Longest text of a time in bytes: a date, a time of day and the name of a zone.
const LONGEST: usize = 100;

/// Returns whether a text has digits around one decimal point, which no date has.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut points = 0;
    let is_plain = digits.bytes().all(|byte| {
        points += u32::from(byte == b'.');
        byte == b'.' || byte.is_ascii_digit()
    });
    is_plain && points == 1
}

impl<'a> Times<'a> {
    /// Creates a column of the given format, or of all known ones.
    pub(super) fn new(path: &'a Path, column: &'a str, format: Option<&str>) -> Self {
        let candidates = match format {
            Some(name) => vec![Candidate::new(Format::named(name))],
            None => Format::tried(guess(column)).map(Candidate::new).collect(),
        };
        Self { path, column, candidates }
    }

    /// Returns the name of the column.
    pub(super) fn column(&self) -> &str {
        self.column
    }

    /// Returns whether a text is a time in any known format that is no plain number.
    pub(super) fn is_time(text: &str) -> bool {
        static FORMATS: LazyLock<Vec<Format>> =
            LazyLock::new(|| Format::tried(Guess::Plausible).collect());
        text.len() <= LONGEST
            && text.bytes().any(|byte| byte.is_ascii_digit())
            && !is_decimal(text)
            && FORMATS.iter().any(|format| !format.is_number(text) && format.parse(text).is_some())
    }

    /// Returns whether all texts are numbers that are times, such as years or counts of seconds.
    ///
    /// They must be in order, unless the column has the name of a period.
    pub(super) fn are_numbers(name: &str, texts: &[&str]) -> bool {
        let mut times = Times::new(Path::new(""), name, None);
        times.candidates.retain(|one| texts.iter().all(|text| one.format.is_number(text)));
        if texts.iter().any(|text| times.candidates.is_empty() || times.push(text, 0).is_err()) {
            return false;
        }
        let is_days = |one: &Candidate| matches!(one.format, Format::Count(Count::Excel, _));
        if guess(name) == Guess::Plausible
            && times.candidates.iter().all(is_days)
            && is_running(texts)
        {
            return false;
        }
        let is_named = PERIOD_NAMES.contains(&name.to_lowercase().as_str());
        let in_order = |one: &Candidate| one.ordered(&[]).iter().all(Result::is_ok);
        is_named && !texts.is_empty() || texts.len() > 2 && times.candidates.iter().any(in_order)
    }

    /// Returns whether a column of numbers has the name of dates or periods.
    pub(super) fn is_named(name: &str) -> bool {
        PERIOD_NAMES.contains(&name.to_lowercase().as_str()) || guess(name) == Guess::Dated
    }

    /// Parses the time of the next row.
    pub(super) fn push(&mut self, text: &str, line: u64) -> Result<(), DataError> {
        let matching: Vec<bool> =
            self.candidates.iter_mut().map(|candidate| candidate.push(text)).collect();
        if !matching.contains(&true) {
            if self.push_mixed(text) {
                return Ok(());
            }
            let expected = self.candidates[0].format.expected();
            return Err(value(self.path, line, self.column, expected, text, Some(FORMAT_ADVICE)));
        }
        let mut matching = matching.into_iter();
        self.candidates.retain(|_| matching.next().unwrap_or_default());
        let unknown = |one: &Candidate| one.unknown.clone();
        match self.candidates.iter().find_map(unknown) {
            Some(zone) => {
                let expected = "a time zone such as Europe/Berlin, or an offset such as +01:00";
                let fix = Some("correct the name of the zone");
                Err(value(self.path, line, self.column, expected.to_owned(), &zone, fix))
            }
            None => Ok(()),
        }
    }

    /// Parses the next row if it is a Unix time of another unit than the rows before.
    fn push_mixed(&mut self, text: &str) -> bool {
        let is_unix = |one: &Candidate| matches!(one.format, Format::Count(Count::Unix { .. }, _));
        let Some(place) = self.candidates.iter().position(is_unix) else { return false };
        let candidate = &mut self.candidates[place];
        let before = std::mem::replace(&mut candidate.format, Format::MixedUnix);
        if candidate.push(text) {
            self.candidates.swap(0, place);
            self.candidates.truncate(1);
            return true;
        }
        candidate.format = before;
        false
    }

    /// Orders the rows. Exactly one format must match with ordered times.
    ///
    /// `series` has the rows of each series; without any, all rows are one series.
    pub(super) fn finish(mut self, lines: &[u64], series: &[Vec<u32>]) -> Result<Read, DataError> {
        // Digits that are dates, such as 202004241500, are no counts.
        let is_count = |one: &Candidate| matches!(one.format, Format::Count(..));
        if !self.candidates.iter().all(is_count) {
            self.candidates.retain(|one| !is_count(one));
        }
        let mut chosen: Option<(&Candidate, Vec<Result<Ordered, Disorder>>)> = None;
        for candidate in &self.candidates {
            let ordered = candidate.ordered(series);
            let wrong =
                |ordered: &[Result<_, _>]| ordered.iter().filter(|one| one.is_err()).count();
            match &chosen {
                Some((first, before)) if wrong(before) == 0 && wrong(&ordered) == 0 => {
                    if first.times != candidate.times {
                        return Err(DataError::AmbiguousDates {
                            path: self.path.to_owned(),
                            column: self.column.to_owned(),
                            readings: [&first.format, &candidate.format].map(Format::name),
                        });
                    }
                }
                Some((_, before)) if wrong(before) <= wrong(&ordered) => {}
                _ => chosen = Some((candidate, ordered)),
            }
        }
        let Some((candidate, ordered)) = chosen else {
            return Err(DataError::Empty { path: self.path.to_owned() });
        };
        let named = |index: usize, ordered: Result<Ordered, Disorder>| {
            ordered.map_err(|disorder| {
                let place =
                    series.get(index).map_or(disorder.row, |rows| rows[disorder.row] as usize);
                self.disorder(&disorder, lines[place])
            })
        };
        let series = ordered.into_iter().enumerate().map(|(index, one)| named(index, one));
        let is_guessed_day = matches!(candidate.format, Format::Count(Count::Excel, _));
        let (series, meaning) = (series.collect(), candidate.format.meaning());
        Ok(Read { series, meaning, is_guessed_day })
    }

    fn disorder(&self, disorder: &Disorder, line: u64) -> DataError {
        let side = if disorder.newest_first { "before" } else { "after" };
        let [before, got] = disorder.times.map(format_time);
        let expected = format!("a date {side} {before}, the row before");
        value(self.path, line, self.column, expected, &got, Some(ORDER_ADVICE))
    }
}

/// Returns which numbers of a column may be times.
fn guess(name: &str) -> Guess {
    let name = name.to_lowercase();
    let is_dated = name == "ds" || DATE_WORDS.iter().any(|word| name.contains(word));
    if is_dated { Guess::Dated } else { Guess::Plausible }
}

/// Returns whether numbers rise by one from row to row, from a low one on.
fn is_running(texts: &[&str]) -> bool {
    let numbers: Option<Vec<u32>> = texts.iter().map(|text| text.parse().ok()).collect();
    numbers.is_some_and(|numbers| {
        numbers.first().is_some_and(|first| *first < FIRST_RUNNING)
            && numbers.windows(2).all(|pair| pair[0] + 1 == pair[1])
    })
}

/// Returns whether a text is the name of a month.
pub(super) fn is_month(text: &str) -> bool {
    period::named(text).is_some()
}

/// Returns the first row at or after a time.
///
/// Times ascend except in the doubled hour of summer time, so the search goes row by row.
pub fn first_from(times: &[DateTime], from: DateTime) -> usize {
    times.iter().position(|time| *time >= from).unwrap_or(times.len())
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
