//! Autoregressions of seasonal differences; each forecast is an input of the next.

use serde::{Deserialize, Serialize};

use super::{inputs::LONG, ridge::Ridge};

/// Strengths of the penalty.
pub(super) const STRENGTHS: [f64; 2] = [0.1, 1.0];
/// Fewest samples of a fit.
const FEWEST: usize = 9;
/// Most samples of a fit.
pub(super) const SAMPLED: usize = 6000;
/// Fewest and most successive lags.
const LAGS: [usize; 2] = [4, 50];
/// Largest distance of a forecast from the last value, in ranges of the known values.
const REACH: f64 = 2.0;

/// An autoregression of the differences from the values one season before.
///
/// It has one set of weights for all steps, so it needs fewer rows than a regression for each. See
/// Box and Jenkins, "Time Series Analysis: Forecasting and Control", 1970, chapter 9.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Iterated {
    /// Length of the longest season.
    season: usize,
    /// Whether the differences are those of successive seasonal differences.
    is_twice: bool,
    lags: Vec<usize>,
    /// A constant and the weight of each lag.
    weights: Vec<f64>,
    /// Largest distance of a forecast from the last value.
    reach: f64,
    /// Fraction of the forecast of each step, `[horizon]`.
    parts: Vec<f64>,
}

/// Number of orders of differences for a horizon and a number of rows.
///
/// One step ahead the regressions have the same lags. Only long series show whether a second
/// difference is too much.
pub(super) fn orders(seasons: &[usize], rows: usize, horizon: usize) -> usize {
    match rows {
        _ if seasons.is_empty() || horizon < 2 => 0,
        LONG.. => 2,
        _ => 1,
    }
}

impl Iterated {
    /// Fits one for each order and strength of the penalty, to one in `every` rows.
    pub(super) fn fit(
        known: &[f64],
        seasons: &[usize],
        (orders, every): (usize, usize),
    ) -> Vec<Self> {
        let Some(season) = seasons.last().copied() else { return Vec::new() };
        let range =
            known.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], value| {
                [least.min(*value), most.max(*value)]
            });
        let reach = REACH * (range[1] - range[0]);
        let of_order = |order| {
            let rows = known.len();
            let first = season + order;
            let left = rows.saturating_sub(first);
            let lags = lags(seasons, left);
            let weights = vec![0.0; lags.len() + 1];
            let is_twice = order > 0;
            let empty = Self { season, is_twice, lags, weights, reach, parts: Vec::new() };
            let longest = empty.lags.last().copied().unwrap_or(0);
            let start = first + if 2 * longest <= left { longest } else { longest.min(left / 2) };
            let samples = rows.saturating_sub(start).div_ceil(every);
            let mut ridge = Ridge::new(empty.lags.len(), 1);
            for row in (0..samples).map(|sample| rows - 1 - sample * every) {
                ridge.add(|sample| {
                    let difference = |lag: &usize| match row.checked_sub(*lag) {
                        Some(row) => empty.difference(known, row),
                        None => 0.0,
                    };
                    sample.extend(empty.lags.iter().map(difference));
                    sample.push(empty.difference(known, row));
                });
            }
            STRENGTHS.map(|strength| {
                let inputs = empty.lags.len();
                let solved = if samples < FEWEST {
                    None
                } else {
                    ridge.solve(strength, &[(0, inputs)]).and_then(|mut all| all.pop())
                };
                let mut one = empty.clone();
                if let Some(weights) = solved {
                    one.weights = weights;
                    if is_twice {
                        // A constant would be a curve.
                        one.weights[0] = 0.0;
                    }
                }
                one
            })
        };
        (0..orders).flat_map(of_order).collect()
    }

    /// The same with its fraction of each step's forecast.
    pub(super) fn with_parts(&self, parts: Vec<f64>) -> Self {
        Self { parts, ..self.clone() }
    }

    /// The fraction of the forecast of a step.
    pub(super) fn part(&self, step: usize) -> f64 {
        self.parts[step]
    }

    /// The difference that the autoregression forecasts; 0 for the first rows.
    fn difference(&self, values: &[f64], row: usize) -> f64 {
        let season = self.season;
        if row < season + usize::from(self.is_twice) {
            return 0.0;
        }
        let seasonal = |row: usize| values[row] - values[row - season];
        seasonal(row) - if self.is_twice { seasonal(row - 1) } else { 0.0 }
    }

    /// Forecasts the rows from `origin` on, from the values before.
    ///
    /// # Shapes
    ///
    /// - output: `[horizon]`
    pub(super) fn forecasts(&self, values: &[f64], origin: usize, horizon: usize) -> Vec<f64> {
        let last = values[origin - 1];
        let mut path: Vec<f64> = Vec::with_capacity(horizon);
        let mut differences: Vec<f64> = Vec::with_capacity(horizon);
        for row in origin..origin + horizon {
            let lagged = self.lags.iter().zip(&self.weights[1..]).map(|(lag, weight)| {
                let difference = match row.checked_sub(*lag) {
                    Some(row) if row >= origin => differences[row - origin],
                    Some(row) => self.difference(values, row),
                    None => 0.0,
                };
                weight * difference
            });
            let difference = self.weights[0] + lagged.sum::<f64>();
            let value = |back: usize| {
                let row = row.saturating_sub(back);
                if row < origin { values[row] } else { path[row - origin] }
            };
            let before = value(self.season);
            let base = match self.is_twice {
                true => before + value(1) - value(self.season + 1),
                false => before,
            };
            differences.push(difference);
            path.push((base + difference).clamp(last - self.reach, last + self.reach));
        }
        path
    }

    /// Whether the numbers are in their bounds.
    pub(super) fn is_valid(&self, horizon: usize, seasons: &[usize]) -> bool {
        Some(&self.season) == seasons.last()
            && self.lags.iter().all(|lag| (1..=2 * self.season + LAGS[1]).contains(lag))
            && self.weights.len() == self.lags.len() + 1
            && self.weights.iter().all(|weight| weight.is_finite())
            && self.reach.is_finite()
            && self.reach >= 0.0
            && self.parts.len() == horizon
            && self.parts.iter().all(|part| (0.0..=1.0).contains(part))
    }
}

