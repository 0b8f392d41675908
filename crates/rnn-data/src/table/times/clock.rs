//! The clock of a table: summer time, offsets and the order of rows.

use std::{borrow::Cow, ops::Range};

use jiff::{
    Span, ToSpan,
    civil::{DateTime, Weekday},
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
/// Largest difference of offsets that summer time explains; double summer time has two hours.
const SUMMER: i32 = 2 * 60 * 60;
/// Smallest number of days between two ends of summer time.
const SEASON: i64 = 100;

/// How local times follow the time that passed.
///
/// Times of rows are local. Where summer time begins or ends, an hour is missing or doubled.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Clock {
    /// Rows from which local time is ahead of steady time by other seconds than before.
    shifts: Vec<(usize, i64)>,
    /// True if the shifts are offsets from UTC.
    is_utc: bool,
    zone: Option<TimeZone>,
}

/// Rows in ascending order of the time that passed.
pub(in crate::table) struct Ordered {
    /// Local times, ascending except in a doubled hour.
    pub(in crate::table) times: Vec<DateTime>,
    pub(in crate::table) clock: Clock,
    pub(in crate::table) newest_first: bool,
    /// True if local times with very different offsets became times in UTC.
    pub(in crate::table) in_utc: bool,
}

/// The first row that breaks the order of most rows.
pub(super) struct Disorder {
    pub(super) row: usize,
    pub(super) newest_first: bool,
    /// Times of this row and of the row before.
    pub(super) times: [DateTime; 2],
}

impl Clock {
    /// Returns the clock of ascending local times without offsets, or the first wrong row.
    pub(in crate::table) fn of_summer(times: &[DateTime]) -> Result<Self, usize> {
        summer_time(times).map(|shifts| Self { shifts, ..Self::default() })
    }

    /// Seconds that local time is ahead of steady time in a row.
    fn shift(&self, row: usize) -> i64 {
        let place = self.shifts.partition_point(|(from, _)| *from <= row);
        place.checked_sub(1).map_or(0, |place| self.shifts[place].1)
    }

    /// Returns the steady times of all rows: those of a clock without summer time.
    pub(crate) fn all_steady<'a>(&self, times: &'a [DateTime]) -> Cow<'a, [DateTime]> {
        if self.shifts.is_empty() {
            return times.into();
        }
        let (mut shifts, mut shift) = (self.shifts.iter().peekable(), 0);
        let steady = times.iter().enumerate().map(|(row, time)| {
            while let Some((_, next)) = shifts.next_if(|(from, _)| *from <= row) {
                shift = *next;
            }
            behind(*time, shift)
        });
        steady.collect::<Vec<_>>().into()
    }

    /// Returns the clock of a range of rows.
    pub(crate) fn of(&self, rows: &Range<usize>) -> Self {
        let mut shifts: Vec<(usize, i64)> = Vec::new();
        if self.shift(rows.start) != 0 {
            shifts.push((0, self.shift(rows.start)));
        }
        let later = self.shifts.iter().filter(|(row, _)| rows.start < *row && *row < rows.end);
        shifts.extend(later.map(|(row, shift)| (row - rows.start, *shift)));
        Self { shifts, ..self.clone() }
    }

    /// Returns the clock of rows some of which are new: `kept[row]` is the new index of a row.
    pub(crate) fn spread(&self, kept: &[usize]) -> Self {
        let shifts = self.shifts.iter().filter_map(|(row, shift)| Some((*kept.get(*row)?, *shift)));
        Self { shifts: shifts.collect(), ..self.clone() }
    }

    /// Returns the local time some seconds after the last row, by the rules of its zone.
    pub(crate) fn after(&self, times: &[DateTime], step: Span) -> Option<DateTime> {
        let last = *times.last()?;
        let by_zone = || {
            let zone = self.zone.as_ref()?;
            let now = match self.is_utc {
                true => Offset::from_seconds(self.shift(times.len() - 1) as i32)
                    .and_then(|offset| offset.to_timestamp(last)),
                false => zone.to_timestamp(last),
            };
            Some(zone.to_datetime(now.ok()?.checked_add(step).ok()?))
        };
        by_zone().or_else(|| last.checked_add(step).ok())
    }
}

fn behind(time: DateTime, seconds: i64) -> DateTime {
    time.saturating_sub(seconds.seconds())
}

/// Returns whether most rows are older than the row before; false for less than three rows.
fn is_newest_first(times: &[DateTime]) -> bool {
    times.len() > 2 && 2 * times.windows(2).filter(|pair| pair[0] > pair[1]).count() >= times.len()
}

