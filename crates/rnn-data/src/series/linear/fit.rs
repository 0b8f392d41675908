//! Fits the forecast on one scale, and scores it on the validation rows.

use rayon::prelude::*;

use super::{
    effects::{Effects, Measured},
    inputs::{Inputs, SMOOTHED, Values},
    iterated::{Iterated, SAMPLED, STRENGTHS},
    part::{Scale, Step, Units},
    ridge::{Ridge, Weights},
    smoothing::{Filter, Smoothing, States, TRENDS},
};

/// Strengths of the penalty.
pub(super) const PENALTIES: [f64; 5] = [1e-5, 1e-3, 1e-2, 0.1, 1.0];
/// Number of regressions of a step: all inputs relative to the last value, all relative to the
/// smoothed forecasts, and those without smoothed forecasts.
pub(super) const FAMILIES: usize = 3;
/// Product of rows and steps from which on samples are left out.
const SAMPLES: f64 = 400_000.0;
/// Fewest samples of a fit.
const FEWEST: usize = 12;
/// Largest error of a smoothed forecast in a fit, in medians.
const WINSORISED: f64 = 8.0;

/// A series on one scale.
pub(super) struct OnScale<'a> {
    pub(super) scale: Scale,
    pub(super) units: Units,
    /// Largest logarithm.
    pub(super) largest: f64,
    pub(super) inputs: Inputs,
    /// Values on this scale.
    pub(super) values: Vec<f64>,
    /// Place of the first row among the steps of the calendar.
    pub(super) place: usize,
    /// Columns that are known in the future, `[columns][rows]`.
    pub(super) future: &'a [Vec<f64>],
    pub(super) horizon: usize,
    /// Number of orders of iterated autoregressions.
    pub(super) orders: usize,
}

/// Smoothing and regressions that are fitted on some rows.
pub(super) struct Fitted {
    pub(super) effects: Effects,
    pub(super) smoothing: Vec<Smoothing>,
    /// Weights of each step, penalty and family; `None` with too few rows.
    pub(super) ridges: Vec<Option<Vec<[Weights; FAMILIES]>>>,
    /// Autoregressions of each order and strength of the penalty.
    iterated: Vec<Iterated>,
}

/// The values without the effects of columns known in the future, and the states before each.
pub(super) struct Filtered {
    rows: Values,
    /// Effects in these rows and up to the horizon after them.
    effects: Vec<f64>,
    states: Vec<States>,
}

/// Forecasts of a step from an origin: smoothed, of penalties and families, of autoregressions.
pub(super) type Forecasts = Vec<f64>;

