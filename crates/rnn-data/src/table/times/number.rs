//! Times as numbers: seconds and parts of a second since 1970, days of a spreadsheet.

use jiff::{SignedDuration, civil::DateTime};

/// A count of a unit from a fixed start on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Seconds, thousandths, millionths or billionths of a second since 1970 in UTC.
    Unix { per_second: i64 },
    /// Days since 1899-12-30 with a fraction, as in spreadsheets.
    Excel,
}

/// All counts with the name that `date-format` takes.
const COUNTS: [(&str, Count); 5] = [
    ("unix-s", Count::Unix { per_second: 1 }),
    ("unix-ms", Count::Unix { per_second: 1_000 }),
    ("unix-us", Count::Unix { per_second: 1_000_000 }),
    ("unix-ns", Count::Unix { per_second: 1_000_000_000 }),
    ("excel", Count::Excel),
];
/// Seconds of plausible times: 1973 to 2100. So the digits of a number tell its unit.
const PLAUSIBLE: std::ops::Range<i64> = 100_000_000..4_102_444_800;
/// Days of plausible times: 1970 to 2100.
const PLAUSIBLE_DAYS: std::ops::Range<i64> = 25_569..73_051;
/// Days of plausible times in a column with the name of dates: 1927 to 2100, five digits.
const NAMED_DAYS: std::ops::Range<i64> = 10_000..73_051;

/// Numbers that are accepted as times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// All: the caller named the unit.
    Not,
    /// Plausible times.
    Plausible,
    /// Plausible times in a column with the name of dates.
    Dated,
}

impl Count {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        COUNTS.into_iter().map(|(_, count)| count)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        COUNTS.iter().find(|(known, _)| *known == name).map(|(_, count)| *count)
    }

    pub(super) fn name(self) -> &'static str {
        COUNTS.iter().find(|(_, count)| *count == self).map_or("", |(name, _)| name)
    }

    /// A number of this count.
    pub(super) fn example(self) -> String {
        let seconds = 1_587_686_400_i64;
        match self {
            Self::Unix { per_second } => (seconds * per_second).to_string(),
            Self::Excel => "43945".to_owned(),
        }
    }

    /// What the numbers are, for a note.
    pub(super) fn meaning(self) -> String {
        let part = match self {
            Self::Unix { per_second: 1 } => "seconds",
            Self::Unix { per_second: 1_000 } => "milliseconds",
            Self::Unix { per_second: 1_000_000 } => "microseconds",
            Self::Unix { .. } => "nanoseconds",
            Self::Excel => return "spreadsheet days (1 is 1900-01-01)".to_owned(),
        };
        format!("Unix {part}, times in UTC")
    }

    /// Reads a number since 1970 of the unit that its digits tell.
    pub(super) fn mixed(text: &str) -> Option<DateTime> {
        let units = Self::all().filter(|one| matches!(one, Self::Unix { .. }));
        units.into_iter().find_map(|unit| unit.parse(text, Guess::Plausible))
    }

    /// Reads a number of this count.
    pub(super) fn parse(self, text: &str, guess: Guess) -> Option<DateTime> {
        let (whole, fraction) = decimal(text)?;
        match self {
            Self::Unix { per_second } => {
                let seconds = whole.div_euclid(per_second);
                if guess != Guess::Not && !PLAUSIBLE.contains(&seconds) {
                    return None;
                }
                let rest = (whole.rem_euclid(per_second) as f64 + fraction) / per_second as f64;
                let nanoseconds = if fraction == 0.0 {
                    whole.rem_euclid(per_second) * (1_000_000_000 / per_second)
                } else {
                    (rest * 1e6).round() as i64 * 1_000
                };
                let start =
                    jiff::civil::date(1970, 1, 1).to_datetime(jiff::civil::Time::midnight());
                let passed = SignedDuration::from_secs(seconds)
                    .checked_add(SignedDuration::from_nanos(nanoseconds))?;
                start.checked_add(passed).ok()
            }
            Self::Excel => {
                let is_plausible = match guess {
                    Guess::Not => true,
                    Guess::Plausible => PLAUSIBLE_DAYS.contains(&whole),
                    Guess::Dated => NAMED_DAYS.contains(&whole),
                };
                if !is_plausible {
                    return None;
                }
                // Day 60 is 1900-02-29, which never was; earlier days are one too small.
                let whole = match whole {
                    60 => return None,
                    0..60 => whole + 1,
                    _ => whole,
                };
                let start =
                    jiff::civil::date(1899, 12, 30).to_datetime(jiff::civil::Time::midnight());
                // The fraction has few digits, so times are whole seconds.
                let seconds =
                    whole.checked_mul(86_400)?.checked_add((fraction * 86_400.0).round() as i64)?;
                start.checked_add(SignedDuration::from_secs(seconds)).ok()
            }
        }
    }
}

/// Reads a number without sign as its whole part and its fraction.
fn decimal(text: &str) -> Option<(i64, f64)> {
    if text.is_empty() || text.len() > 40 || !text.starts_with(|one: char| one.is_ascii_digit()) {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((text.parse().ok()?, 0.0));
    }
    if let Some((whole, fraction)) = text.split_once(['.', ','])
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Some((whole.parse().ok()?, format!("0.{fraction}0").parse().ok()?));
    }
    // `1.5877e+12`, as programs write large numbers.
    text.contains(['e', 'E']).then_some(())?;
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number.abs() < 9e15).then(|| (number.floor() as i64, number.fract()))
}
