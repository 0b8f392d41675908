//! Gaps between rows: the longest that windows may cross, and rows that fill one.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::civil::DateTime;

use super::{Clock, step::Step, times::Changes};
use crate::text::serde_as_text;

/// Longest gap between two rows that a window may cross.
///
/// As text: a number of missing steps, or a time between rows such as `90s`, `30m`, `12h`, `7d` or
/// `2w`.
///
/// # Examples
///
/// ```
/// use rnn_data::MaxGap;
///
/// assert_eq!("3".parse(), Ok(MaxGap::Steps(3)));
/// assert_eq!("12h".parse(), Ok(MaxGap::Seconds(12 * 60 * 60)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxGap {
    /// Number of missing steps; weekends are none if no row is on a weekend.
    Steps(u64),
    /// Seconds between two rows.
    Seconds(u64),
}

serde_as_text!(MaxGap);

/// Units of time and their seconds.
const UNITS: [(&str, u64); 5] =
    [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60), ("w", 7 * 24 * 60 * 60)];
/// Longest time of a gap.
const LONGEST: u64 = 1 << 40;

impl FromStr for MaxGap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number < LONGEST);
        let time = |(unit, seconds): &(&str, u64)| {
            number(text.strip_suffix(unit)?)?.checked_mul(*seconds).map(Self::Seconds)
        };
        number(text).map(Self::Steps).or_else(|| UNITS.iter().find_map(time)).ok_or_else(|| {
            format!(
                "expected a number of missing steps, or a time such as 30m, 12h or 7d, got `{text}`"
            )
        })
    }
}

impl fmt::Display for MaxGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => write!(f, "{steps}"),
            Self::Seconds(seconds) => {
                // Weeks are written as days.
                let written = UNITS[..4].iter().rev();
                let (unit, size) = written
                    .copied()
                    .find(|(_, size)| seconds.is_multiple_of(*size))
                    .unwrap_or(UNITS[0]);
                write!(f, "{}{unit}", seconds / size)
            }
        }
    }
}

impl MaxGap {
    /// Whether the gap between two consecutive rows is longer.
    fn is_exceeded(self, step: Step, from: DateTime, to: DateTime) -> bool {
        match self {
            Self::Steps(steps) => step.missing(from, to) > steps,
            Self::Seconds(seconds) => {
                to.duration_since(from) > jiff::SignedDuration::from_secs(seconds as i64)
            }
        }
    }

    /// Returns the rows that follow a longer gap.
    pub(super) fn breaks(self, times: &[DateTime], clock: &Clock) -> Vec<usize> {
        let (steady, step) = paced(times, clock);
        (1..steady.len())
            .filter(|&row| self.is_exceeded(step, steady[row - 1], steady[row]))
            .collect()
    }
}

/// Longest filled gap in missing steps, without a limit of the caller.
const FILLED: u64 = 14;
/// Most rows that filling may add, in rows of the file.
const MOST_ADDED: usize = 2;
/// Fewest gaps at the same time of day that are closed hours.
const CLOSED: usize = 5;

/// Rows with times in place of missing steps.
pub(super) struct Grid {
    pub(super) times: Vec<DateTime>,
    /// New index of each row.
    pub(super) kept: Vec<usize>,
    pub(super) clock: Clock,
    pub(super) step: Step,
}