impl OnScale<'_> {
    /// Fits on the rows before `end`; `starts` are the places of an earlier search.
    pub(super) fn fit(&self, end: usize, starts: &mut Vec<Vec<f64>>) -> (Fitted, Filtered) {
        let seasons = &self.inputs.seasons;
        let (season, place) = (seasons.first().copied(), self.place);
        let measured = Measured { values: &self.values, columns: self.future, season, place };
        let fitted = Effects::fit(measured, end);
        let effects = fitted.rows(self.future, place, 0..self.values.len() + self.horizon);
        let without = self.values.iter().zip(&effects).map(|(value, effect)| value - effect);
        let rows = Values::new(without, self.place, &self.inputs);
        let known = &rows.values[..end];
        let fits: Vec<_> = TRENDS
            .par_iter()
            .enumerate()
            .map(|(place, trend)| {
                let start = starts.get(place).map(Vec::as_slice);
                let (smoothing, start) = Smoothing::fit(known, seasons, *trend, start);
                let filter = smoothing.start(known, seasons, *trend);
                let states = smoothing.states(&rows.values, filter);
                (smoothing, start, states)
            })
            .collect();
        let (mut smoothing, mut states) = (Vec::new(), Vec::new());
        starts.clear();
        for (one, start, of_one) in fits {
            smoothing.push(one);
            starts.push(start);
            states.push(of_one);
        }
        let every = stride(end / SAMPLED, seasons);
        let iterated = Iterated::fit(known, seasons, (self.orders, every));
        let filtered = Filtered { rows, effects, states };
        let ridges = (0..self.horizon)
            .into_par_iter()
            .map(|step| self.ridges(end, step, &smoothing, &filtered))
            .collect();
        (Fitted { effects: fitted, smoothing, ridges, iterated }, filtered)
    }

    /// Number of forecasts of a step.
    pub(super) fn count(&self) -> usize {
        1 + FAMILIES * PENALTIES.len() + self.orders * STRENGTHS.len()
    }

    fn ridges(
        &self,
        end: usize,
        step: usize,
        smoothing: &[Smoothing],
        filtered: &Filtered,
    ) -> Option<Vec<[Weights; FAMILIES]>> {
        let Filtered { rows, states, .. } = filtered;
        let values = &rows.values;
        let every = (end as f64 * self.horizon as f64 / SAMPLES).round() as usize;
        let every = stride(every, &self.inputs.seasons);
        let first = self.inputs.first(end);
        let last = end.checked_sub(step + 1)?;
        let count = (last + 1).saturating_sub(first);
        if count < FEWEST * every {
            return None;
        }
        let origins = || (0..count.div_ceil(every)).map(|sample| last - sample * every);
        let smoothed = |origin: usize| {
            Smoothed::new(|place| states[place].forecast(&smoothing[place], origin, step))
        };
        let mut sizes: Vec<f64> = origins()
            .map(|origin| (values[origin + step] - smoothed(origin).mean()).abs())
            .collect();
        let middle = sizes.len() / 2;
        let most = match *sizes.select_nth_unstable_by(middle, f64::total_cmp).1 {
            0.0 => f64::INFINITY,
            median => WINSORISED * median,
        };
        let inputs = self.inputs.count();
        let mut ridge = Ridge::new(inputs, 2);
        for origin in origins() {
            let smoothed = smoothed(origin);
            let error = (values[origin + step] - smoothed.mean()).clamp(-most, most);
            ridge.add(|sample| {
                self.push(rows, (origin, step), smoothed, sample);
                sample.extend([error + smoothed.mean() - values[origin - 1], error]);
            });
        }
        let families = [(0, inputs), (1, inputs), (0, inputs - SMOOTHED)];
        let solved = ridge.solve_all(&PENALTIES, &families)?;
        solved.into_iter().map(|families| families.try_into().ok()).collect()
    }

    /// The forecasts of all steps from an origin.
    pub(super) fn forecasts(
        &self,
        fitted: &Fitted,
        Filtered { rows, effects, states }: &Filtered,
        origin: usize,
    ) -> Vec<Forecasts> {
        let mut inputs = Vec::with_capacity(self.inputs.count());
        let forecast = |one: &Iterated| one.forecasts(&rows.values, origin, self.horizon);
        let paths: Vec<Vec<f64>> = fitted.iterated.iter().map(forecast).collect();
        let step_forecasts = |(step, ridges): (usize, &Option<Vec<[Weights; FAMILIES]>>)| {
            let smoothed = Smoothed::new(|place| {
                states[place].forecast(&fitted.smoothing[place], origin, step)
            });
            let effect = effects[origin + step];
            let natural = |value: f64| self.scale.natural(value + effect, self.units, self.largest);
            let mut forecasts = vec![natural(smoothed.forecast())];
            let iterated = paths.iter().map(|path| natural(path[step]));
            let Some(ridges) = ridges else {
                forecasts.resize(1 + FAMILIES * PENALTIES.len(), forecasts[0]);
                forecasts.extend(iterated);
                return forecasts;
            };
            inputs.clear();
            self.push(rows, (origin, step), smoothed, &mut inputs);
            let last = rows.values[origin - 1];
            for families in ridges {
                let bases = [last, smoothed.mean(), last];
                forecasts.extend(families.iter().zip(bases).map(|(weights, base)| {
                    natural(base + weights[0] + dot(&weights[1..], &inputs))
                }));
            }
            forecasts.extend(iterated);
            forecasts
        };
        fitted.ridges.iter().enumerate().map(step_forecasts).collect()
    }

    fn push(
        &self,
        rows: &Values,
        (origin, step): (usize, usize),
        smoothed: Smoothed,
        to: &mut Vec<f64>,
    ) {
        self.inputs.push((rows, self.future), origin, step, smoothed.inputs(), to);
    }
}

