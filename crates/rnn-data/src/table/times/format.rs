//! The formats of dates and times.

use jiff::civil::DateTime;

use super::{
    number::{Count, Guess},
    period::Period,
    zone::split,
};

/// Formats that are tried after ISO 8601; a time of day may follow each.
const FORMATS: [&str; 15] = [
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%Y年%m月%d日",
    "%m/%d/%y",
    "%d/%m/%y",
];
/// First accepted year; an earlier one is a two-digit year that a pattern read as four digits.
const FIRST_YEAR: i16 = 1000;
const TIMES_OF_DAY: [&str; 3] = ["", " %H:%M", " %H:%M:%S"];
/// Times of day that ISO 8601 lacks.
const TWELVE_HOURS: [&str; 2] = [" %I:%M %p", " %I:%M:%S %p"];
/// Dates and times of digits alone, and their number of digits.
const DIGITS: [(&str, usize); 3] = [("%Y%m%d%H", 10), ("%Y%m%d%H%M", 12), ("%Y%m%d%H%M%S", 14)];
/// Years of dates of digits alone. As counts since 1970 they would be 1976, or 2030 to 2036.
const DIGIT_YEARS: std::ops::Range<i16> = 1900..2100;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Format {
    /// ISO 8601: `2020-04-24`, `2020-04-24 15:00:00`, `2020-04-24T15:00:00Z`; or a month,
    /// `2020-04`, for its first day.
    Iso,
    /// A `strftime` pattern that is tried.
    Pattern(String),
    /// A `strftime` pattern that the caller named.
    Named(String),
    /// A period of the calendar.
    Period(Period),
    /// A number that is tried; a column with the name of dates has earlier spreadsheet days.
    Count(Count, Guess),
    /// Numbers since 1970 in UTC whose unit changes.
    MixedUnix,
    /// A number that the caller named.
    NamedCount(Count),
}

/// A time as a row has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment<'a> {
    /// Time on the local clock.
    pub(super) local: DateTime,
    /// Seconds that the local clock is ahead of UTC.
    pub(super) offset: Option<i32>,
    /// Name of the zone in the time zone database.
    pub(super) zone: Option<&'a str>,
}

impl Format {
    /// Returns the formats that are tried: dates, then periods, then numbers.
    pub(super) fn tried(guess: Guess) -> impl Iterator<Item = Self> {
        let dates = FORMATS
            .iter()
            .flat_map(|date| {
                TIMES_OF_DAY.into_iter().chain(TWELVE_HOURS).map(move |time| (date, time))
            })
            .map(|(date, time)| Self::Pattern(format!("{date}{time}")));
        let digits = DIGITS.iter().map(|(pattern, _)| Self::Pattern((*pattern).to_owned()));
        let twelve_hours = TWELVE_HOURS.map(|time| Self::Pattern(format!("%Y-%m-%d{time}")));
        [Self::Iso]
            .into_iter()
            .chain(dates)
            .chain(twelve_hours)
            .chain(digits)
            .chain(Period::all().map(Self::Period))
            .chain(Count::all().map(move |count| Self::Count(count, guess)))
    }

    /// Returns the format that `date-format` names: a kind of number, a period or a pattern.
    pub(super) fn named(name: &str) -> Self {
        match (Count::named(name), Period::named(name)) {
            (Some(count), _) => Self::NamedCount(count),
            (_, Some(period)) => Self::Period(period),
            _ => Self::Named(name.to_owned()),
        }
    }