impl Grid {
    /// Adds the missing steps of a regular series in gaps up to a limit; none if there are none.
    /// Returns their number as an error if that is too large.
    ///
    /// A series is regular if four of five rows are on the grid of its step. Working days are not:
    /// missing ones are holidays. Hours at which a market is always closed are not filled either.
    pub(super) fn new(
        times: &[DateTime],
        clock: &Clock,
        limit: Option<MaxGap>,
    ) -> Result<Option<Self>, u64> {
        let (steady, step) = paced(times, clock);
        if step.is_of_working_days() || steady.len() < 3 {
            return Ok(None);
        }
        let limit = limit.unwrap_or(MaxGap::Steps(FILLED));
        let missing = |row: usize| {
            let (from, to) = (steady[row], steady[row + 1]);
            on_grid(step, from, to).filter(|_| !limit.is_exceeded(step, from, to))
        };
        let counts: Vec<Option<u64>> = (0..steady.len() - 1).map(missing).collect();
        let gaps: Vec<usize> = (0..counts.len()).filter(|&row| counts[row] > Some(0)).collect();
        if gaps.is_empty() || !is_regular(&steady, step) || is_closed(&steady, &gaps, step) {
            return Ok(None);
        }
        let added: u64 = counts.iter().flatten().sum();
        if added > (MOST_ADDED * times.len()) as u64 {
            return Err(added);
        }
        let (mut all, mut kept, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
        let mut changes = Changes::default();
        for (row, time) in times.iter().enumerate() {
            kept.push(all.len());
            all.push(*time);
            shifts.push(clock.shift(row));
            for index in 1..=counts.get(row).copied().flatten().unwrap_or(0) {
                let Some(next) = step.after(steady[row], index) else { break };
                let next = (next, step.is_within_a_day());
                let (local, shift) = clock.added(times, row, next, &mut changes);
                all.push(local);
                shifts.push(shift);
            }
        }
        Ok(Some(Self { times: all, kept, clock: clock.with(shifts), step }))
    }
}

/// Returns the times that have even steps, and the step: steady times for steps below a day, and
/// local times for days and longer steps.
pub(super) fn paced<'a>(times: &'a [DateTime], clock: &Clock) -> (Cow<'a, [DateTime]>, Step) {
    let steady = clock.all_steady(times);
    match (Step::find(&steady), Step::find(times)) {
        (step, _) if step.is_within_a_day() => (steady, step),
        (step, local) if local.is_within_a_day() => (times.into(), step),
        (_, local) => (times.into(), local),
    }
}

/// Returns the number of missing steps if a row is on the grid of the row before.
pub(super) fn on_grid(step: Step, from: DateTime, to: DateTime) -> Option<u64> {
    let count = step.missing(from, to);
    (step.after(from, count + 1) == Some(to)).then_some(count)
}

pub(super) fn is_regular(steady: &[DateTime], step: Step) -> bool {
    let pairs = steady.windows(2);
    let regular = pairs.clone().filter(|pair| on_grid(step, pair[0], pair[1]).is_some()).count();
    5 * regular >= 4 * pairs.len()
}

/// Describes the step of a series and its missing steps; none for days without missing ones.
/// `fill` says that missing rows should have been added.
pub(super) fn described(times: &[DateTime], clock: &Clock, fill: bool) -> Option<String> {
    let (steady, step) = paced(times, clock);
    if steady.len() < 3 || step.is_of_working_days() {
        return None;
    }
    if !is_regular(&steady, step) {
        let most = match step.share(&steady) {
            (true, _) => format!("most are {step}"),
            (_, true) => format!("most are about {step}"),
            _ => format!("by their median, rows are {step}"),
        };
        let fill = if fill { ", and `fill` adds no rows without a fixed step" } else { "" };
        return Some(format!("the steps between rows differ; {most}{fill}"));
    }
    let missing = |row: &usize| step.missing(steady[*row], steady[row + 1]);
    let gaps: Vec<usize> = (0..steady.len() - 1).filter(|row| missing(row) > 0).collect();
    if gaps.is_empty() || is_closed(&steady, &gaps, step) {
        return (!step.is_a_day()).then(|| format!("rows are {step}"));
    }
    let count: u64 = gaps.iter().map(missing).sum();
    let steps = if count == 1 { "step is" } else { "steps are" };
    let places = if gaps.len() == 1 { "place" } else { "places" };
    Some(format!("rows are {step}, and {count} {steps} missing in {} {places}", gaps.len()))
}

/// Whether gaps of a step below a day mostly begin at the same time of day.
pub(super) fn is_closed(steady: &[DateTime], gaps: &[usize], step: Step) -> bool {
    if !step.is_within_a_day() || gaps.len() < CLOSED {
        return false;
    }
    let mut begins: Vec<_> = gaps.iter().map(|&row| steady[row].time()).collect();
    begins.sort_unstable();
    let most = begins.chunk_by(|one, other| one == other).map(<[_]>::len).max().unwrap_or(0);
    2 * most > gaps.len()
}
