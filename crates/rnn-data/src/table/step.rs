//! The usual step between rows, and the steps that are missing.

use std::fmt;

use jiff::{
    Span, ToSpan,
    civil::{Date, DateTime, Weekday},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Usual steps in seconds, minutes and hours.
const NATURAL: [&[i64]; 3] = [
    &[2, 3, 5, 10, 15, 20, 30],
    &[1, 2, 3, 5, 6, 10, 12, 15, 20, 30],
    &[1, 2, 3, 4, 6, 8, 12, 24, 7 * 24],
];
/// Largest difference of the median step from a usual one, in parts of it: 3%.
const NEAR: i64 = 33;
/// Largest difference of most steps from their multiple of it: 15%.
const JITTER: i64 = 15;
/// Fewest steps that show jitter.
const FEWEST: usize = 4;

/// The usual step between the rows of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A number of seconds; weekends may have no rows.
    Seconds { seconds: i64, workdays: bool },
    /// A number of months; all rows may be ends of months.
    Months { months: i64, ends: bool },
}

impl Step {
    /// Finds the step of ascending times; a day for a single one.
    pub(crate) fn find(times: &[DateTime]) -> Self {
        let mut steps: Vec<i64> = times.windows(2).map(|pair| seconds(pair[0], pair[1])).collect();
        let middle = steps.len() / 2;
        let usual = match steps.len() {
            0 => DAY,
            _ => (*steps.select_nth_unstable(middle).1).max(1),
        };
        let usual = natural(&steps, usual);
        let months = [1, 3, 6, 12]
            .into_iter()
            .find(|months| (28 * DAY * months..=31 * DAY * months).contains(&usual));
        if let Some(months) = months {
            let is_end = |time: &DateTime| time.date() == time.date().last_of_month();
            return Self::Months { months, ends: times.iter().all(is_end) };
        }
        // A few days of hourly rows do not tell whether weekends are skipped.
        let a_week = times.len() > 1 && seconds(times[0], times[times.len() - 1]) >= 7 * DAY;
        let workdays = (usual == DAY || usual < DAY && a_week) && !times.iter().any(is_weekend);
        Self::Seconds { seconds: usual, workdays }
    }

    /// Returns whether most rows are exactly one step, and nearly one step, behind the row before.
    pub(crate) fn share(self, times: &[DateTime]) -> (bool, bool) {
        let count = |is_it: &dyn Fn(DateTime, DateTime) -> bool| {
            times.windows(2).filter(|pair| is_it(pair[0], pair[1])).count()
        };
        let is_near = |from, to| match self {
            Self::Seconds { seconds: step, .. } => {
                (seconds(from, to) - step).abs() * 100 <= JITTER * step
            }
            Self::Months { .. } => self.missing(from, to) == 0,
        };
        let exact = count(&|from, to| self.after(from, 1) == Some(to));
        (2 * exact >= times.len(), 2 * count(&is_near) >= times.len())
    }

    /// Returns the step as a span of the calendar.
    pub(crate) fn span(self) -> Span {
        match self {
            Self::Months { months, .. } => months.months(),
            // One day later at the same time.
            Self::Seconds { seconds: DAY, .. } => 1.day(),
            Self::Seconds { seconds, .. } => seconds.seconds(),
        }
    }

    /// Whether a row at this time fits: no weekend among working days.
    pub(crate) fn has(self, time: &DateTime) -> bool {
        !matches!(self, Self::Seconds { workdays: true, .. } if is_weekend(time))
    }

    /// Whether the step is shorter than a day, so that it follows the time that passes.
    pub(crate) fn is_within_a_day(self) -> bool {
        matches!(self, Self::Seconds { seconds, .. } if seconds < DAY)
    }

    /// Whether rows are on working days only.
    pub(crate) fn is_of_working_days(self) -> bool {
        matches!(self, Self::Seconds { workdays: true, .. })
    }

    /// Whether there is a row each day.
    pub(crate) fn is_a_day(self) -> bool {
        matches!(self, Self::Seconds { seconds: DAY, workdays: false })
    }

    /// Moves a time to the end of its month if all rows are ends of months.
    pub(crate) fn fitted(self, time: DateTime) -> DateTime {
        match self {
            Self::Months { ends: true, .. } => time.date().last_of_month().to_datetime(time.time()),
            _ => time,
        }
    }

