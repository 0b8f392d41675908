//! A linear forecast: exponential smoothing and ridge regressions, on two scales.

mod choose;
mod combine;
mod effects;
mod fit;
mod inputs;
mod iterated;
mod minimum;
mod part;
mod ridge;
mod rows;
mod smoothing;
mod stretch;
mod terms;

use serde::{Deserialize, Serialize};

use choose::{Scored, mixtures};
use fit::OnScale;
pub(super) use fit::stride;
use inputs::Inputs;
use iterated::orders;
use part::{Part, Range, SMALLEST, Scale, Units};
pub(super) use rows::LinearRows;
use stretch::filled;

/// Fewest rows of a fit.
const FEWEST: usize = 8;
/// Number of folds of the validation rows, and fewest rows for more than one.
const FOLDS: (usize, usize) = (3, 9);
/// Most origins that are scored.
const SCORED: usize = 600;

/// A linear forecast of the next rows of a series.
///
/// It is a weighted mean of up to twelve forecasts: six on the natural and six on the logarithmic
/// scale. The first is exponential smoothing of level, slope and seasons with an autoregressive
/// error, the mean of three trends. Three are ridge regressions for each step ahead. They read
/// recent values, values around the same place of earlier seasons, means and waves of the seasons.
/// The smoothed forecasts and columns that are known in the future are inputs, too. From the second
/// step on, two more are autoregressions of seasonal differences, iterated from step to step.
///
/// The last rows before the test set choose penalties and weights by the errors of three folds.
/// See Hyndman et al., "Forecasting with Exponential Smoothing", 2008; Hoerl and Kennard, "Ridge
/// regression", Technometrics 12, 1970; Smyl, "A hybrid method of exponential smoothing and
/// recurrent neural networks", International Journal of Forecasting 36, 2020.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearForecast {
    range: Range,
    parts: Vec<Part>,
}

/// A series that a forecast is fitted on or applied to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) target: &'a [f64],
    /// Columns that are known in the future, `[columns][rows]`.
    pub(super) future: &'a [Vec<f64>],
    /// Place of the first row among the steps of the calendar.
    pub(super) place: usize,
    pub(super) rows: FitRows,
}

/// The rows of a series that fit a linear forecast.
#[derive(Debug, Clone, Copy)]
pub(super) struct FitRows {
    /// First origin of the validation set.
    pub(super) valid: usize,
    /// End of the rows before the test set.
    pub(super) end: usize,
    /// First origin of the test set.
    pub(super) late: usize,
    /// Length of the shortest season, or 0.
    pub(super) season: usize,
}

impl FitRows {
    /// First origins of the folds, and the end of the last.
    pub(super) fn edges(&self, horizon: usize, folds: Option<usize>) -> Vec<usize> {
        let rows = self.end;
        let scored = (rows / 4).max(3 * horizon).min(rows / 3);
        let scored = scored.max(rows.saturating_sub(self.valid)).min(2 * rows / 3);
        // Two seasons come before the first fold.
        let scored = match rows.checked_sub(2 * self.season) {
            Some(most @ 1..) => scored.min(most),
            _ => scored,
        };
        let folds = folds.unwrap_or(if scored < FOLDS.1 { 1 } else { FOLDS.0 });
        (0..=folds).map(|fold| rows - scored + fold * scored / folds).collect()
    }
}

