//! The usual size of errors: by level, step ahead and place in the season.

/// Powers of the level that are compared.
const POWERS: [f64; 3] = [0.0, 0.5, 1.0];
/// Smallest level, as a fraction of the mean.
const LEVEL: f64 = 0.1;
/// Fewest errors of a step.
const FEWEST: usize = 5;
/// Fewest seasons in the rows.
const SEASONS: usize = 4;
/// Shortest season whose places are smoothed, and the variance that remains.
const SMOOTHED: (usize, f64) = (12, 0.375);
/// Smallest size of a place in the season.
const PLACE: f64 = 0.1;
/// Size of an error of the first step without a fit, in deviations of the values.
const GUESS: f64 = 0.4;
/// Added to each error: a fraction of the deviation of the values, and a constant.
const TINY: (f64, f64) = (1e-9, 1e-100);
/// Added to the exponent of the growth beyond the horizon.
const BEYOND: f64 = 0.1;

/// The rows before the test set, and the smoothed forecasts of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// `[rows]`
    pub(crate) values: &'a [f64],
    /// Season lengths.
    pub(crate) seasons: &'a [usize],
    /// Number of steps ahead.
    pub(crate) horizon: usize,
    /// First origin of `smoothed`.
    pub(crate) from: usize,
    /// In-sample forecasts of exponential smoothing, `[origins from..=rows, horizon]`; empty
    /// without a fit.
    pub(crate) smoothed: &'a [f64],
}

/// The usual size of errors.
#[derive(Debug, Clone)]
pub(super) struct Size {
    /// Power of the level that errors grow with: 0 for errors of the same size at all levels.
    pub(super) power: f64,
    /// Smallest level.
    pub(super) floor: f64,
    pub(super) is_positive: bool,
    /// Added to each error, so that none is 0.
    tiny: f64,
    /// The mean error of each step ahead, `[horizon]`.
    pub(super) growth: Vec<f64>,
    pub(super) exponent: f64,
    /// Factors of the places in the shortest season.
    pub(super) places: Vec<f64>,
}

