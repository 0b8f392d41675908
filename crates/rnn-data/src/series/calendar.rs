use jiff::{
    Span, ToSpan,
    civil::{DateTime, Weekday},
};

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
    let times = &times[times.len().saturating_sub(LOOKED_AT)..];
    let Some(&last) = times.last() else { return Vec::new() };
    let mut steps: Vec<i64> =
        times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    steps.sort_unstable();
    const DAY: i64 = 24 * 60 * 60;
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(DAY).max(1);
    let is_weekend =
        |time: &DateTime| matches!(time.weekday(), Weekday::Saturday | Weekday::Sunday);
    let is_month_end = |time: &DateTime| time.date() == time.date().last_of_month();
    let months = [1, 3, 6, 12]
        .into_iter()
        .find(|months| (28 * DAY * months..=31 * DAY * months).contains(&usual));
    // A few days of hourly rows do not tell whether weekends are skipped.
    let a_week = last.duration_since(times[0]).as_secs() >= 7 * DAY;
    let workdays = (usual == DAY || usual < DAY && a_week) && !times.iter().any(is_weekend);
    let month_ends = months.is_some() && times.iter().all(is_month_end);
    let step: Span = match months {
        Some(months) => months.months(),
        // One day later at the same time.
        None if usual == DAY => 1.day(),
        None => usual.seconds(),
    };
    // Multiples of the step are added to the last time: January 31 plus one month is February 29,
    // plus two months March 31.
    (1i64..)
        .map_while(|index| step.checked_mul(index).and_then(|ahead| last.checked_add(ahead)).ok())
        .map(
            |next| {
                if month_ends { next.date().last_of_month().to_datetime(next.time()) } else { next }
            },
        )
        .filter(|next| !(workdays && is_weekend(next)))
        .take(count)
        .collect()
}