/// Orders rows by the time that passed. `offsets` has the rows from which another offset holds, in
/// seconds; none of a row means that texts have no offsets.
///
/// # Errors
///
/// The first row that breaks the order of most rows.
pub(super) fn order(
    mut times: Vec<DateTime>,
    offsets: &[(usize, Option<i32>)],
    zone: Option<&str>,
) -> Result<Ordered, Disorder> {
    let rows = times.len();
    let known: Option<Vec<(usize, i32)>> =
        offsets.iter().map(|(row, offset)| Some((*row, (*offset)?))).collect();
    let known = known.filter(|known| !known.is_empty());
    let bounds = known.as_ref().map(|known| {
        let offsets = known.iter().map(|(_, offset)| *offset);
        (offsets.clone().min().unwrap_or(0), offsets.max().unwrap_or(0))
    });
    let in_utc = bounds.is_some_and(|(least, most)| most - least > SUMMER);
    let mut clock = Clock {
        shifts: known.iter().flatten().map(|(row, offset)| (*row, i64::from(*offset))).collect(),
        is_utc: known.is_some(),
        zone: None,
    };
    if in_utc {
        times = clock.all_steady(&times).into_owned();
        clock.shifts.clear();
    } else if let Some(name) = zone {
        clock.zone = TimeZoneDatabase::bundled().get(name).ok();
    }
    let newest_first = is_newest_first(&clock.all_steady(&times));
    if newest_first {
        times.reverse();
        clock.shifts = reversed(&clock.shifts, rows);
    }
    // Without offsets, the times themselves show where summer time begins and ends.
    let broken = if clock.is_utc {
        clock.all_steady(&times).windows(2).position(|pair| pair[0] >= pair[1]).map(|row| row + 1)
    } else {
        match summer_time(&times) {
            Ok(shifts) => {
                clock.shifts = shifts;
                None
            }
            Err(row) => Some(row),
        }
    };
    let Some(mut row) = broken else {
        return Ok(Ordered { times, clock, newest_first, in_utc });
    };
    if newest_first {
        // The first break in the order of the file.
        times.reverse();
        let break_at = times.windows(2).position(|pair| pair[0] <= pair[1]);
        row = break_at.map_or(rows - row, |row| row + 1);
    }
    Err(Disorder { row, newest_first, times: [times[row - 1], times[row]] })
}

/// Reverses the rows of shifts.
fn reversed(shifts: &[(usize, i64)], rows: usize) -> Vec<(usize, i64)> {
    let ends = shifts.iter().skip(1).map(|(row, _)| *row).chain([rows]);
    let mut all: Vec<_> =
        shifts.iter().zip(ends).map(|((_, shift), end)| (rows - end, *shift)).collect();
    all.reverse();
    all
}

/// Finds the shifts of summer time in ascending local times without offsets.
///
/// An hour that repeats at night is the end of summer time, a missing one its start. Returns the
/// first row that neither explains.
pub(super) fn summer_time(times: &[DateTime]) -> Result<Vec<(usize, i64)>, usize> {
    let seconds = |from: DateTime, to: DateTime| to.duration_since(from).as_secs();
    let mut steps: Vec<i64> = times.windows(2).map(|pair| seconds(pair[0], pair[1])).collect();
    let backward = times.windows(2).position(|pair| pair[0] >= pair[1]);
    let middle = steps.len() / 2;
    let usual = match steps.get(middle) {
        Some(_) => *steps.select_nth_unstable(middle).1,
        None => return Ok(Vec::new()),
    };
    // Days and longer steps have no doubled hours.
    if !(1..=2 * HOUR).contains(&usual) {
        return backward.map_or(Ok(Vec::new()), |row| Err(row + 1));
    }
    let (mut shifts, mut shift, mut last_end) = (Vec::new(), 0, None::<DateTime>);
    for row in 1..times.len() {
        let (before, now) = (times[row - 1], times[row]);
        let step = seconds(before, now);
        if step <= 0 {
            let fits = |back: &i64| step + back == usual;
            let loose = || Some(HOUR).filter(|back| (1..=usual + HOUR).contains(&(step + back)));
            let back = [HOUR, HOUR / 2].into_iter().find(fits).or_else(loose);
            let apart = last_end.is_none_or(|end| seconds(end, now) > SEASON * DAY);
            match back.filter(|_| apart && is_changeover(before) && is_changeover(now)) {
                Some(back) => {
                    shift -= back;
                    last_end = Some(now);
                    shifts.push((row, shift));
                }
                None => return Err(row),
            }
        } else if usual <= HOUR && step == usual + HOUR && is_changeover(before) {
            shift += HOUR;
            shifts.push((row, shift));
        }
    }
    // Gaps alone show no summer time: some clocks have no doubled hour, or lost a row.
    Ok(shifts)
}

/// Whether clocks are changed around this time: in the night before or on a Sunday, in spring or
/// autumn.
fn is_changeover(time: DateTime) -> bool {
    let in_season = matches!(time.month(), 3..=5 | 9..=11);
    let at_night = match time.weekday() {
        Weekday::Sunday => time.hour() <= 3,
        Weekday::Saturday => time.hour() == 23,
        _ => false,
    };
    in_season && at_night
}