impl Size {
    pub(super) fn new(known: Known<'_>) -> Self {
        let Known { values, seasons, horizon, from, smoothed } = known;
        let rows = values.len();
        let count = rows as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = (squares / count.max(1.0)).sqrt();
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let guess = GUESS * deviation + TINY.1;
        let tiny = TINY.0 * deviation;
        let mut size = Self {
            power: 0.0,
            floor: (min / 2.0).max(LEVEL * mean),
            is_positive: min >= 0.0 && max > 0.0,
            tiny,
            growth: (1..=horizon).map(|step| guess * (step as f64).sqrt()).collect(),
            exponent: 0.5,
            places: vec![1.0],
        };
        let longest = seasons.iter().copied().max().unwrap_or(0);
        let start = (2 * longest).max(8).min(rows / 3).max(from);
        if smoothed.is_empty() || start >= rows {
            return size;
        }
        let forecasts = |step: usize| {
            let origins = start..rows.saturating_sub(step);
            origins.map(move |origin| {
                let forecast = smoothed[(origin - from) * horizon + step];
                (origin + step, forecast, (values[origin + step] - forecast).abs())
            })
        };
        if size.is_positive {
            size.power = power(
                forecasts(0).map(|(_, forecast, error)| (forecast.max(size.floor), error + tiny)),
            );
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let median = 0.5 * (sorted[(rows - 1) / 2] + sorted[rows / 2]);
        size.tiny = tiny / size.level(median) + TINY.1;
        let scores: Vec<Vec<(usize, f64)>> = (0..horizon)
            .map(|step| {
                let score =
                    |(row, forecast, error)| (row, error / size.level(forecast) + size.tiny);
                forecasts(step).map(score).collect()
            })
            .collect();
        size.grow(&scores);
        let shortest = seasons.iter().copied().filter(|one| *one > 1 && SEASONS * one <= rows);
        if let Some(season) = shortest.min() {
            size.places = places(&scores, &size.growth, season);
        }
        size
    }

    /// The mean score of each step. Steps with too few scores continue the growth of the others.
    fn grow(&mut self, scores: &[Vec<(usize, f64)>]) {
        let steps = scores.iter().take_while(|scores| scores.len() >= FEWEST).count().max(1);
        let mean = |scores: &Vec<(usize, f64)>| {
            scores.iter().map(|(_, score)| score).sum::<f64>() / scores.len() as f64
        };
        self.growth = scores[..steps].iter().map(mean).collect();
        let (last, middle) = (self.growth[steps - 1], (steps - 1) / 2);
        if steps > 1 {
            let growth = (last / self.growth[middle]).ln();
            let exponent = growth / (steps as f64 / (middle + 1) as f64).ln();
            self.exponent = exponent.clamp(0.0, 1.0);
        }
        let further = (steps + 1..=scores.len())
            .map(|step| last * (step as f64 / steps as f64).powf(self.exponent));
        self.growth.extend(further);
    }

    /// The level of a forecast, as errors grow with it.
    pub(super) fn level(&self, forecast: f64) -> f64 {
        if self.power > 0.0 { forecast.max(self.floor).powf(self.power) } else { 1.0 }
    }

    /// The size of a row in its season.
    pub(super) fn place(&self, row: usize) -> f64 {
        self.places[row % self.places.len()]
    }

    /// The size of an error for the level of its forecast and its place in the season.
    pub(super) fn score(&self, row: usize, forecast: f64, actual: f64) -> f64 {
        ((actual - forecast).abs() / self.level(forecast) + self.tiny) / self.place(row)
    }

    /// The growth from the last step of the horizon to a number of steps beyond.
    pub(super) fn beyond(&self, steps: usize) -> f64 {
        let ratio = steps as f64 / self.growth.len() as f64;
        ratio.powf((self.exponent + BEYOND).min(1.0))
    }
}

/// The power of the level that errors grow with: the mean of powers, weighted by the likelihood of
/// Laplace errors.
fn power(errors: impl Iterator<Item = (f64, f64)>) -> f64 {
    let errors: Vec<(f64, f64)> = errors.collect();
    let count = errors.len() as f64;
    let loss = POWERS.map(|power| {
        let size: f64 = errors.iter().map(|(level, error)| error / level.powf(power)).sum();
        let levels: f64 = errors.iter().map(|(level, _)| level.ln()).sum();
        (size / count).ln() + power * levels / count
    });
    let least = loss.iter().copied().fold(f64::INFINITY, f64::min);
    let weights = loss.map(|loss| (-0.5 * count * (loss - least)).exp());
    let sum: f64 = weights.iter().sum();
    let power: f64 = POWERS.iter().zip(weights).map(|(power, weight)| power * weight).sum();
    if power.is_finite() { power / sum } else { 0.0 }
}

/// The size of each place of a season relative to their mean.
///
/// Sizes are shrunk to 1 by their sampling variance: empirical Bayes. See Efron and Morris,
/// "Stein's estimation rule and its competitors", JASA 68, 1973.
fn places(scores: &[Vec<(usize, f64)>], growth: &[f64], season: usize) -> Vec<f64> {
    let is_smooth = season >= SMOOTHED.0;
    let smooth = |all: Vec<f64>| -> Vec<f64> {
        let at = |place: usize| all[place % season];
        let mean = |place: usize| 0.5 * at(place) + 0.25 * (at(place + 1) + at(place + season - 1));
        (0..season).map(mean).collect()
    };
    let (mut sums, mut counts) = (vec![0.0; season], vec![0.0; season]);
    let (mut most, mut weight, mut squares) = (vec![1.0; season], 0.0, 0.0);
    for (step, (scores, growth)) in scores.iter().zip(growth).enumerate() {
        let (mut sum, mut count) = (vec![0.0; season], vec![0.0; season]);
        for (row, score) in scores {
            sum[row % season] += score / growth;
            count[row % season] += 1.0;
        }
        if is_smooth {
            (sum, count) = (smooth(sum), smooth(count));
        }
        let mean = sum.iter().sum::<f64>() / f64::max(count.iter().sum::<f64>(), 1.0);
        let of_step = 1.0 / (step + 1) as f64;
        (weight, squares) = (weight + of_step, squares + of_step * of_step);
        for place in 0..season {
            sums[place] += of_step * sum[place] / mean.max(f64::MIN_POSITIVE);
            counts[place] += of_step * count[place];
            most[place] = f64::max(most[place], count[place]);
        }
    }
    let remains = if is_smooth { SMOOTHED.1 } else { 1.0 };
    let ratios: Vec<f64> =
        sums.iter().zip(&counts).map(|(sum, count)| sum / f64::max(*count, 1e-9)).collect();
    let variances: Vec<f64> =
        most.iter().map(|most| remains / most * f64::sqrt(squares) / weight).collect();
    let mean = |all: &mut dyn Iterator<Item = f64>| all.sum::<f64>() / season as f64;
    let between = mean(&mut ratios.iter().map(|ratio| (ratio - 1.0) * (ratio - 1.0)))
        - mean(&mut variances.iter().copied());
    let between = between.max(0.0);
    let shrunk: Vec<f64> = ratios
        .iter()
        .zip(&variances)
        .map(|(ratio, variance)| (1.0 + (ratio - 1.0) * between / (between + variance)).max(PLACE))
        .collect();
    let mean = mean(&mut shrunk.iter().copied());
    shrunk.into_iter().map(|size| size / mean).collect()
}
