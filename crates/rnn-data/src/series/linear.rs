//! A linear forecast: a ridge regression for each step ahead.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{MOST_SEASONS, ridge::Ridge};

/// Most seasons before that are inputs.
const CYCLES: usize = 2;
/// Most recent values that are inputs.
const RECENT: usize = 60;
/// Number of recent values whose counterparts one season before are inputs.
const COUNTERPARTS: usize = 3;
/// Most rows that the regression is fitted on, the last ones.
const FITTED: usize = 20_000;
/// Most origins that choose the penalty and the scale.
const CHOSEN_ON: usize = 300;
/// Longest season in rows.
const LONGEST: usize = 1_000_000;
/// Fewest samples of a fit.
const FEWEST: usize = 12;
/// The logarithm must be better by this factor: most series need none.
const LOGARITHM: f64 = 0.98;

/// A linear forecast of the next rows of a series.
///
/// Each step ahead has a ridge regression. Its inputs are relative to the last value: recent
/// values, the mean of a season, and values of the last two seasons. Those are around the place of
/// the forecast, and around that of the last value. The validation set chooses the penalty and the
/// scale, natural or logarithmic, by the mean absolute error. See Hoerl and Kennard, "Ridge
/// regression", Technometrics 12, 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearForecast {
    /// Scale on which the forecast is linear.
    pub scale: Scale,
    /// Strength of the penalty.
    pub penalty: f64,
    inputs: Inputs,
    /// Weights for origins in the training and the validation set, fitted on the training set.
    early: Vec<Weights>,
    /// Weights for later origins, fitted on both sets.
    late: Vec<Weights>,
}

/// A scale of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Values as they are.
    Natural,
    /// Logarithms of the values.
    Logarithmic,
}

impl Scale {
    fn to(self, value: f64) -> f64 {
        match self {
            Self::Natural => value,
            Self::Logarithmic => value.max(f64::MIN_POSITIVE).ln(),
        }
    }

    fn from(self, value: f64) -> f64 {
        match self {
            Self::Natural => value,
            Self::Logarithmic => value.exp(),
        }
    }
}

/// The numbers that a forecast is computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    /// Number of recent values.
    recent: usize,
    /// Season lengths, with the number of seasons before.
    seasons: Vec<(usize, usize)>,
}

/// The regression of a step: the first weight is the constant.
type Weights = Vec<f64>;

/// The rows of a series that choose and fit a linear forecast.
#[derive(Debug, Clone)]
pub(super) struct FitRows {
    pub(super) train: usize,
    /// Origins of the validation set.
    pub(super) valid: Range<usize>,
    /// End of the rows before the test set.
    pub(super) end: usize,
}

impl Inputs {
    /// The inputs for seasons, as many as the training rows can fit.
    fn new(seasons: &[usize], rows: usize) -> Self {
        let shortest = seasons.iter().copied().min().unwrap_or(RECENT);
        let recent = (shortest + 1).max(13).min(rows / 6).clamp(1, RECENT);
        let fitting = seasons.iter().filter(|season| **season > 1 && 2 * **season < rows);
        let seasons = fitting.map(|&season| (season, (rows / (2 * season)).clamp(1, CYCLES)));
        Self { recent, seasons: seasons.collect() }
    }

    /// Rows before an origin that are needed.
    fn look_back(&self) -> usize {
        let longest = self
            .seasons
            .iter()
            .map(|(season, cycles)| (season * cycles).max(season + COUNTERPARTS));
        longest.max().unwrap_or(0).max(self.recent) + 1
    }

    fn count(&self) -> usize {
        let of_season = |(_, cycles): &(usize, usize)| 3 * cycles + COUNTERPARTS + 1;
        self.recent - 1 + self.seasons.iter().map(of_season).sum::<usize>()
    }

    /// Appends the inputs of a step of the forecast from an origin.
    ///
    /// Rows before the first one have its value.
    fn push(
        &self,
        values: &[f64],
        means: &[Vec<f64>],
        origin: usize,
        step: usize,
        to: &mut Vec<f64>,
    ) {
        let last = values[origin - 1];
        let at = |row: isize| values[usize::try_from(row).unwrap_or(0).min(origin - 1)] - last;
        let origin_row = origin as isize;
        to.extend((2..=self.recent as isize).map(|back| at(origin_row - back)));
        for ((season, cycles), sums) in self.seasons.iter().zip(means) {
            for cycle in 1..=*cycles {
                let row = origin + step;
                let row = row as isize - (season * (step / season + cycle)) as isize;
                to.extend([-1, 0, 1].map(|near| at(row + near)));
            }
            let before = (1..=COUNTERPARTS).map(|back| at(origin_row - (back + season) as isize));
            to.extend(before);
            let first = origin.saturating_sub(*season);
            to.push((sums[origin] - sums[first]) / (origin - first) as f64 - last);
        }
    }
}

