//! Finds the seasons of a series.

use crate::table::Step;
use jiff::civil::DateTime;

/// Most seasons of a series.
pub const MOST_SEASONS: usize = 4;
/// Most rows that are searched, the last ones.
const SEARCHED: usize = 20_000;
/// Fewest whole seasons in the rows.
const FEWEST: usize = 3;
/// Fewest whole seasons of a length that no calendar suggests.
const FEWEST_UNKNOWN: usize = 6;
/// Longest season that no calendar suggests.
const LONGEST_UNKNOWN: usize = 500;
/// Smallest fraction of the variance that a season explains, and of what other lengths leave.
///
/// A few seasons explain more by chance: then it is one divided by their number. On simulated
/// noise, random walks and autoregressions a season is found in at most 3% of the series.
const STRENGTH: f64 = 0.1;
/// Smallest fraction for a length that no calendar suggests, and its autocorrelation.
const STRENGTH_UNKNOWN: f64 = 0.3;

/// Finds the season lengths of a series in rows, shortest first; none for noise and random walks.
///
/// Candidates are the day, the week and the year. If none is a season, the highest peak of the
/// autocorrelation is one more. A season counts if the means of its places explain a tenth of the
/// variance around a moving average. They must also explain more than lengths nearby. See Wang,
/// Smith and Hyndman, "Characteristic-based clustering for time series data", Data Mining and
/// Knowledge Discovery 13, 2006, for this measure of strength.
///
/// # Shapes
///
/// - `times` and `values`: `[rows]`
///
/// # Examples
///
/// ```
/// use jiff::{ToSpan, civil::date};
///
/// let first = date(2024, 1, 1).at(0, 0, 0, 0);
/// let times: Vec<_> = (0..120).map(|day| first + day.days()).collect();
/// let weekend = |day: i32| if day % 7 > 4 { 20.0 } else { 0.0 };
/// let sales: Vec<f64> = (0..120).map(|day| f64::from(day) + weekend(day)).collect();
/// assert_eq!(rnn_data::find_seasons(&times, &sales), [7]);
/// ```
pub fn find_seasons(times: &[DateTime], values: &[f64]) -> Vec<usize> {
    let step = Step::find(&times[times.len().saturating_sub(250)..]);
    let values = &values[values.len().saturating_sub(SEARCHED)..];
    let mut rest = values.to_vec();
    let mut found = Vec::new();
    for season in calendar(step) {
        if values.len() >= FEWEST * season && is_season(&rest, season, STRENGTH) {
            rest = without(&rest, season);
            found.push(season);
        }
    }
    if found.is_empty()
        && let Some(season) = peak(values)
        && is_season(values, season, STRENGTH_UNKNOWN)
    {
        found.push(season);
    }
    found
}

/// Season lengths that the calendar suggests for a step, shortest first.
fn calendar(step: Step) -> Vec<usize> {
    const DAY: i64 = 86_400;
    let mut lengths = Vec::new();
    match step {
        Step::Months { months, .. } => lengths.push(12 / months),
        Step::Seconds { seconds, workdays } => {
            let mut whole = |period: i64| {
                if period % seconds == 0 {
                    lengths.push(period / seconds);
                }
            };
            if seconds < DAY {
                if seconds <= 600 {
                    whole(3600);
                }
                whole(DAY);
                whole(if workdays { 5 * DAY } else { 7 * DAY });
            } else if seconds == DAY {
                lengths.push(if workdays { 5 } else { 7 });
                lengths.push(if workdays { 261 } else { 365 });
            } else if seconds == 7 * DAY {
                lengths.push(52);
            }
        }
    }
    lengths
        .into_iter()
        .filter_map(|length| usize::try_from(length).ok())
        .filter(|it| *it > 1)
        .collect()
}