/// Recent lags and those around each season, as many as differences of a number of rows can fit.
fn lags(seasons: &[usize], rows: usize) -> Vec<usize> {
    let shortest = seasons.first().copied().unwrap_or(1);
    let recent = (shortest + 1).clamp(LAGS[0], LAGS[1]).min(rows / 8).max(1);
    let around = seasons.iter().flat_map(|season| [season - 1, *season, season + 1, 2 * season]);
    let mut lags: Vec<usize> =
        (1..=recent).chain(around.filter(|lag| *lag > 0 && 3 * lag <= rows)).collect();
    lags.sort_unstable();
    lags.dedup();
    lags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_that_fade_are_continued() {
        let season = |row: usize| [3.0, -1.0, 0.5, -2.5][row % 4];
        let noise = |row: usize| (row as f64 * 12.9898).sin();
        let mut error = 0.0;
        let values: Vec<f64> = (0..400)
            .map(|row| {
                error = 0.8 * error + noise(row);
                0.05 * row as f64 + season(row) + 0.1 * error
            })
            .collect();
        for one in Iterated::fit(&values[..300], &[4], (2, 1)) {
            let mean = |step: usize| {
                let errors = (300..390).map(|origin| {
                    (one.forecasts(&values, origin, 8)[step] - values[origin + step]).abs()
                });
                errors.sum::<f64>() / 90.0
            };
            assert!(mean(0) < 0.12 && mean(7) < 0.3, "{} {} {one:?}", mean(0), mean(7));
        }
    }

    #[test]
    fn later_values_and_few_rows_do_no_harm() {
        let values: Vec<f64> = (0..60).map(|row| f64::from(row * row % 17)).collect();
        let all = Iterated::fit(&values[..40], &[3, 7], (2, 1));
        assert_eq!(all.len(), 4);
        let mut other = values.clone();
        other[45..].fill(1e9);
        for one in &all {
            let forecasts = one.forecasts(&values, 45, 20);
            assert_eq!(forecasts, one.forecasts(&other, 45, 20));
            assert!(forecasts.iter().all(|value| value.abs() < 100.0), "{forecasts:?}");
        }
        let few = Iterated::fit(&values[..10], &[7], (1, 1));
        assert_eq!(few[0].forecasts(&values, 10, 7), values[3..10], "the last season again");
        assert_eq!(orders(&[7], 100, 1) + orders(&[], 100, 7), 0);
    }
}
