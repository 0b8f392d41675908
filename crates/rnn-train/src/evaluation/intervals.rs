//! Scores of prediction intervals.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::conformal::Conformal;
use crate::text::number;

/// Scores of prediction intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntervalScores {
    /// Nominal fraction of values inside.
    pub level: f64,
    /// Method that gives the bounds.
    #[serde(flatten)]
    pub method: IntervalMethod,
    /// Actual fraction of values inside.
    pub coverage: f64,
    /// Mean distance between the bounds, in the units of the target.
    pub mean_width: f64,
}

/// Method of prediction intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Split-conformal: from the errors on the validation set.
    SplitConformal {
        /// Half widths of the intervals.
        #[serde(flatten)]
        intervals: Conformal,
        /// Number of forecasts per step used for calibration.
        calibrated_on: usize,
    },
    /// The outer quantiles of a quantile model.
    Quantiles {
        /// Score of each quantile.
        quantiles: Vec<QuantileScore>,
        /// Mean of the pinball losses of all quantiles, in the units of the target.
        pinball: f64,
    },
}

/// Score of a predicted quantile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileScore {
    /// The quantile, 0 to 1.
    pub quantile: f64,
    /// Fraction of values at or below it.
    pub below: f64,
}

/// Running sums of quantile errors.
#[derive(Debug)]
pub(crate) struct QuantileErrors {
    quantiles: Vec<f64>,
    below: Vec<usize>,
    pinball: f64,
    count: usize,
}

impl QuantileErrors {
    pub(crate) fn new(quantiles: &[f64]) -> Self {
        let (quantiles, below) = (quantiles.to_vec(), vec![0; quantiles.len()]);
        Self { quantiles, below, pinball: 0.0, count: 0 }
    }

    /// Adds a value and its predicted quantiles.
    pub(crate) fn add(&mut self, actual: f64, predicted: &[f64]) {
        self.count += 1;
        for ((below, &quantile), &predicted) in
            self.below.iter_mut().zip(&self.quantiles).zip(predicted)
        {
            *below += usize::from(actual <= predicted);
            let error = actual - predicted;
            self.pinball += (quantile * error).max((quantile - 1.0) * error);
        }
    }

    pub(crate) fn scores(self) -> IntervalMethod {
        let count = self.count as f64;
        let each = self.quantiles.iter().zip(self.below);
        IntervalMethod::Quantiles {
            quantiles: each
                .map(|(&quantile, below)| QuantileScore { quantile, below: below as f64 / count })
                .collect(),
            pinball: self.pinball / (count * self.quantiles.len() as f64),
        }
    }
}

impl IntervalScores {
    /// Writes one or two sentences on the intervals.
    pub(crate) fn describe(&self, f: &mut fmt::Formatter<'_>, set: &str) -> fmt::Result {
        let Self { level, method, coverage, mean_width } = self;
        let (level, coverage, width) = (100.0 * level, 100.0 * coverage, number(*mean_width));
        let covered =
            format!("cover {coverage:.1}% of the {set} values; their mean width is {width}.");
        match method {
            IntervalMethod::SplitConformal { calibrated_on, .. } => writeln!(
                f,
                "{level:.0}% intervals, calibrated on {calibrated_on} validation windows, {covered}"
            ),
            IntervalMethod::Quantiles { quantiles, pinball } => {
                let below =
                    |one: &QuantileScore| format!("{}: {:.1}%", one.quantile, 100.0 * one.below);
                let each = quantiles.iter().map(below).collect::<Vec<_>>().join(", ");
                let pinball = number(*pinball);
                writeln!(
                    f,
                    "{level:.0}% intervals, between the outer quantiles, {covered}\nFraction of \
                     values at or below each quantile: {each}. Mean pinball loss: {pinball}."
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_scores_match_hand_computed_values() {
        let mut errors = QuantileErrors::new(&[0.25, 0.5]);
        errors.add(1.0, &[2.0, 3.0]);
        errors.add(5.0, &[1.0, 3.0]);
        let IntervalMethod::Quantiles { quantiles, pinball } = errors.scores() else {
            unreachable!()
        };
        assert_eq!(quantiles.iter().map(|one| one.below).collect::<Vec<f64>>(), [0.5, 0.5]);
        // Lower quantile: 0.75 * 1 and 0.25 * 4. Median: 0.5 * 2, twice.
        assert!((pinball - (0.75 + 1.0 + 1.0 + 1.0) / 4.0).abs() < 1e-12, "{pinball}");
    }

    #[test]
    fn both_methods_survive_a_json_round_trip() {
        let intervals = Conformal { half_widths: vec![1.5], logarithmic: true };
        let quantiles = vec![QuantileScore { quantile: 0.05, below: 0.04 }];
        for method in [
            IntervalMethod::SplitConformal { intervals, calibrated_on: 9 },
            IntervalMethod::Quantiles { quantiles, pinball: 0.5 },
        ] {
            let scores = IntervalScores { level: 0.9, method, coverage: 0.91, mean_width: 3.0 };
            let text = serde_json::to_string(&scores).unwrap();
            assert_eq!(serde_json::from_str::<IntervalScores>(&text).unwrap(), scores, "{text}");
        }
    }
}