/// Returns whether the places of a season explain the values better than other lengths do.
fn is_season(values: &[f64], season: usize, least: f64) -> bool {
    let Some(strength) = strength(values, season) else { return false };
    // Over all rows these lengths lose step by one season.
    let drift = (season * season / values.len()).max(1);
    let others = [season - drift.min(season - 1), season + drift];
    let others = others.into_iter().filter(|other| *other > 1 && *other != season);
    let best = others.filter_map(|other| self::strength(values, other)).fold(0.0, f64::max);
    let least = least.max(season as f64 / values.len() as f64);
    strength >= least && strength >= best + least * (1.0 - best)
}

/// Fraction of the variance around a moving average that the places of a season explain: each value
/// by the others of its place. `None` for constant values.
fn strength(values: &[f64], season: usize) -> Option<f64> {
    let detrended = detrended(values, season);
    let rows = detrended.len();
    if rows < 2 * season {
        return None;
    }
    let means = means(&detrended, season);
    let counts = |row: usize| ((rows - row % season).div_ceil(season)) as f64;
    let mean = detrended.iter().sum::<f64>() / rows as f64;
    let square = |error: f64| error * error;
    let all: f64 = detrended.iter().map(|value| square(value - mean)).sum();
    let without_it = |row: usize| counts(row) / (counts(row) - 1.0).max(0.5);
    let left: f64 = detrended
        .iter()
        .enumerate()
        .map(|(row, value)| square((value - means[row % season]) * without_it(row)))
        .sum();
    let scale: f64 = values.iter().map(|value| value * value).sum::<f64>();
    if all <= 1e-20 * scale || all <= 0.0 {
        return None;
    }
    Some(1.0 - left / all)
}

/// Differences from the centred moving average over a season; its half at each end is left out.
fn detrended(values: &[f64], season: usize) -> Vec<f64> {
    let half = season / 2;
    let is_even = season.is_multiple_of(2);
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for value in values {
        sums.push(sums[sums.len() - 1] + value);
    }
    let between = |from: usize, to: usize| sums[to] - sums[from];
    (half..values.len().saturating_sub(half))
        .map(|row| {
            let sum = match is_even {
                // Half of the first and of the last value: 2 x m.
                true => {
                    between(row - half, row + half)
                        + 0.5 * (values[row + half] - values[row - half])
                }
                false => between(row - half, row + half + 1),
            };
            values[row] - sum / season as f64
        })
        .collect()
}

fn means(values: &[f64], season: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); season];
    for (row, value) in values.iter().enumerate() {
        let (sum, count) = &mut sums[row % season];
        *sum += value;
        *count += 1.0;
    }
    sums.into_iter().map(|(sum, count)| sum / f64::max(count, 1.0)).collect()
}

/// Takes the means of the places of a season away.
fn without(values: &[f64], season: usize) -> Vec<f64> {
    let profile = profile(values, season);
    values.iter().enumerate().map(|(row, value)| value - profile[row % season]).collect()
}

/// The mean deviation of each place of a season from a centred moving average, `[season]`.
///
/// The first row has place 0. The deviations have a mean of 0.
pub(super) fn profile(values: &[f64], season: usize) -> Vec<f64> {
    let mut means = means(&detrended(values, season), season);
    means.rotate_right(season / 2 % season);
    let mean = means.iter().sum::<f64>() / season as f64;
    means.iter_mut().for_each(|value| *value -= mean);
    means
}

