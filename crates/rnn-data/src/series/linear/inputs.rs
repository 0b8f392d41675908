//! The inputs of the regressions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::series::MOST_SEASONS;

/// Number of smoothed forecasts among the inputs, at their end.
pub(super) const SMOOTHED: usize = 3;
/// Most recent values.
const RECENT: usize = 60;
/// Fewest recent values of a long series.
const FEWEST: usize = 12;
/// Rows from which a series counts as long.
pub(super) const LONG: usize = 500;
/// Seasons before, and waves of a season, for a short and for a long series.
const CYCLES: [(usize, usize); 2] = [(3, 4), (4, 10)];
/// Rows of short means.
const MEANS: [usize; 2] = [3, 7];
/// Longest season in rows.
pub(super) const LONGEST: usize = 1_000_000;
/// Most seasons of a mean.
const AVERAGED: usize = 10;
/// Largest ratio of the level to that a season before, and of two values.
const RATIOS: [f64; 2] = [3.0, 5.0];

/// The numbers that a regression forecasts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inputs {
    /// Number of recent values before the last.
    recent: usize,
    /// Season lengths, shortest first.
    pub(super) seasons: Vec<usize>,
    cycles: usize,
    waves: usize,
    /// Rows of the means.
    means: Vec<usize>,
    /// Whether values of the season before are also multiplied by the growth since.
    has_ratios: bool,
    /// Number of columns that are known in the future.
    pub(super) future: usize,
}

/// The values of a series on the scale of a forecast.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub(super) values: Vec<f64>,
    /// Sums of the values before each row.
    sums: Vec<f64>,
    /// Sines and cosines of the places of each season.
    waves: Arc<[Vec<f64>]>,
    /// Place of the first row in its seasons.
    first: usize,
}

impl Values {
    pub(super) fn new(values: impl Iterator<Item = f64>, first: usize, inputs: &Inputs) -> Self {
        let waves = |season: &usize| {
            let count = inputs.waves_of(*season);
            let angles = (0..*season).flat_map(|place| {
                let turn = std::f64::consts::TAU * place as f64 / *season as f64;
                (1..=count).flat_map(move |wave| <[f64; 2]>::from((turn * wave as f64).sin_cos()))
            });
            angles.collect()
        };
        let waves = inputs.seasons.iter().map(waves).collect();
        let mut rows = Self { values: Vec::new(), sums: vec![0.0], waves, first };
        values.for_each(|value| rows.append(value));
        rows
    }

    pub(super) fn append(&mut self, value: f64) {
        self.values.push(value);
        self.sums.push(self.sums[self.sums.len() - 1] + value);
    }

    /// The mean of the rows before `end`, at most `count`.
    fn mean(&self, end: usize, count: usize) -> f64 {
        let start = end.saturating_sub(count);
        (self.sums[end] - self.sums[start]) / (end - start).max(1) as f64
    }
}

impl Inputs {
    /// The inputs for seasons, as many as the rows can fit.
    pub(super) fn new(seasons: Vec<usize>, rows: usize, has_ratios: bool, future: usize) -> Self {
        let shortest = seasons.first().copied().unwrap_or(1);
        let recent = (shortest + 1).clamp(FEWEST, RECENT).min((rows / 8).max(3));
        let of_seasons = seasons.iter().flat_map(|season| [1, 2, 4].map(|count| season * count));
        let mut means: Vec<usize> =
            MEANS.into_iter().chain(of_seasons).filter(|count| 4 * count <= rows).collect();
        means.sort_unstable();
        means.dedup();
        let (cycles, waves) = CYCLES[usize::from(rows >= LONG)];
        Self { recent, seasons, cycles, waves, means, has_ratios, future }
    }

    fn waves_of(&self, season: usize) -> usize {
        self.waves.min(season / 2)
    }

    pub(super) fn count(&self) -> usize {
        let seasons = self.seasons.len();
        let waves: usize = self.seasons.iter().map(|season| 2 * self.waves_of(*season)).sum();
        let of_season = 3 * self.cycles + if self.has_ratios { 2 } else { 0 } + 1;
        self.recent
            + self.means.len()
            + seasons * of_season
            + waves
            + 2 * seasons.saturating_sub(1)
            + 2 * self.future
            + SMOOTHED
    }

