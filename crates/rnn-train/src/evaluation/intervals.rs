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
    /// From out-of-fold errors of a linear forecast and its network, by level, step and season. The
    /// widths follow the errors and the coverage on the rows before each forecast.
    Adaptive {
        /// Number of forecasts used for calibration.
        calibrated_on: usize,
        /// Score of each quantile.
        quantiles: Vec<QuantileScore>,
        /// Mean of the pinball losses of all quantiles, in the units of the target.
        pinball: f64,
        /// Continuous ranked probability score, in the units of the target: the mean of twice the
        /// pinball loss of the quantiles 0.05, 0.15 to 0.95.
        ///
        /// See Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation",
        /// JASA 102, 2007.
        crps: f64,
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

    /// The score of each quantile, and the mean of all pinball losses.
    pub(crate) fn scores(self) -> (Vec<QuantileScore>, f64) {
        let count = self.count as f64;
        let each = self.quantiles.iter().zip(self.below);
        let scores =
            each.map(|(&quantile, below)| QuantileScore { quantile, below: below as f64 / count });
        (scores.collect(), self.pinball / (count * self.quantiles.len() as f64))
    }
}

impl IntervalScores {
    /// Writes one or two sentences on the intervals of windows of a set.
    pub(crate) fn describe(
        &self,
        f: &mut fmt::Formatter<'_>,
        set: &str,
        [windows, horizon]: [usize; 2],
    ) -> fmt::Result {
        let Self { level, method, coverage, mean_width } = self;
        let verdict = coverage_verdict(*level, *coverage, windows, horizon).unwrap_or_default();
        let (level, coverage, width) = (100.0 * level, 100.0 * coverage, number(*mean_width));
        let covered = format!(
            "cover {coverage:.1}% of the {set} values{verdict}; their mean width is {width}."
        );
        let below = |one: &QuantileScore| format!("{}: {:.1}%", one.quantile, 100.0 * one.below);
        let below = |all: &[QuantileScore]| {
            let each = all.iter().map(below).collect::<Vec<_>>().join(", ");
            format!("Fraction of values at or below each quantile: {each}.")
        };
        match method {
            IntervalMethod::SplitConformal { calibrated_on, .. } => writeln!(
                f,
                "{level:.0}% intervals, calibrated on {calibrated_on} validation windows, {covered}"
            ),
            IntervalMethod::Adaptive { calibrated_on, quantiles, pinball, crps } => {
                let [pinball, crps] = [*pinball, *crps].map(number);
                writeln!(
                    f,
                    "{level:.0}% intervals, calibrated on {calibrated_on} earlier windows, \
                     {covered}\n{} Mean pinball loss: {pinball}, CRPS: {crps}.",
                    below(quantiles)
                )
            }
            IntervalMethod::Quantiles { quantiles, pinball } => {
                let pinball = number(*pinball);
                writeln!(
                    f,
                    "{level:.0}% intervals, between the outer quantiles, {covered}\n{} Mean \
                     pinball loss: {pinball}.",
                    below(quantiles)
                )
            }
        }
    }
}

/// Largest difference between coverage and level that is good enough.
const TOLERANCE: f64 = 0.05;
/// Number of standard errors from which a difference is not chance.
const SIGNIFICANT: f64 = 1.96;

/// What to say of a coverage that is far from its level, and not by chance.
///
/// Forecasts of several steps overlap, so fewer of the windows are independent.
pub(crate) fn coverage_verdict(
    level: f64,
    coverage: f64,
    windows: usize,
    horizon: usize,
) -> Option<&'static str> {
    let independent = (windows as f64 / (2.0 * horizon as f64 / 3.0).max(1.0)).max(1.0);
    let error = SIGNIFICANT * (level * (1.0 - level) / independent).sqrt();
    let difference = coverage - level;
    match difference.abs() > TOLERANCE.max(error) + 1e-9 {
        true if difference < 0.0 => Some(", too few: errors are larger than on earlier rows"),
        true => Some(", too many: errors are smaller than on earlier rows"),
        false => None,
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
        let (quantiles, pinball) = errors.scores();
        assert_eq!(quantiles.iter().map(|one| one.below).collect::<Vec<f64>>(), [0.5, 0.5]);
        // Lower quantile: 0.75 * 1 and 0.25 * 4. Median: 0.5 * 2, twice.
        assert!((pinball - (0.75 + 1.0 + 1.0 + 1.0) / 4.0).abs() < 1e-12, "{pinball}");
    }

    #[test]
    fn all_methods_survive_a_json_round_trip() {
        let intervals = Conformal { half_widths: vec![1.5], logarithmic: true };
        let quantiles = vec![QuantileScore { quantile: 0.05, below: 0.04 }];
        for method in [
            IntervalMethod::SplitConformal { intervals, calibrated_on: 9 },
            IntervalMethod::Quantiles { quantiles: quantiles.clone(), pinball: 0.5 },
            IntervalMethod::Adaptive { calibrated_on: 9, quantiles, pinball: 0.5, crps: 1.0 },
        ] {
            let scores = IntervalScores { level: 0.9, method, coverage: 0.91, mean_width: 3.0 };
            let text = serde_json::to_string(&scores).unwrap();
            assert_eq!(serde_json::from_str::<IntervalScores>(&text).unwrap(), scores, "{text}");
        }
    }

    #[test]
    fn bad_coverage_is_said_unless_it_may_be_chance() {
        let verdict = |coverage, windows, horizon| {
            coverage_verdict(0.9, coverage, windows, horizon).map(|text| &text[..9])
        };
        assert_eq!(verdict(0.78, 200, 1), Some(", too few"));
        assert_eq!(verdict(0.97, 200, 1), Some(", too man"));
        assert_eq!(verdict(0.86, 10_000, 1), None, "near enough");
        assert_eq!(verdict(0.8, 30, 1), None, "few windows");
        assert_eq!(verdict(0.8, 100, 24), None, "six independent windows");
        assert_eq!(verdict(0.0, 0, 1), Some(", too few"));
    }
}
