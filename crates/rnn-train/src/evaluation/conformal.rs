//! Conformal prediction intervals, for any model.

use rnn_data::Series;
use serde::{Deserialize, Serialize};

/// Split-conformal intervals, weighted by the recent volatility of the series.
///
/// Errors on the validation set are divided by the volatility before each forecast. Without these
/// weights, intervals would be too wide in calm times and too narrow in volatile ones.
///
/// For logarithmic transforms errors are ratios, so intervals grow with the level of the series.
///
/// See Papadopoulos et al., "Inductive confidence machines for regression", ECML 2002, and section
/// 5.2 of Lei et al., "Distribution-free predictive inference for regression", JASA 113, 2018.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// Half the width at each step.
    pub half_widths: Vec<f64>,
    pub(super) logarithmic: bool,
}

/// Errors on the validation set, by step.
#[derive(Debug)]
pub(crate) struct Calibration {
    scores: Vec<Vec<f64>>,
    logarithmic: bool,
}

impl Calibration {
    pub(crate) fn new(steps: usize, logarithmic: bool) -> Self {
        Self { scores: vec![Vec::new(); steps], logarithmic }
    }

    /// Adds a forecast on the validation set; `spread` is the volatility before it.
    pub(crate) fn add(&mut self, step: usize, actual: f64, predicted: f64, spread: f64) {
        let error = if self.logarithmic {
            (actual / predicted).ln().abs()
        } else {
            (actual - predicted).abs()
        };
        self.scores[step].push(error / spread);
    }

    /// The intervals of a level; none if a step has too few errors for it.
    pub(crate) fn intervals(mut self, level: f64) -> Option<Conformal> {
        let half_widths = self.scores.iter_mut().map(|scores| quantile(scores, level));
        let half_widths = half_widths.collect::<Option<_>>()?;
        Some(Conformal { half_widths, logarithmic: self.logarithmic })
    }
}

/// The score with rank `ceil((count + 1) * level)`; none if the rank exceeds `count`.
fn quantile(scores: &mut [f64], level: f64) -> Option<f64> {
    scores.sort_by(f64::total_cmp);
    let rank = ((scores.len() + 1) as f64 * level).ceil() as usize;
    scores.get(rank.checked_sub(1)?).copied().filter(|score| score.is_finite())
}

impl Conformal {
    /// Lower and upper bound around a forecast; `spread` is the volatility before it.
    pub(crate) fn around(&self, step: usize, predicted: f64, spread: f64) -> [f64; 2] {
        let half = self.half_widths[step] * spread;
        if self.logarithmic {
            [predicted * (-half).exp(), predicted * half.exp()]
        } else {
            [predicted - half, predicted + half]
        }
    }
}

/// Decay of the volatility estimate, as in RiskMetrics (Longerstaey and Spencer, Technical
/// Document, 1996).
const DECAY: f64 = 0.94;

/// Volatility before each origin, from 2 to the number of rows.
///
/// It is the root of an exponentially weighted mean of squared residuals.
pub(crate) fn spreads(series: &Series) -> Vec<f64> {
    let rows = series.times.len();
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut spreads = vec![f64::NAN; 2.min(rows + 1)];
    for row in 1..rows {
        let residual = series.naive_residual(row);
        (sum, weight) = (DECAY * sum + residual * residual, DECAY * weight + 1.0);
        let minimum = if series.is_logarithmic() {
            MIN_SPREAD
        } else {
            MIN_SPREAD * series.target[row].abs().max(f64::MIN_POSITIVE)
        };
        spreads.push((sum / weight).sqrt().max(minimum));
    }
    spreads
}

/// Minimum volatility, as a fraction of the value.
const MIN_SPREAD: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_has_the_finite_sample_correction() {
        let mut scores: Vec<f64> = (1..=9).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut scores, 0.9), Some(9.0), "nine tenths of ten");
        assert_eq!(quantile(&mut scores, 0.5), Some(5.0));
        assert_eq!(quantile(&mut scores, 0.91), None, "nine errors are too few for this level");
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn spreads_depend_only_on_earlier_rows() {
        let values: Vec<f64> = (0..100)
            .map(|row| 100.0 + if row < 50 { f64::from(row % 2) } else { 5.0 * f64::from(row % 2) })
            .collect();
        let of = |values: Vec<f64>| spreads(&crate::evaluation::tests::series(values, 20, 1));
        let spread = of(values.clone());
        assert_eq!(spread.len(), 101);
        assert!(
            (spread[50] - 1.0).abs() < 1e-9 && spread[53] > 1.5 && spread[100] > 4.5,
            "{:?}",
            &spread[48..56]
        );
        let changed = values
            .iter()
            .enumerate()
            .map(|(row, &value)| if row < 60 { value } else { 1e3 * f64::from(row as u32 % 3 + 1) })
            .collect();
        assert_eq!(of(changed)[2..=60], spread[2..=60]);
    }

    #[test]
    fn intervals_cover_the_nominal_fraction_of_new_values() {
        // Calibration and new values have the same error distribution.
        let mut state = 1u32;
        let mut error = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        for logarithmic in [false, true] {
            let mut calibration = Calibration::new(1, logarithmic);
            for _ in 0..1000 {
                calibration.add(
                    0,
                    100.0 * (1.0 + error()),
                    100.0,
                    if logarithmic { 1.0 } else { 2.0 },
                );
            }
            let intervals = calibration.intervals(0.9).unwrap();
            let inside = (0..2000).filter(|_| {
                let [low, high] = intervals.around(0, 200.0, if logarithmic { 1.0 } else { 4.0 });
                (low..=high).contains(&(200.0 * (1.0 + error())))
            });
            let coverage = inside.count() as f64 / 2000.0;
            assert!((0.87..0.93).contains(&coverage), "{logarithmic}: {coverage}");
        }
    }
}
