use jiff::civil::DateTime;

use super::Series;
use crate::table::{Clock, Step};

/// Number of last rows that decide the step.
const LOOKED_AT: usize = 250;

/// Returns the next `count` times of a series, `[count]`, continuing its step.
///
/// The step is a day, a month, a quarter, a year, or the median step. Month ends follow month ends.
/// Daily rows skip weekends if no row is on a weekend. So do hourly rows of at least a week.
/// Holidays are unknown. The result is empty if `times` is, and ends with the year 9999.
///
/// # Examples
///
/// ```
/// use jiff::civil::date;
///
/// let days: Vec<_> = (20..=24).map(|day| date(2020, 4, day).into()).collect(); // Monday to Friday
/// assert_eq!(rnn_data::extend_calendar(&days, 1), [date(2020, 4, 27).into()]);
/// ```
pub fn extend_calendar(times: &[DateTime], count: usize) -> Vec<DateTime> {
    extend(times, &Clock::default(), count)
}

fn extend(times: &[DateTime], clock: &Clock, count: usize) -> Vec<DateTime> {
    let Some(&last) = times.last() else { return Vec::new() };
    let step = Step::find(&times[times.len().saturating_sub(LOOKED_AT)..]);
    let after = |span| {
        if step.is_within_a_day() { clock.after(times, span) } else { last.checked_add(span).ok() }
    };
    // Multiples of the step are added to the last time: January 31 plus one month is February 29,
    // plus two months March 31.
    (1i64..)
        .map_while(|index| step.span().checked_mul(index).ok().and_then(after))
        .map(|next| step.fitted(next))
        .filter(|next| step.has(next))
        .take(count)
        .collect()
}

impl Series {
    /// Returns the next `count` times, as [`extend_calendar`] does.
    ///
    /// If the times of the file name their zone, its summer time applies to hours and minutes. Rows
    /// after the last one, with values known in the future, have their own times.
    pub fn next_times(&self, count: usize) -> Vec<DateTime> {
        let given = self.later_times();
        if given.len() >= count {
            return given[..count].to_vec();
        }
        let all = [&self.times, given].concat();
        [given, &extend(&all, &self.clock, count - given.len())].concat()
    }
}
