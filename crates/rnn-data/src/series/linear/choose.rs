//! Chooses penalties and weights by the errors of the last rows before the test set.

use std::ops::Range;

use super::{
    combine::{groups, sharp, weights},
    fit::{FAMILIES, Fitted, Mixture, OnScale, PENALTIES},
    iterated::STRENGTHS,
    part::{Fit, Part},
};

/// Fewest errors that choose the weights of a group of steps.
const FEWEST: usize = 8;

/// The errors of a forecast on a scale, `[forecasts][origins][horizon]`.
pub(super) struct Scored<'a> {
    pub(super) on: OnScale<'a>,
    folds: Vec<Fitted>,
    starts: Vec<Vec<f64>>,
    errors: Vec<Vec<f64>>,
}

impl<'a> Scored<'a> {
    /// Fits before each fold, and scores the origins in it.
    pub(super) fn new(on: OnScale<'a>, known: &[f64], edges: &[usize], every: usize) -> Self {
        let (mut starts, mut folds) = (Vec::new(), Vec::new());
        let mut errors = vec![Vec::new(); on.count()];
        for fold in edges.windows(2) {
            let (fitted, filtered) = on.fit(fold[0], &mut starts);
            for origin in (fold[0]..fold[1]).step_by(every) {
                for (step, forecasts) in
                    on.forecasts(&fitted, &filtered, origin).into_iter().enumerate()
                {
                    let actual = known.get(origin + step).copied().unwrap_or(f64::NAN);
                    for (errors, forecast) in errors.iter_mut().zip(forecasts) {
                        errors.push(forecast - actual);
                    }
                }
            }
            folds.push(fitted);
        }
        Self { on, folds, starts, errors }
    }

    /// The forecast of this scale; `None` without a share.
    pub(super) fn on_scale(mut self, mixtures: &[(f64, Mixture)], rows: usize) -> Option<Part> {
        if mixtures.iter().all(|(share, _)| *share <= 0.0) {
            return None;
        }
        let (last, _) = self.on.fit(rows, &mut self.starts);
        let fit = |fitted: &Fitted| Fit {
            effects: fitted.effects.clone(),
            smoothing: fitted.smoothing.clone(),
            steps: fitted.mixed(|step| mixtures[step].1.clone()),
            iterated: fitted.iterated(|step| mixtures[step].1.clone()),
        };
        let OnScale { scale, units, inputs, .. } = self.on;
        Some(Part {
            scale,
            units,
            inputs,
            shares: mixtures.iter().map(|(share, _)| *share).collect(),
            fits: self.folds.iter().chain([&last]).map(fit).collect(),
        })
    }

    /// Weights of forecasts that differ in their penalty, nearly 1 for the best, and the mean of
    /// their errors.
    fn mixed(
        &self,
        forecasts: &[usize],
        steps: &Range<usize>,
        smallest: f64,
    ) -> (Vec<f64>, Vec<f64>) {
        let each: Vec<Vec<f64>> =
            forecasts.iter().map(|forecast| self.errors(*forecast, steps)).collect();
        let count = each[0].len().max(1) as f64;
        let absolute: Vec<f64> = each
            .iter()
            .map(|errors| errors.iter().map(|error| error.abs()).sum::<f64>() / count)
            .collect();
        let weights = sharp(&absolute, smallest);
        let mean = |place: usize| {
            each.iter().zip(&weights).map(|(errors, part)| part * errors[place]).sum()
        };
        let mean = (0..each[0].len()).map(mean).collect();
        (weights, mean)
    }

    /// The errors of a forecast at some steps.
    fn errors(&self, forecast: usize, steps: &Range<usize>) -> Vec<f64> {
        let origins = self.errors[forecast].chunks(self.on.horizon);
        let of_steps = origins.flat_map(|errors| &errors[steps.clone()]);
        of_steps.copied().filter(|error| !error.is_nan()).collect()
    }
}

/// The share and the mixture of each scale and step, `[scales][horizon]`.
pub(super) fn mixtures(
    scored: &[Scored<'_>],
    known: &[f64],
    horizon: usize,
    (edges, every): (&[usize], usize),
    deviation: f64,
) -> Vec<Vec<(f64, Mixture)>> {
    let folds = edges.windows(2);
    let origins: Vec<usize> = folds.flat_map(|fold| (fold[0]..fold[1]).step_by(every)).collect();
    let has_season = scored.iter().any(|one| !one.on.inputs.seasons.is_empty());
    let mut all: Vec<Vec<(f64, Mixture)>> = vec![Vec::new(); scored.len()];
    for steps in groups(horizon) {
        let mut errors = Vec::new();
        let mut choices: Vec<Vec<Vec<f64>>> = Vec::new();
        // One step ahead the regressions have the lags of the autoregressions.
        let orders = if steps.start == 0 { 0 } else { scored[0].on.orders };
        let each = 1 + FAMILIES + orders;
        for one in scored {
            errors.push(one.errors(0, &steps));
            let families = (0..FAMILIES).map(|family| {
                (0..PENALTIES.len()).map(|penalty| 1 + penalty * FAMILIES + family).collect()
            });
            let first = 1 + FAMILIES * PENALTIES.len();
            let of_order = |order: usize| {
                let start = first + order * STRENGTHS.len();
                (start..start + STRENGTHS.len()).collect()
            };
            let members = families.chain((0..orders).map(of_order));
            let mixed = members.map(|members: Vec<usize>| {
                let (weights, mean) = one.mixed(&members, &steps, 1e-9 * deviation);
                errors.push(mean);
                weights
            });
            choices.push(mixed.collect());
        }
        if !has_season {
            // The last value.
            let pairs = origins.iter().flat_map(|origin| {
                steps.clone().filter_map(move |step| Some((*origin, known.get(origin + step)?)))
            });
            errors.push(pairs.map(|(origin, actual)| known[origin - 1] - actual).collect());
        }
        if errors[0].len() < FEWEST
            && let Some(before) = all[0].len().checked_sub(1)
        {
            for of_scale in &mut all {
                let last = of_scale[before].clone();
                of_scale.extend(steps.clone().map(|_| last.clone()));
            }
            continue;
        }
        let independent = origins.len() as f64 / f64::max(1.0, steps.end as f64 / 2.0);
        let mut weights = weights(&errors, independent, deviation);
        if !has_season {
            // The natural scale has the last value among its bases.
            weights.truncate(scored.len() * each);
        }
        let rest = 1.0 - weights.iter().sum::<f64>();
        for (scale, (of_scale, mut choices)) in all.iter_mut().zip(choices).enumerate() {
            let parts = &weights[scale * each..(scale + 1) * each];
            let rest = if scale == 0 { rest.max(0.0) } else { 0.0 };
            // Without the last bits of a sum, which may exceed 1.
            let share = (parts.iter().sum::<f64>() + rest).min(1.0);
            let part =
                |place: usize| if share > 0.0 { (parts[place] / share).min(1.0) } else { 0.0 };
            let strengths = choices.split_off(FAMILIES).into_iter().enumerate();
            let iterated = strengths.flat_map(|(order, weights)| {
                let part = part(1 + FAMILIES + order);
                weights.into_iter().map(move |weight| part * weight)
            });
            let mixture = Mixture {
                smoothed: part(0),
                families: std::array::from_fn(|family| part(1 + family)),
                iterated: iterated.collect(),
                penalties: std::array::from_fn(|family| std::mem::take(&mut choices[family])),
            };
            of_scale.extend(steps.clone().map(|_| (share, mixture.clone())));
        }
    }
    all
}
