//! Quarters, months, weeks and years as text; each stands for its first day.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday, date};

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Quarter,
    Month,
    Week,
    Year,
}

/// All periods with the name that `date-format` takes, an example and its plural.
const PERIODS: [(&str, Period, &str, &str); 4] = [
    ("quarter", Period::Quarter, "2020Q2", "quarters"),
    ("month", Period::Month, "2020-04", "months"),
    ("week", Period::Week, "2020-W17", "ISO weeks"),
    ("year", Period::Year, "2020", "years"),
];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const FULL_MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Years that a number of four digits may be without a format.
const PLAUSIBLE: std::ops::Range<i16> = 1500..2200;

impl Period {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        PERIODS.into_iter().map(|(_, period, ..)| period)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        PERIODS.iter().find(|(known, ..)| *known == name).map(|(_, period, ..)| *period)
    }

    fn row(self) -> (&'static str, Self, &'static str, &'static str) {
        PERIODS.into_iter().find(|(_, period, ..)| *period == self).unwrap_or(PERIODS[0])
    }

    pub(super) fn name(self) -> &'static str {
        self.row().0
    }

    pub(super) fn example(self) -> &'static str {
        self.row().2
    }

    /// What the texts are, for a note.
    pub(super) fn meaning(self) -> String {
        format!("{}, as their first days", self.row().3)
    }

    /// Reads the first day of a period.
    pub(super) fn parse(self, text: &str) -> Option<DateTime> {
        // Longer texts are no period.
        if text.len() > 24 {
            return None;
        }
        let day = match self {
            Self::Quarter => quarter(text),
            Self::Month => month(text),
            Self::Week => week(text),
            Self::Year => year(text.strip_suffix('年').unwrap_or(text)).and_then(january),
        };
        day.map(DateTime::from)
    }
}

fn january(year: i16) -> Option<Date> {
    PLAUSIBLE.contains(&year).then(|| date(year, 1, 1))
}

/// Reads a year of four digits.
fn year(text: &str) -> Option<i16> {
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| text.parse().ok()).flatten()
}

/// Reads a year of two digits, from 1950 to 2049.
fn short_year(text: &str) -> Option<i16> {
    let is_short = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let year: i16 = text.parse().ok().filter(|_| is_short)?;
    Some(if year < 50 { 2000 + year } else { 1900 + year })
}

/// Returns the number of a month's name.
pub(super) fn named(text: &str) -> Option<i8> {
    let text = text.to_lowercase();
    let is_it = |(short, full): (&str, &str)| text == short || text == full;
    MONTHS.into_iter().zip(FULL_MONTHS).position(is_it).map(|index| index as i8 + 1)
}

fn separated(text: &str) -> &str {
    text.trim_matches([' ', '-', '/', '_', ',', '.', ':'])
}

/// `1970Q1`, `1970-Q1`, `Q1 1970`, `Q1-70`, `1Q1970`, `1970年第1季度`.
fn quarter(text: &str) -> Option<Date> {
    let chinese = text.strip_suffix("季度").and_then(|text| text.split_once('年'));
    let (year_text, number) = if let Some((year, number)) = chinese {
        (year, number.trim_start_matches('第'))
    } else {
        let (before, after) = text.split_once(['Q', 'q'])?;
        let (before, after) = (separated(before), separated(after));
        match (before.len(), after.len()) {
            (4, 1) => (before, after),
            (1, 4) => (after, before),
            (0, 4..) => {
                after.split_at_checked(1).map(|(number, year)| (separated(year), number))?
            }
            _ => return None,
        }
    };
    let number: i8 = number.parse().ok().filter(|number| (1..=4).contains(number))?;
    Date::new(year(year_text).or_else(|| short_year(year_text))?, 3 * number - 2, 1).ok()
}

/// `1970M01`, `Jan 1970`, `Jan-70`, `1970/01`, `01/1970`, `197001`, `1970年1月`.
fn month(text: &str) -> Option<Date> {
    let number = |text: &str| {
        let digits =
            (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i8>().ok()).flatten()
    };
    if let Some((year_text, month_text)) =
        text.strip_suffix('月').and_then(|text| text.split_once('年'))
    {
        return Date::new(year(year_text)?, number(month_text)?, 1).ok();
    }
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let (year_text, month_text) = text.split_at(4);
        let plausible = year(year_text).filter(|year| PLAUSIBLE.contains(year))?;
        return Date::new(plausible, number(month_text)?, 1).ok();
    }
    if text.is_ascii()
        && let Some((one, other)) = text.split_once([' ', '-', '/', 'M', 'm'])
        && let (Some(year), Some(month)) =
            (year(separated(one)), number(separated(other).trim_start_matches(['M', 'm'])))
    {
        return Date::new(year, month, 1).ok();
    }
    if let Some((one, other)) = text.split_once(['/', '-', '.'])
        && let (Some(month), Some(year)) = (number(one), year(other))
    {
        return Date::new(year, month, 1).ok();
    }
    // A name before or behind its year.
    let (one, other) = text.split_once([' ', '-', '/', ','])?;
    let (one, other) = (separated(one), separated(other));
    let (month, year_text) =
        named(one).map(|month| (month, other)).or_else(|| Some((named(other)?, one)))?;
    Date::new(year(year_text).or_else(|| short_year(year_text))?, month, 1).ok()
}

/// `2020-W05`, `2020W05`, `2020-W5`, `2020-W05-1`.
fn week(text: &str) -> Option<Date> {
    let (year_text, rest) = text.split_once(['W', 'w'])?;
    let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, day) = rest.split_at_checked(digits)?;
    let day = match separated(day) {
        "" => Weekday::Monday,
        day => Weekday::from_monday_one_offset(day.parse().ok()?).ok()?,
    };
    let week = ISOWeekDate::new(year(separated(year_text))?, number.parse().ok()?, day).ok()?;
    Some(week.date())
}
