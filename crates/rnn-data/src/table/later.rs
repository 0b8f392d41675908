//! Rows after the last one, in which only columns that are known in the future have values.

use jiff::civil::DateTime;

use super::{Clock, Fill, format_time, gaps};
use crate::{DataError, error::Place};

/// Fewest rows that tell the step.
const FEWEST: usize = 3;
/// Most working days in a row that may always be holidays.
const HOLIDAYS: i64 = 3;
/// Number of last rows that decide how far rows may be apart.
const LOOKED_AT: usize = 1_000;

/// The rows after the last one of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Later {
    /// Local times, `[rows]`.
    pub(super) times: Vec<DateTime>,
    /// Values of the columns of the table, `[columns][rows]`: NaN if missing, no rows if the column
    /// is not known in the future.
    pub(super) values: Vec<Vec<f64>>,
}

impl Later {
    /// Fills missing values from the last ones of the table.
    pub(super) fn fill(&mut self, column: usize, before: Option<f64>, fill: Fill) {
        let Some(values) = self.values.get_mut(column).filter(|_| fill != Fill::None) else {
            return;
        };
        values.insert(0, before.unwrap_or(f64::NAN));
        fill.apply(values);
        values.remove(0);
    }
}

/// Returns the number of rows up to the last one with a value that is not known in the future.
///
/// All rows count if there is no such column, or no such value.
pub(super) fn known_rows(columns: &[Vec<f64>], is_future: &[bool], rows: usize) -> usize {
    let others = || columns.iter().zip(is_future).filter(|(_, is_future)| !**is_future);
    if !is_future.contains(&true) || others().next().is_none() {
        return rows;
    }
    let last = |values: &[f64]| values.iter().rposition(|value| !value.is_nan());
    others().filter_map(|(values, _)| last(values)).max().map_or(rows, |last| last + 1)
}

/// Returns the first row from `end` on that is not one step after the row before, with the expected
/// time.
///
/// Rows of irregular steps may be as far apart as earlier ones, and working days may be holidays.
pub(super) fn stray(times: &[DateTime], end: usize, clock: &Clock) -> Option<(usize, String)> {
    let (before, step) = gaps::paced(&times[..end], clock);
    if before.len() < FEWEST {
        return None;
    }
    let all = if step.is_within_a_day() { clock.all_steady(times) } else { times.into() };
    let missing = |row: &usize| step.missing(before[*row], before[row + 1]) > 0;
    let gaps: Vec<usize> = (0..before.len() - 1).filter(missing).collect();
    let is_regular = !step.is_of_working_days()
        && gaps::is_regular(&before, step)
        && !gaps::is_closed(&before, &gaps, step);
    let counts =
        before[end.saturating_sub(LOOKED_AT)..].windows(2).map(|pair| step.count(pair[0], pair[1]));
    let holidays = if step.is_of_working_days() { HOLIDAYS } else { 0 };
    let (least, most) =
        (counts.clone().min().unwrap_or(1), counts.max().unwrap_or(1).max(1 + holidays));
    let follows = |row: usize| {
        let (from, to) = (all[row - 1], all[row]);
        match is_regular {
            true => gaps::on_grid(step, from, to) == Some(0),
            false => (least..=most).contains(&step.count(from, to)) && step.has(&to),
        }
    };
    let row = (end..times.len()).find(|row| !follows(*row))?;
    let next = (1..).map_while(|index| step.after(times[row - 1], index));
    let next = next.take(7).find(|next| step.has(next)).map(format_time);
    let next = next.map_or_else(String::new, |next| format!("{next}, "));
    let before = format_time(times[row - 1]);
    Some((row, format!("{next}the next row after {before} of a series that is {step}")))
}

/// Returns the error of a row of a file that does not continue the step.
pub(super) fn not_next(
    path: &std::path::Path,
    line: u64,
    expected: &str,
    got: DateTime,
) -> DataError {
    DataError::Covariate {
        path: path.to_owned(),
        place: Some(Place::Line(line)),
        problem: format!(
            "expected {expected}, got {} (add the missing rows, or correct the dates)",
            format_time(got)
        ),
    }
}