/// The values of a series on the scale of a forecast, with their running sums for each season.
#[derive(Debug, Clone, Default)]
pub(super) struct ScaledValues {
    values: Vec<f64>,
    sums: Vec<Vec<f64>>,
}

impl ScaledValues {
    fn new(target: &[f64], scale: Scale, seasons: usize) -> Self {
        let mut scaled = Self { values: Vec::new(), sums: vec![vec![0.0]; seasons] };
        target.iter().for_each(|value| scaled.push(scale.to(*value)));
        scaled
    }

    fn push(&mut self, value: f64) {
        self.values.push(value);
        for sums in &mut self.sums {
            let sum = sums.last().copied().unwrap_or(0.0) + value;
            sums.push(sum);
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.sums.iter_mut().for_each(|sums| sums.truncate(rows + 1));
    }
}

/// A fit on one scale.
struct Candidate {
    scale: Scale,
    penalty: f64,
    error: f64,
    early: Vec<Weights>,
    scaled: ScaledValues,
}

impl LinearForecast {
    /// Fits a forecast of `horizon` steps, on the better scale or a given one; `None` for too few
    /// rows.
    pub(super) fn fit(
        target: &[f64],
        seasons: &[usize],
        horizon: usize,
        rows: &FitRows,
        scale: Option<Scale>,
    ) -> Option<Self> {
        let inputs = Inputs::new(seasons, rows.train);
        let known = &target[..rows.end];
        let on = |scale| inputs.candidate(known, scale, horizon, rows);
        let best = match scale {
            Some(scale) => on(scale)?,
            None => {
                let natural = on(Scale::Natural)?;
                // Later rows may be compared, too.
                let is_positive = target.iter().all(|value| *value > 0.0);
                let other = is_positive.then(|| on(Scale::Logarithmic)).flatten();
                match other {
                    Some(other) if other.error < LOGARITHM * natural.error => other,
                    _ => natural,
                }
            }
        };
        let late = inputs.ridges(&best.scaled, horizon, rows.end)?;
        let late = late.iter().map(|ridge| ridge.solve(best.penalty)).collect::<Option<_>>()?;
        let Candidate { scale, penalty, early, .. } = best;
        Some(Self { scale, penalty, inputs, early, late })
    }

    /// Rows before an origin that a forecast needs to be good.
    pub(super) fn look_back(&self) -> usize {
        self.inputs.look_back()
    }

    /// Returns the values on the scale of the forecast.
    pub(super) fn scaled(&self, target: &[f64]) -> ScaledValues {
        ScaledValues::new(target, self.scale, self.inputs.seasons.len())
    }

    pub(super) fn push(&self, scaled: &mut ScaledValues, value: f64) {
        scaled.push(self.scale.to(value));
    }

    /// Forecasts the value `step` rows after `origin`, in the units of the target.
    ///
    /// `is_late` chooses the weights that are fitted on all rows before the test set. Steps beyond
    /// the horizon have the weights of its last step.
    pub(super) fn forecast(
        &self,
        scaled: &ScaledValues,
        origin: usize,
        step: usize,
        is_late: bool,
    ) -> f64 {
        let weights = if is_late { &self.late } else { &self.early };
        let last = weights.len() - 1;
        let mut inputs = Vec::with_capacity(self.inputs.count());
        self.inputs.push(&scaled.values, &scaled.sums, origin, step, &mut inputs);
        let value = scaled.values[origin - 1] + dot(&weights[step.min(last)], &inputs);
        self.scale.from(value)
    }

    /// Returns the number of steps ahead.
    pub fn horizon(&self) -> usize {
        self.early.len()
    }