    /// The first origin of a fit on the rows before `end`.
    pub(super) fn first(&self, end: usize) -> usize {
        let longest = self.seasons.iter().copied().max().unwrap_or(0);
        (2 * longest).min((longest + 1).max(end / 3)).max(self.recent + 1)
    }

    /// Appends the inputs of the forecast of the row `step` after `origin`.
    ///
    /// All are relative to the last value, so that a shift of the series shifts the forecast.
    /// `future` are the columns that are known in the future, `[columns][rows]`.
    pub(super) fn push(
        &self,
        (rows, future): (&Values, &[Vec<f64>]),
        origin: usize,
        step: usize,
        smoothed: [f64; SMOOTHED],
        to: &mut Vec<f64>,
    ) {
        let values = &rows.values;
        let last = values[origin - 1];
        to.extend((2..=self.recent + 1).map(|back| values[origin.saturating_sub(back)] - last));
        for season in &self.seasons {
            for cycle in 1..=self.cycles {
                let row = (origin + step) as isize - (season * (step / season + cycle)) as isize;
                to.extend(
                    [-1, 0, 1]
                        .map(|near| values[forward(row + near, *season).min(origin - 1)] - last),
                );
            }
        }
        to.extend(self.means.iter().map(|count| rows.mean(origin, *count) - last));
        for (season, waves) in self.seasons.iter().zip(rows.waves.iter()) {
            let count = 2 * self.waves_of(*season);
            let place = (rows.first + origin + step) % season;
            to.extend_from_slice(&waves[place * count..(place + 1) * count]);
        }
        for season in &self.seasons {
            let back = (season * (step / season + 1)) as isize;
            // The rows one season before the forecast and before the last value.
            let (then, last_then) = ((origin + step) as isize - back, origin as isize - 1 - back);
            if self.has_ratios {
                let row = forward(then, *season);
                let level = rows.mean(row + 1, *season);
                let growth = ratio(rows.mean(origin, *season), level, RATIOS[0]);
                to.push(values[row] * growth - last);
                let before = values[forward(last_then, *season)];
                to.push(last * (ratio(values[row], before, RATIOS[1]) - 1.0));
            }
            let pairs = (0..AVERAGED as isize).map_while(|cycle| {
                let earlier = cycle * *season as isize;
                let from = usize::try_from(last_then - earlier).ok()?;
                Some(values[(then - earlier) as usize] - values[from])
            });
            let (sum, count) =
                pairs.fold((0.0, 0.0), |(sum, count), rise| (sum + rise, count + 1.0));
            to.push(sum / f64::max(count, 1.0));
        }
        // The level of the shortest season now, one and two longer seasons ago.
        for season in self.seasons.iter().skip(1) {
            for cycle in 1..=2 {
                let row = origin as isize - (season * cycle) as isize;
                let end = forward(row - 1, *season) + 1;
                to.push(rows.mean(end.min(origin), self.seasons[0]) - last);
            }
        }
        for column in future {
            // A missing value is the one before the forecast.
            let at = |row: usize| column.get(row).copied().filter(|value| value.is_finite());
            let before = at(origin - 1).unwrap_or(0.0);
            let then = at(origin + step).unwrap_or(before);
            to.extend([then, then - before]);
        }
        to.extend(smoothed.map(|value| value - last));
    }

    /// Whether the numbers are in their bounds.
    pub(super) fn is_valid(&self) -> bool {
        let are_seasons = self.seasons.iter().all(|season| (2..=LONGEST).contains(season));
        (1..=RECENT).contains(&self.recent)
            && self.seasons.len() <= MOST_SEASONS
            && are_seasons
            && self.seasons.is_sorted()
            && CYCLES.contains(&(self.cycles, self.waves))
            && self.means.len() <= MEANS.len() + 3 * MOST_SEASONS
            && self.future <= 1000
    }
}

/// Goes forward whole seasons to the first row.
fn forward(row: isize, season: usize) -> usize {
    usize::try_from(row).unwrap_or_else(|_| row.rem_euclid(season as isize) as usize)
}

fn ratio(value: f64, to: f64, most: f64) -> f64 {
    if to > 0.0 { (value / to).min(most) } else { 1.0 }
}