/// The lag of the highest local peak of the autocorrelation around a line.
fn peak(values: &[f64]) -> Option<usize> {
    let values = &values[values.len().saturating_sub(10_000)..];
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let place = |row: usize| row as f64 - (count - 1.0) / 2.0;
    let along: f64 = values.iter().enumerate().map(|(row, value)| place(row) * value).sum();
    let square: f64 = (0..values.len()).map(|row| place(row) * place(row)).sum();
    let slope = along / square.max(1.0);
    let centred: Vec<f64> =
        values.iter().enumerate().map(|(row, value)| value - mean - slope * place(row)).collect();
    let all: f64 = centred.iter().map(|value| value * value).sum();
    let most = (values.len() / FEWEST_UNKNOWN).min(LONGEST_UNKNOWN);
    let correlation = |lag: usize| -> f64 {
        let sum: f64 = centred.iter().zip(&centred[lag..]).map(|(one, other)| one * other).sum();
        sum / all
    };
    let size: f64 = values.iter().map(|value| value * value).sum();
    if all <= 1e-20 * size || most < 3 {
        return None;
    }
    let correlations: Vec<f64> = (0..=most.min(centred.len() - 1)).map(correlation).collect();
    let is_peak = |lag: &usize| {
        correlations[*lag] > correlations[lag - 1] && correlations[*lag] >= correlations[lag + 1]
    };
    (2..correlations.len() - 1)
        .filter(is_peak)
        .filter(|lag| correlations[*lag] > STRENGTH_UNKNOWN)
        .max_by(|one, other| correlations[*one].total_cmp(&correlations[*other]))
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, civil::date};

    use super::*;

    /// Pseudo-random numbers from -1 to 1.
    fn noise() -> impl FnMut() -> f64 {
        let mut state = 7u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from((state >> 33) as u32) / f64::from(1u32 << 30) - 1.0
        }
    }

    fn hours(count: i64) -> Vec<DateTime> {
        let first = date(2024, 1, 1).at(0, 0, 0, 0);
        (0..count).map(|hour| first + hour.hours()).collect()
    }

    fn wave(row: usize, season: usize) -> f64 {
        (row as f64 * std::f64::consts::TAU / season as f64).sin()
    }

    #[test]
    fn several_seasons_are_found() {
        let mut noise = noise();
        let weekend = |row: usize| if row / 24 % 7 > 4 { 3.0 } else { 0.0 };
        let values: Vec<f64> = (0..24 * 7 * 8)
            .map(|row| 0.01 * row as f64 + 5.0 * wave(row, 24) + weekend(row) + noise())
            .collect();
        assert_eq!(find_seasons(&hours(24 * 7 * 8), &values), [24, 168]);
        let short = 24 * 7 * 2;
        assert_eq!(find_seasons(&hours(short as i64), &values[..short]), [24], "two weeks only");
    }

    #[test]
    fn noise_and_random_walks_have_no_season() {
        let mut noise = noise();
        for count in [100, 400, 3000] {
            let values: Vec<f64> = (0..count).map(|_| noise()).collect();
            assert_eq!(find_seasons(&hours(count), &values), [0; 0], "noise of {count}");
            let mut walks = 0;
            for _ in 0..50 {
                let mut sum = 0.0;
                let walk: Vec<f64> = (0..count)
                    .map(|_| {
                        sum += noise();
                        sum
                    })
                    .collect();
                walks += usize::from(!find_seasons(&hours(count), &walk).is_empty());
            }
            assert!(walks <= 3, "{walks} of 50 walks of {count}");
        }
        assert_eq!(find_seasons(&hours(200), &[5.0; 200]), [0; 0], "constant");
        let line: Vec<f64> = (0..200).map(f64::from).collect();
        assert_eq!(find_seasons(&hours(200), &line), [0; 0], "line");
        assert_eq!(find_seasons(&[], &[]), [0; 0]);
    }

    #[test]
    fn a_season_that_no_calendar_suggests_is_found() {
        let mut noise = noise();
        let values: Vec<f64> = (0..900).map(|row| 3.0 * wave(row, 37) + noise()).collect();
        assert_eq!(find_seasons(&hours(900), &values), [37]);
    }

    #[test]
    fn seventy_days_show_a_week() {
        let first = date(2024, 1, 1).at(0, 0, 0, 0);
        let times: Vec<_> = (0..70).map(|day: i64| first + day.days()).collect();
        let mut noise = noise();
        let values: Vec<f64> =
            (0..70).map(|day| 50.0 + [0.0, 10.0][usize::from(day % 7 > 4)] + noise()).collect();
        assert_eq!(find_seasons(&times, &values), [7]);
    }
}
