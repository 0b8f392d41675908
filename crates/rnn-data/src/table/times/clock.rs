//! The clock of a table: summer time, offsets and the order of rows.

use std::{borrow::Cow, ops::Range};

use jiff::{
    Span, ToSpan,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use super::changes::{Change, Changes, LARGEST, zone as zone_of};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
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
    pub(in crate::table) fn shift(&self, row: usize) -> i64 {
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

    /// Returns the clock of rows with other shifts, one for each row.
    pub(in crate::table) fn with(&self, shifts: impl IntoIterator<Item = i64>) -> Self {
        Self { shifts: runs(shifts), ..self.clone() }
    }

    /// Returns the clock of `times`: those of this clock up to `rows`, then those of another one.
    pub(in crate::table) fn followed_by(
        &self,
        rows: usize,
        other: &Self,
        times: &[DateTime],
    ) -> Self {
        if self.is_utc && other.is_utc {
            let own = (0..rows).map(|row| self.shift(row));
            return self.with(own.chain((0..times.len() - rows).map(|row| other.shift(row))));
        }
        let shifts = summer_time(times).unwrap_or_else(|_| self.shifts.clone());
        Self { shifts, ..self.clone() }
    }

    /// Returns the local time of a new row behind a row, and its shift.
    ///
    /// `time` is steady, or local if the new rows keep the time of day.
    pub(in crate::table) fn added(
        &self,
        times: &[DateTime],
        row: usize,
        (time, is_steady): (DateTime, bool),
        changes: &mut Changes,
    ) -> (DateTime, i64) {
        let to_local =
            |shift: i64| if is_steady { time.saturating_add(shift.seconds()) } else { time };
        if let Some(zone) = self.zone.as_ref().filter(|_| self.is_utc) {
            let zone_now =
                if is_steady { Offset::UTC.to_timestamp(time) } else { zone.to_timestamp(time) };
            if let Ok(now) = zone_now {
                let shift = i64::from(zone.to_offset(now).seconds());
                return (to_local(shift), shift);
            }
        }
        let (old, new) = (self.shift(row), self.shift(row + 1));
        if old == new || row + 1 == times.len() {
            return (to_local(old), old);
        }
        let (before, after) = (times[row], times[row + 1]);
        let fits = |change: &&Change| {
            change.by == new - old
                && (!self.is_utc || change.from == old)
                && change.is_between(before, after)
        };
        let at = changes.around(before).iter().find(fits).map(|change| change.at);
        let shift = if at.is_some_and(|at| to_local(old) >= at) { new } else { old };
        (to_local(shift), shift)
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
    let in_utc = bounds.is_some_and(|(least, most)| i64::from(most - least) > LARGEST);
    let mut clock = Clock {
        shifts: known.iter().flatten().map(|(row, offset)| (*row, i64::from(*offset))).collect(),
        is_utc: known.is_some(),
        zone: None,
    };
    if in_utc {
        times = clock.all_steady(&times).into_owned();
        clock.shifts.clear();
    } else if let Some(name) = zone {
        clock.zone = zone_of(name);
    }
    let newest_first = is_newest_first(&clock.all_steady(&times));
    if newest_first {
        times.reverse();
        clock.shifts = reversed(&clock.shifts, rows);
    }
    if let Some(shifts) =
        clock.zone.as_ref().filter(|_| !clock.is_utc).and_then(|zone| in_zone(zone, &times))
    {
        (clock.shifts, clock.is_utc) = (shifts, true);
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

/// Returns the rows from which another shift holds.
fn runs(shifts: impl IntoIterator<Item = i64>) -> Vec<(usize, i64)> {
    let mut runs: Vec<(usize, i64)> = Vec::new();
    for (row, shift) in shifts.into_iter().enumerate() {
        if runs.last().is_none_or(|(_, last)| *last != shift) {
            runs.push((row, shift));
        }
    }
    runs
}

/// Finds the offsets of local times in a zone; none if some time does not follow the one before.
fn in_zone(zone: &TimeZone, times: &[DateTime]) -> Option<Vec<(usize, i64)>> {
    let (mut shifts, mut last) = (Vec::with_capacity(times.len()), None);
    for time in times {
        let offsets = match zone.to_ambiguous_timestamp(*time).offset() {
            AmbiguousOffset::Unambiguous { offset } => [offset, offset],
            AmbiguousOffset::Gap { before, .. } => [before, before],
            AmbiguousOffset::Fold { before, after } => [before, after],
        };
        let shifts_of = offsets.map(|offset| i64::from(offset.seconds()));
        let follows = |shift: &i64| last.is_none_or(|last| behind(*time, *shift) > last);
        let shift = shifts_of.into_iter().find(follows)?;
        last = Some(behind(*time, shift));
        shifts.push(shift);
    }
    Some(runs(shifts))
}

/// Finds the shifts of summer time in ascending local times without offsets.
///
/// An hour that repeats is the end of summer time, and a missing one its start. The clocks of some
/// zone must have been changed then. Returns the first row that neither explains.
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
    let mut changes = Changes::default();
    for row in 1..times.len() {
        let (before, now) = (times[row - 1], times[row]);
        let step = seconds(before, now);
        let extra = step - usual;
        if step > 0 && !(HOUR / 2..=LARGEST).contains(&extra) {
            continue;
        }
        // A missing hour is exact. Rows may be lost beside a doubled one.
        let is_exact = |change: &&Change| change.by == extra;
        let is_loose = |change: &&Change| {
            step <= 0 && change.by < 0 && (1..=usual + HOUR).contains(&(step - change.by))
        };
        let known = changes.around(now);
        let between = || known.iter().filter(|change| change.is_between(before, now));
        let by = between().find(is_exact).or_else(|| between().find(is_loose)).map(|one| one.by);
        if step <= 0 {
            let apart = last_end.is_none_or(|end| seconds(end, now) > SEASON * DAY);
            shift += by.filter(|_| apart).ok_or(row)?;
            last_end = Some(now);
            shifts.push((row, shift));
        } else if let Some(by) = by {
            shift += by;
            shifts.push((row, shift));
        }
    }
    // Gaps alone show no summer time: some clocks have no doubled hour, or lost a row.
    Ok(shifts)
}