    /// Returns whether the numbers are finite, in their bounds, and of the right count.
    pub fn is_valid(&self) -> bool {
        let Inputs { recent, seasons } = &self.inputs;
        let are_seasons = seasons.iter().all(|(season, cycles)| {
            (2..=LONGEST).contains(season) && (1..=CYCLES).contains(cycles)
        });
        if !(1..=RECENT).contains(recent) || seasons.len() > MOST_SEASONS || !are_seasons {
            return false;
        }
        let count = 1 + self.inputs.count();
        let is_right = |weights: &Weights| {
            weights.len() == count && weights.iter().all(|weight| weight.is_finite())
        };
        !self.early.is_empty()
            && self.early.len() == self.late.len()
            && self.early.iter().chain(&self.late).all(is_right)
    }
}

impl Inputs {
    /// The regressions of all steps on the rows before `end`.
    fn ridges(&self, scaled: &ScaledValues, horizon: usize, end: usize) -> Option<Vec<Ridge>> {
        let first = self.look_back().max(end.saturating_sub(FITTED));
        let mut inputs = Vec::with_capacity(self.count());
        let ridge = |step: usize| {
            let origins = first..(end + 1).checked_sub(step + 1)?;
            if origins.len() < FEWEST {
                return None;
            }
            let mut ridge = Ridge::new(self.count());
            for origin in origins {
                inputs.clear();
                self.push(&scaled.values, &scaled.sums, origin, step, &mut inputs);
                ridge.add(&inputs, scaled.values[origin + step] - scaled.values[origin - 1]);
            }
            Some(ridge)
        };
        (0..horizon).map(ridge).collect()
    }

    /// Fits on the training set, with the penalty that is best on the validation set.
    fn candidate(
        &self,
        target: &[f64],
        scale: Scale,
        horizon: usize,
        rows: &FitRows,
    ) -> Option<Candidate> {
        let scaled = ScaledValues::new(target, scale, self.seasons.len());
        let ridges = self.ridges(&scaled, horizon, rows.train)?;
        let stride = rows.valid.len().div_ceil(CHOSEN_ON).max(1);
        let origins = || rows.valid.clone().step_by(stride);
        let mut inputs = Vec::with_capacity(self.count());
        let mut best: Option<(f64, f64, Vec<Weights>)> = None;
        for penalty in (-2..=4).map(|power| 10f64.powi(power)) {
            let weights =
                ridges.iter().map(|ridge| ridge.solve(penalty)).collect::<Option<Vec<_>>>();
            let Some(weights) = weights else { continue };
            let mut error = 0.0;
            for origin in origins() {
                for (step, weights) in weights.iter().enumerate() {
                    inputs.clear();
                    self.push(&scaled.values, &scaled.sums, origin, step, &mut inputs);
                    let value = scaled.values[origin - 1] + dot(weights, &inputs);
                    error += (target[origin + step] - scale.from(value)).abs();
                }
            }
            if best.as_ref().is_none_or(|(lowest, ..)| error < *lowest) {
                best = Some((error, penalty, weights));
            }
        }
        let (error, penalty, early) = best?;
        Some(Candidate { scale, penalty, error, early, scaled })
    }
}

fn dot(weights: &[f64], inputs: &[f64]) -> f64 {
    weights[0] + weights[1..].iter().zip(inputs).map(|(weight, input)| weight * input).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_file_are_checked() {
        let values: Vec<f64> = (0..200).map(|row| f64::from(row * row % 97)).collect();
        let rows = FitRows { train: 120, valid: 120..150, end: 152 };
        let linear = LinearForecast::fit(&values, &[7], 3, &rows, None).unwrap();
        assert!(linear.is_valid() && linear.horizon() == 3);
        let spoilt = |spoil: fn(&mut LinearForecast)| {
            let mut linear = linear.clone();
            spoil(&mut linear);
            linear.is_valid()
        };
        assert!(!spoilt(|linear| linear.inputs.recent = usize::MAX));
        assert!(!spoilt(|linear| linear.inputs.seasons[0] = (7, usize::MAX)));
        assert!(!spoilt(|linear| linear.inputs.seasons[0].0 = 0));
        assert!(!spoilt(|linear| linear.inputs.seasons = vec![(7, 2); 5]));
        assert!(!spoilt(|linear| linear.late[1][2] = f64::NAN));
        assert!(!spoilt(|linear| drop(linear.late.pop())));
        assert!(!spoilt(|linear| linear.early[0].push(0.0)));
    }
}