/// The smallest stride from `least` on that reaches all places of each season.
pub(in crate::series) fn stride(least: usize, seasons: &[usize]) -> usize {
    let divides = |stride: usize, season: usize| {
        (2..=stride).any(|factor| stride.is_multiple_of(factor) && season.is_multiple_of(factor))
    };
    let is_right = |stride: &usize| !seasons.iter().any(|season| divides(*stride, *season));
    (least.max(1)..).find(is_right).unwrap_or(1)
}

/// The smoothed forecasts of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Smoothed([f64; TRENDS.len()]);

impl Smoothed {
    pub(super) fn new(forecast: impl Fn(usize) -> f64) -> Self {
        Self(std::array::from_fn(forecast))
    }

    pub(super) fn of(filters: &[Filter], smoothing: &[Smoothing], step: usize) -> Self {
        Self::new(|place| filters[place].forecast(&smoothing[place], step))
    }

    /// The inputs of a regression.
    pub(super) fn inputs(self) -> [f64; SMOOTHED] {
        let [none, damped, _, linear] = self.0;
        [none, damped, linear]
    }

    /// The mean of the inputs.
    pub(super) fn mean(self) -> f64 {
        self.inputs().iter().sum::<f64>() / SMOOTHED as f64
    }

    /// The smoothed forecast.
    pub(super) fn forecast(self) -> f64 {
        let [none, damped, theta, _] = self.0;
        (none + damped + theta) / 3.0
    }
}

impl Fitted {
    /// The weights of each step in one: of a constant, of the smoothed forecast, of the mean of the
    /// smoothed inputs, and of each input.
    pub(super) fn mixed(&self, mixture: impl Fn(usize) -> Mixture) -> Vec<Step> {
        let mix = |(step, ridges): (usize, &Option<Vec<[Weights; FAMILIES]>>)| {
            let mixture = mixture(step);
            let Some(ridges) = ridges else {
                let rest = 1.0 - mixture.iterated.iter().sum::<f64>();
                return vec![0.0, rest as f32, 0.0];
            };
            let width = ridges[0][0].len();
            let mut all = vec![0.0; width];
            for (penalty, families) in ridges.iter().enumerate() {
                for (family, weights) in families.iter().enumerate() {
                    let part = mixture.families[family] * mixture.penalties[family][penalty];
                    all.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += part * weight);
                }
            }
            let bases = [all[0], mixture.smoothed, mixture.families[1]];
            bases.iter().chain(&all[1..]).map(|weight| *weight as f32).collect()
        };
        self.ridges.iter().enumerate().map(mix).collect()
    }

    /// The autoregressions that are part of a forecast.
    pub(super) fn iterated(&self, mixture: impl Fn(usize) -> Mixture) -> Vec<Iterated> {
        let mixtures: Vec<Mixture> = (0..self.ridges.len()).map(mixture).collect();
        let with_parts = |(place, one): (usize, &Iterated)| {
            let part = |mixture: &Mixture| mixture.iterated.get(place).copied().unwrap_or(0.0);
            let parts: Vec<f64> = mixtures.iter().map(part).collect();
            parts.iter().any(|part| *part > 0.0).then(|| one.with_parts(parts))
        };
        self.iterated.iter().enumerate().filter_map(with_parts).collect()
    }
}

/// The parts of forecasts in that of a scale; those of a scale have a sum of 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Mixture {
    pub(super) smoothed: f64,
    pub(super) families: [f64; FAMILIES],
    pub(super) penalties: [Vec<f64>; FAMILIES],
    /// Parts of the autoregressions of each order and strength; may be empty.
    pub(super) iterated: Vec<f64>,
}

fn dot(weights: &[f64], inputs: &[f64]) -> f64 {
    weights.iter().zip(inputs).map(|(weight, input)| weight * input).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_has_no_factor_in_common_with_a_season() {
        assert_eq!(stride(0, &[7]), 1);
        assert_eq!(stride(7, &[]), 7);
        assert_eq!(stride(12, &[24, 168]), 13);
        assert_eq!(stride(2, &[24, 8766]), 5);
    }
}