impl LinearForecast {
    /// Fits a forecast of `horizon` steps; `None` for a constant, too few rows or less than two
    /// seasons.
    ///
    /// Forecasts for a logarithm are positive if all known values are.
    pub(super) fn fit(
        given: Given<'_>,
        seasons: &[usize],
        horizon: usize,
        for_logarithm: bool,
    ) -> Option<Self> {
        let known = &given.target[..given.rows.end];
        let count = known.len() as f64;
        let further = f64::max(1.0, 2.0 * horizon as f64 / count);
        let range = Range::new(known, further, for_logarithm);
        let mean = known.iter().sum::<f64>() / count;
        let square = |value: &f64| (value - mean) * (value - mean);
        let deviation = (known.iter().map(square).sum::<f64>() / count).sqrt();
        let size = range.min.abs().max(range.max.abs());
        if known.len() < FEWEST || deviation.is_nan() || deviation <= 1e-12 * size {
            return None;
        }
        let units = Units { deviation, smallest: SMALLEST * range.min.max(0.0) };
        let edges = given.rows.edges(horizon, None);
        let is_long = |season: &&usize| **season > 1 && 2 * **season <= edges[0];
        let mut fitting: Vec<usize> = seasons.iter().filter(is_long).copied().collect();
        fitting.sort_unstable();
        if fitting.is_empty() && !seasons.is_empty() {
            return None;
        }
        let seasons = fitting;
        let every = stride((known.len() - edges[0]).div_ceil(SCORED), &seasons);
        let whole = filled(known, seasons.first().copied());
        let score = |scale: Scale| {
            let has_ratios = scale == Scale::Natural;
            let inputs = Inputs::new(seasons.clone(), known.len(), has_ratios, given.future.len());
            let values = whole.iter().map(|value| scale.forward(*value, units)).collect();
            let (largest, future, place) = (range.largest(), given.future, given.place);
            let orders = orders(&seasons, known.len(), horizon);
            let on =
                OnScale { scale, units, largest, inputs, values, place, future, horizon, orders };
            Scored::new(on, known, &edges, every)
        };
        let scored = if range.min > 0.0 {
            let (natural, other) =
                rayon::join(|| score(Scale::Natural), || score(Scale::Logarithmic));
            vec![natural, other]
        } else {
            vec![score(Scale::Natural)]
        };
        let mixtures = mixtures(&scored, known, horizon, (&edges, every), deviation);
        let parts: Vec<Part> = scored
            .into_iter()
            .zip(mixtures)
            .filter_map(|(scored, mixtures)| scored.on_scale(&mixtures, known.len()))
            .collect();
        Some(Self { range, parts })
    }

    /// Rows before an origin that a forecast needs.
    pub(super) fn look_back(&self) -> usize {
        self.parts.iter().map(|part| part.inputs.first(0)).max().unwrap_or(1)
    }

    /// Returns whether the smallest known value is 0.
    pub(super) fn is_from_zero(&self) -> bool {
        self.range.min == 0.0
    }

    /// Returns the number of steps ahead.
    pub fn horizon(&self) -> usize {
        self.parts.first().map_or(0, |part| part.shares.len())
    }

    /// Returns the groups of steps ahead that share their weights.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(rnn_data::LinearForecast::groups(12), [0..1, 1..3, 3..8, 8..12]);
    /// ```
    pub fn groups(horizon: usize) -> Vec<std::ops::Range<usize>> {
        combine::groups(horizon)
    }

    /// Returns the number of columns that are known in the future.
    pub fn future(&self) -> usize {
        self.parts.first().map_or(0, |part| part.inputs.future)
    }

    /// Returns whether the numbers are finite, in their bounds, and of the right count.
    pub fn is_valid(&self) -> bool {
        let (horizon, future) = (self.horizon(), self.future());
        let fits = self.parts.first().map_or(0, |part| part.fits.len());
        let is_right = |part: &Part| {
            part.inputs.is_valid()
                && part.inputs.future == future
                && part.units.deviation.is_finite()
                && part.units.smallest.is_finite()
                && part.shares.len() == horizon
                && part.shares.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share))
                && part.fits.len() == fits
                && part.fits.iter().all(|fit| fit.is_valid(horizon, &part.inputs))
        };
        horizon > 0
            && (2..=FOLDS.0 + 1).contains(&fits)
            && self.parts.len() <= 2
            && self.range.is_valid()
            && self.parts.iter().all(is_right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_file_are_checked() {
        let target: Vec<f64> = (0..200).map(|row| f64::from(row * row % 97)).collect();
        let rows = FitRows { valid: 120, end: 152, late: 152, season: 7 };
        let given = Given { target: &target, future: &[], place: 0, rows };
        let linear = LinearForecast::fit(given, &[7], 3, false).unwrap();
        assert!(linear.is_valid() && linear.horizon() == 3);
        let spoilt = |spoil: fn(&mut LinearForecast)| {
            let mut linear = linear.clone();
            spoil(&mut linear);
            linear.is_valid()
        };
        assert!(!spoilt(|linear| linear.parts[0].inputs.seasons[0] = 0));
        assert!(!spoilt(|linear| linear.parts[0].inputs.seasons = vec![7; 5]));
        assert!(!spoilt(|linear| linear.parts[0].inputs.future = usize::MAX));
        assert!(!spoilt(|linear| linear.parts[0].fits[1].steps[2][3] = f32::NAN));
        assert!(!spoilt(|linear| drop(linear.parts[0].fits[1].steps.pop())));
        assert!(!spoilt(|linear| linear.parts[0].fits[0].steps[0].push(0.0)));
        assert!(!spoilt(|linear| linear.parts[0].fits.clear()));
        assert!(!spoilt(|linear| linear.parts.clear()));
        assert!(!spoilt(|linear| linear.range.min = f64::NAN));
    }
}
