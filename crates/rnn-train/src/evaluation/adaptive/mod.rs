//! Prediction intervals from out-of-fold errors, which follow the coverage on new rows.

mod normal;
mod path;
mod scale;
mod shape;
mod size;
#[cfg(test)]
mod tests;

use path::Path;
pub(crate) use path::Quantiles;
use scale::{Scale, overlap};
use shape::Shape;
pub(crate) use size::Known;
use size::Size;

/// The quantiles of CRPS: the middles of ten equal parts.
pub(crate) const CRPS: [f64; 10] = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95];

/// The distribution of forecast errors of a series, from errors on rows before the test set.
///
/// An error is divided by what it usually grows with: the level of the series, the step ahead and
/// the place in the season. The quantiles of these ratios, times their current mean, are the
/// half widths. [`Path`] has the intervals of successive origins.
///
/// The ratios come from forecasts whose fit has not seen their rows. See Barber et al., "Predictive
/// inference with the jackknife+", Annals of Statistics 49, 2021, for intervals of such errors.
#[derive(Debug)]
pub(crate) struct Adaptive {
    size: Size,
    shape: Shape,
    /// Scores before the test set.
    scale: Scale,
    /// Rising levels of the central intervals.
    levels: Vec<f64>,
    /// Rows before the test set.
    rows: usize,
    /// Places of the quantiles among those of all levels: of those asked for, and of CRPS.
    shown: Vec<usize>,
    crps: Vec<usize>,
    /// Number of out-of-fold forecasts.
    pub(crate) calibrated_on: usize,
}

/// Forecasts from origins before the test set, by models that have not seen their rows.
#[derive(Debug, Default)]
pub(crate) struct OutOfFold {
    /// First origin.
    pub(crate) first: usize,
    /// The forecast from each origin, `[horizon]`, if there is one.
    pub(crate) forecasts: Vec<Option<Vec<f64>>>,
}

impl Adaptive {
    /// Calibrates quantiles, and those that CRPS needs.
    pub(crate) fn new(known: Known<'_>, out_of_fold: &OutOfFold, quantiles: &[f64]) -> Self {
        let (size, rows) = (Size::new(known), known.values.len());
        let calibrating = rows.saturating_sub(out_of_fold.first);
        let mut scale = Scale::new(known.horizon, calibrating);
        let mut errors = Vec::new();
        for (origin, forecast) in (out_of_fold.first..rows).zip(&out_of_fold.forecasts) {
            let forecast = forecast.iter().flatten().copied().enumerate();
            for (step, forecast) in forecast.take(rows - origin) {
                let (row, actual) = (origin + step, known.values[origin + step]);
                let score = size.score(row, forecast, actual);
                scale.add(origin, step, score);
                errors.push((step, if actual < forecast { -score } else { score }));
            }
        }
        let steps = scale.steps(&size);
        let in_sizes =
            |(step, score): (usize, f64)| (score / steps[step].size, 1.0 / overlap(step));
        let shape = Shape::new(errors.into_iter().map(in_sizes).collect());
        let mut levels: Vec<f64> = CRPS
            .iter()
            .chain(quantiles)
            .map(|quantile| rounded((1.0 - 2.0 * quantile).abs()))
            .collect();
        levels.retain(|level| *level > 0.0);
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let places = |wanted: &[f64]| {
            let levels = &levels;
            let place = |quantile: &f64| {
                let level = rounded((1.0 - 2.0 * quantile).abs());
                let above = levels.partition_point(|one| *one <= level);
                if *quantile < 0.5 { levels.len() - above } else { levels.len() + above }
            };
            wanted.iter().map(place).collect()
        };
        Self {
            shown: places(quantiles),
            crps: places(&CRPS),
            calibrated_on: out_of_fold.forecasts.iter().flatten().count(),
            size,
            shape,
            scale,
            levels,
            rows,
        }
    }

    /// The intervals from the first origin of the test set on.
    pub(crate) fn path(&self) -> Path<'_> {
        Path::new(self)
    }
}

/// A quantile without the error of its calculation.
fn rounded(quantile: f64) -> f64 {
    (quantile * 1e9).round() / 1e9
}