    /// Returns the value of `date-format` that names the format.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Iso => "ISO 8601".to_owned(),
            Self::Pattern(pattern) | Self::Named(pattern) => pattern.clone(),
            Self::Period(period) => period.name().to_owned(),
            Self::Count(count, _) | Self::NamedCount(count) => count.name().to_owned(),
            Self::MixedUnix => "unix-s".to_owned(),
        }
    }

    /// Whether a text of the format is a plain number, such as a year or a count of seconds.
    pub(super) fn is_number(&self, text: &str) -> bool {
        let plain = || text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+".contains(&byte));
        match self {
            Self::Count(..) | Self::NamedCount(_) | Self::MixedUnix => true,
            Self::Period(_) => plain(),
            Self::Pattern(pattern) => DIGITS.iter().any(|(digits, _)| pattern == digits),
            _ => false,
        }
    }

    /// What texts of the format are, unless they are plain dates.
    pub(super) fn meaning(&self) -> Option<String> {
        match self {
            Self::Period(period) => Some(period.meaning()),
            // Guessed days of a spreadsheet have a warning.
            Self::Count(Count::Excel, _) => None,
            Self::Count(count, _) | Self::NamedCount(count) => Some(count.meaning()),
            Self::MixedUnix => Some("Unix times of several units, in UTC".to_owned()),
            _ => None,
        }
    }

    pub(super) fn parse<'a>(&self, text: &'a str) -> Option<Moment<'a>> {
        let plain =
            |local: Option<DateTime>| local.map(|local| Moment { local, offset: None, zone: None });
        match self {
            Self::Period(period) => plain(period.parse(text)),
            Self::Count(count, guess) => plain(count.parse(text, *guess)),
            Self::NamedCount(count) => plain(count.parse(text, Guess::Not)),
            Self::MixedUnix => plain(Count::mixed(text)),
            Self::Named(pattern) => named(pattern, text).or_else(|| self.zoned(text)),
            Self::Iso | Self::Pattern(_) => self.zoned(text),
        }
    }

    /// Reads a text with or without a zone at its end.
    fn zoned<'a>(&self, text: &'a str) -> Option<Moment<'a>> {
        let zoned = split(text);
        let local = match self {
            Self::Pattern(pattern) | Self::Named(pattern) => {
                if pattern.ends_with("%p") && !zoned.local.ends_with(['m', 'M']) {
                    return None;
                }
                let digits = DIGITS.iter().find(|(digits, _)| pattern == digits);
                if digits.is_some_and(|(_, length)| text.len() != *length) {
                    return None;
                }
                let time = DateTime::strptime(pattern, zoned.local).ok();
                time.filter(|time| match digits {
                    Some(_) => DIGIT_YEARS.contains(&time.year()),
                    None => time.year() >= FIRST_YEAR,
                })
            }
            _ => {
                let text = zoned.local;
                text.parse().or_else(|_| format!("{text}-01").parse()).ok()
            }
        }?;
        Some(Moment { local, offset: zoned.offset, zone: zoned.zone })
    }

    /// Describes an expected text.
    pub(super) fn expected(&self) -> String {
        let day = jiff::civil::date(2020, 4, 24);
        match self {
            Self::Iso => format!("a date like {day}"),
            Self::Named(name) if !name.contains('%') => {
                let names = Count::all().map(Count::name).chain(Period::all().map(Period::name));
                let names = names.collect::<Vec<_>>().join(", ");
                format!(
                    "a date of the format {name}, but formats are patterns like %Y-%m-%d, {names}"
                )
            }
            Self::Pattern(pattern) | Self::Named(pattern) => {
                match jiff::fmt::strtime::format(pattern, day.at(15, 30, 0, 0)) {
                    Ok(example) => format!("a date like {example}"),
                    Err(_) => format!("a date of the format {pattern}"),
                }
            }
            Self::Period(period) => format!("a {} like {}", period.name(), period.example()),
            Self::MixedUnix => "a number like 1587686400 or 1587686400000".to_owned(),
            Self::Count(count, _) | Self::NamedCount(count) => {
                format!("a number like {} ({})", count.example(), count.name())
            }
        }
    }
}

/// Reads a text by a pattern that may have an offset (`%z`) or a zone (`%Q`).
fn named<'a>(pattern: &str, text: &'a str) -> Option<Moment<'a>> {
    let parsed = jiff::fmt::strtime::parse(pattern, text).ok()?;
    let local = match parsed.to_datetime() {
        Ok(local) => local,
        // `%s` counts seconds since 1970.
        Err(_) => jiff::tz::TimeZone::UTC.to_datetime(parsed.timestamp()?),
    };
    let offset = parsed.offset().map(jiff::tz::Offset::seconds);
    (local.year() >= FIRST_YEAR).then_some(Moment { local, offset, zone: None })
}
