//! Dates in several columns: a day and its time, or year, month and day.

use std::borrow::Cow;

use csv::StringRecord;

use super::times::{Times, is_month};

const YEARS: [&str; 3] = ["year", "yr", "年"];
const MONTHS: [&str; 4] = ["month", "mon", "mo", "月"];
const DAYS: [&str; 4] = ["day", "dd", "dom", "日"];
const HOURS: [&str; 3] = ["hour", "hr", "时"];
const TIMES: [&str; 9] =
    ["time", "time of day", "clock", "uhrzeit", "zeit", "hora", "heure", "ora", "时间"];

/// Columns that complete the column of dates.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct DateParts {
    month: Option<usize>,
    day: Option<usize>,
    time: Option<usize>,
}

/// The first rows of a column: its name, and its texts.
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    pub(super) texts: Vec<&'a str>,
}

impl Sample<'_> {
    fn is(&self, names: &[&str], fits: impl Fn(&str) -> bool) -> bool {
        names.contains(&self.name.to_lowercase().as_str())
            && !self.texts.is_empty()
            && self.texts.iter().all(|text| fits(text))
    }
}

/// Whether a name is that of a part of dates.
pub(super) fn is_part(name: &str) -> bool {
    let name = name.to_lowercase();
    [&YEARS[..], &MONTHS, &DAYS, &HOURS, &TIMES].concat().contains(&name.as_str())
}

/// The zero that an hour of one digit lacks.
fn zero(time: &str) -> &'static str {
    if time.find(':') == Some(1) { "0" } else { "" }
}

fn is_within(text: &str, range: std::ops::RangeInclusive<u32>) -> bool {
    text.len() <= 4 && text.parse().is_ok_and(|number| range.contains(&number))
}

impl DateParts {
    /// Finds a column of years beside one of months: the column of years, and its other parts.
    pub(super) fn of_years(columns: &[Sample<'_>]) -> Option<(usize, Self)> {
        let find = |names: &[&str], fits: &dyn Fn(&str) -> bool| {
            columns.iter().position(|column| column.is(names, fits))
        };
        let year = find(&YEARS, &|text| is_within(text, 1500..=2199))?;
        let month = find(&MONTHS, &|text| is_within(text, 1..=12) || is_month(text))?;
        let is_number = columns[month].texts.iter().all(|text| is_within(text, 1..=12));
        let day = find(&DAYS, &|text| is_within(text, 1..=31)).filter(|_| is_number);
        let parts = Self { month: Some(month), day, time: None };
        Some((year, if day.is_some() { parts.with_time(columns) } else { parts }))
    }

    /// Finds a column of times beside one of days.
    pub(super) fn of_days(date: usize, columns: &[Sample<'_>]) -> Self {
        let is_day = |text: &&str| !text.contains(':') && Times::is_time(text);
        let dates = &columns[date].texts;
        match !dates.is_empty() && dates.iter().all(is_day) {
            true => Self::default().with_time(columns),
            false => Self::default(),
        }
    }

    fn with_time(self, columns: &[Sample<'_>]) -> Self {
        let is_time = |column: &Sample<'_>| {
            column.is(&HOURS, |text| is_within(text, 0..=23))
                || column.is(&[&TIMES[..], &HOURS].concat(), |text| {
                    text.contains(':')
                        && Times::is_time(&format!("2020-04-24 {}{text}", zero(text)))
                })
        };
        Self { time: columns.iter().position(is_time), ..self }
    }

    /// Whether a column is one of the parts.
    pub(super) fn has(self, column: usize) -> bool {
        self.columns().any(|one| one == column)
    }

    /// Returns the columns of the parts.
    pub(super) fn columns(self) -> impl Iterator<Item = usize> {
        [self.month, self.day, self.time].into_iter().flatten()
    }

    /// Returns the date of a row as one text.
    pub(super) fn text(self, date: usize, record: &StringRecord) -> Cow<'_, str> {
        let cell = |index: usize| record.get(index).unwrap_or_default().trim();
        let mut text = Cow::from(cell(date));
        if let Some(month) = self.month.map(cell) {
            text = match month.parse::<u32>() {
                Ok(number) => format!("{text}-{number:02}").into(),
                Err(_) => format!("{month} {text}").into(),
            };
        }
        if let Some(day) = self.day.map(cell) {
            text = format!("{text}-{day:0>2}").into();
        }
        if let Some(time) = self.time.map(cell) {
            text = match time.contains(':') {
                true => format!("{text} {}{time}", zero(time)).into(),
                false => format!("{text} {time:0>2}:00").into(),
            };
        }
        text
    }
}
