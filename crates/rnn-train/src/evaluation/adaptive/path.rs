//! Bands around the forecasts from successive origins.

use std::collections::VecDeque;

use super::{
    Adaptive,
    normal::student,
    scale::{Scale, StepScale},
};

/// Change of the logarithm of a width after each value.
const RATE: f64 = 0.05;

/// Bands around the forecasts from successive origins. Each reads only rows before its origin.
///
/// After each value the widths of a level change: they grow after a value outside, and shrink a
/// little after a value inside. See Gibbs and Candès, "Adaptive conformal inference under
/// distribution shift", NeurIPS 2021.
#[derive(Debug)]
pub(crate) struct Path<'a> {
    adaptive: &'a Adaptive,
    scale: Scale,
    /// Logarithm of the factor of each level and step, `[levels][horizon]`.
    tracked: Vec<Vec<f64>>,
    /// Factors of the lower and upper half width of each level, in mean sizes.
    sides: Vec<[f64; 2]>,
    /// The forecasts from the last origins; the newest is last.
    given: VecDeque<Option<Given>>,
    /// The next origin.
    next: usize,
}

/// A forecast with its half widths.
#[derive(Debug)]
struct Given {
    forecast: Vec<f64>,
    /// Lower and upper half widths, `[levels][steps]`.
    widths: Vec<Vec<[f64; 2]>>,
}

/// Quantiles of a row, rising.
#[derive(Debug)]
pub(crate) struct Quantiles {
    /// Those asked for.
    pub(crate) shown: Vec<f64>,
    /// Those of [`CRPS`](super::CRPS).
    pub(crate) crps: Vec<f64>,
}

/// Half widths around a forecast.
#[derive(Debug)]
pub(crate) struct Bands<'a> {
    adaptive: &'a Adaptive,
    origin: usize,
    /// Lower and upper half widths of rising levels, `[levels][steps]`.
    widths: Vec<Vec<[f64; 2]>>,
}

impl<'a> Path<'a> {
    pub(super) fn new(adaptive: &'a Adaptive) -> Self {
        let Adaptive { levels, shape, scale, size, rows, .. } = adaptive;
        let sides = |level: &f64| {
            let half = shape.half_width(*level);
            shape.sides(*level).map(|side| side * half)
        };
        Self {
            adaptive,
            scale: scale.clone(),
            tracked: vec![vec![0.0; size.growth.len()]; levels.len()],
            sides: levels.iter().map(sides).collect(),
            given: VecDeque::new(),
            next: *rows,
        }
    }

    /// The bands around the forecast of the rows after `known`, all rows before its origin.
    ///
    /// Origins must rise, and are not before the rows that the forecasts were fitted on. An origin
    /// that is left out has no forecast.
    pub(crate) fn at(&mut self, known: &[f64], forecast: &[f64]) -> Bands<'a> {
        let origin = known.len();
        for row in self.next..=origin {
            if row > self.adaptive.rows {
                self.learn(row - 1, known[row - 1]);
            }
            if row < origin {
                self.keep(None);
            }
        }
        self.next = origin + 1;
        let steps = self.scale.steps(&self.adaptive.size);
        let widths = self.widths(&steps, origin, forecast);
        self.keep(Some(Given { forecast: forecast.to_vec(), widths: widths.clone() }));
        Bands { adaptive: self.adaptive, origin, widths: sorted(widths) }
    }

    fn keep(&mut self, given: Option<Given>) {
        self.given.push_back(given);
        if self.given.len() > self.adaptive.size.growth.len() {
            self.given.pop_front();
        }
    }

    /// Compares a new row with the forecasts of it.
    fn learn(&mut self, row: usize, actual: f64) {
        let Adaptive { size, levels, .. } = self.adaptive;
        for (step, given) in self.given.iter().rev().enumerate() {
            let Some(Given { forecast, widths }) = given else { continue };
            let Some(&forecast) = forecast.get(step) else { continue };
            self.scale.add(row - step, step, size.score(row, forecast, actual));
            let slower = RATE / ((step + 1) as f64).sqrt();
            for ((tracked, widths), level) in self.tracked.iter_mut().zip(widths).zip(levels) {
                let [lower, upper] = widths[step];
                let error = actual - forecast;
                let is_outside = error.abs() > if error > 0.0 { upper } else { lower };
                let outside = if is_outside { 1.0 } else { 0.0 };
                tracked[step] += slower * (outside - (1.0 - level));
            }
        }
    }

    fn widths(&self, steps: &[StepScale], origin: usize, forecast: &[f64]) -> Vec<Vec<[f64; 2]>> {
        let Adaptive { size, levels, .. } = self.adaptive;
        let of_level = |((level, sides), tracked): ((&f64, &[f64; 2]), &Vec<f64>)| {
            let width = |(step, (forecast, scale)): (usize, (&f64, &StepScale))| {
                let place = size.place(origin + step);
                let few = student(0.5 + level / 2.0, scale.freedom);
                let mean = size.level(*forecast) * place * scale.size;
                sides.map(|side| mean * side * few * tracked[step].exp())
            };
            forecast.iter().zip(steps).enumerate().map(width).collect()
        };
        levels.iter().zip(&self.sides).zip(&self.tracked).map(of_level).collect()
    }
}

/// Sorts the half widths of each step over the levels, so that no quantiles cross.
fn sorted(mut widths: Vec<Vec<[f64; 2]>>) -> Vec<Vec<[f64; 2]>> {
    for step in 0..widths[0].len() {
        for side in 0..2 {
            let mut all: Vec<f64> = widths.iter().map(|steps| steps[step][side]).collect();
            all.sort_by(f64::total_cmp);
            widths.iter_mut().zip(all).for_each(|(steps, width)| steps[step][side] = width);
        }
    }
    widths
}

impl Bands<'_> {
    /// The quantiles of a step ahead, counted from 0, around its forecast.
    ///
    /// Beyond the horizon the half widths are those of its last step, and grow from there. A series
    /// without negative values has no negative quantiles.
    pub(crate) fn quantiles(&self, step: usize, forecast: f64) -> Quantiles {
        let all = self.all(step, forecast);
        let of = |places: &[usize]| places.iter().map(|place| all[*place]).collect();
        Quantiles { shown: of(&self.adaptive.shown), crps: of(&self.adaptive.crps) }
    }

    /// The bounds of all levels with the forecast in the middle, rising.
    pub(super) fn all(&self, step: usize, forecast: f64) -> Vec<f64> {
        let Adaptive { size, .. } = self.adaptive;
        let last = self.widths[0].len() - 1;
        let growth = match step > last {
            true => {
                let [place, of_last] = [step, last].map(|step| size.place(self.origin + step));
                size.beyond(step + 1) * place / of_last
            }
            false => 1.0,
        };
        let at = |steps: &Vec<[f64; 2]>| steps[step.min(last)].map(|width| growth * width);
        let lower = self.widths.iter().rev().map(|steps| forecast - at(steps)[0]);
        let upper = self.widths.iter().map(|steps| forecast + at(steps)[1]);
        let least = if size.is_positive { 0.0 } else { f64::NEG_INFINITY };
        lower.chain([forecast]).chain(upper).map(|quantile| quantile.max(least)).collect()
    }
}