    /// Returns the number of missing steps between the times of two consecutive rows.
    ///
    /// Weekends are no missing steps of working days. Holidays are unknown, so they are.
    pub(crate) fn missing(self, from: DateTime, to: DateTime) -> u64 {
        u64::try_from(self.count(from, to) - 1).unwrap_or(0)
    }

    /// Returns the number of steps between the times of two consecutive rows, rounded.
    pub(super) fn count(self, from: DateTime, to: DateTime) -> i64 {
        match self {
            Self::Months { months, .. } => {
                let month = |time: DateTime| 12 * i64::from(time.year()) + i64::from(time.month());
                (month(to) - month(from)) / months
            }
            Self::Seconds { seconds: step, workdays } => {
                let off = if workdays { weekend_days(from.date(), to.date()) * DAY } else { 0 };
                (seconds(from, to) - off + step / 2) / step
            }
        }
    }

    /// Returns the `index`th time after a row, on the grid of the step.
    pub(crate) fn after(self, from: DateTime, index: u64) -> Option<DateTime> {
        let span = self.span().checked_mul(i64::try_from(index).ok()?).ok()?;
        from.checked_add(span).ok().map(|time| self.fitted(time))
    }
}

/// The step as an adverb: `hourly`, `every 5 minutes`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = match *self {
            Self::Months { months: 1, .. } => "monthly",
            Self::Months { months: 3, .. } => "quarterly",
            Self::Months { months: 6, .. } => "half-yearly",
            Self::Months { .. } => "yearly",
            Self::Seconds { seconds: DAY, workdays: true } => "on working days",
            Self::Seconds { seconds: DAY, .. } => "daily",
            Self::Seconds { seconds, workdays } => {
                let (count, unit) = match seconds {
                    _ if seconds % (7 * DAY) == 0 => (seconds / (7 * DAY), "week"),
                    _ if seconds % DAY == 0 => (seconds / DAY, "day"),
                    _ if seconds % HOUR == 0 => (seconds / HOUR, "hour"),
                    _ if seconds % MINUTE == 0 => (seconds / MINUTE, "minute"),
                    _ => (seconds, "second"),
                };
                match (count, unit) {
                    (1, "week") => f.write_str("weekly")?,
                    (1, "hour") => f.write_str("hourly")?,
                    (1, _) => write!(f, "every {unit}")?,
                    _ => write!(f, "every {count} {unit}s")?,
                }
                return if workdays { f.write_str(" on working days") } else { Ok(()) };
            }
        };
        f.write_str(plain)
    }
}

/// Returns the usual step near the median of steps that scatter around its multiples, or the
/// median.
fn natural(steps: &[i64], median: i64) -> i64 {
    let units = NATURAL.into_iter().zip([1, MINUTE, HOUR]);
    let usual = units.flat_map(|(counts, unit)| counts.iter().map(move |count| count * unit));
    let Some(near) = usual.min_by_key(|usual| (usual - median).abs()) else { return median };
    let same = steps.iter().filter(|step| **step == median).count();
    let is_near = |step: &&i64| {
        let multiple = ((*step + near / 2) / near).max(1) * near;
        (*step - multiple).abs() * 100 <= JITTER * near
    };
    let is_jitter = steps.len() >= FEWEST
        && 2 * same < steps.len()
        && (near - median).abs() * NEAR <= near
        && 5 * steps.iter().filter(is_near).count() >= 4 * steps.len();
    if is_jitter { near } else { median }
}

fn seconds(from: DateTime, to: DateTime) -> i64 {
    to.duration_since(from).as_secs()
}

fn is_weekend(time: &DateTime) -> bool {
    matches!(time.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Returns the number of days of weekends after one day and before another.
fn weekend_days(from: Date, to: Date) -> i64 {
    // Days since a Monday.
    let day = |date: Date| date.duration_since(Date::constant(2020, 1, 6)).as_hours() / 24;
    let until = |day: i64| 2 * day.div_euclid(7) + (day.rem_euclid(7) - 5).max(0);
    (until(day(to)) - until(day(from) + 1)).max(0)
}
