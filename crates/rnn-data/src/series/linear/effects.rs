//! Effects of columns that are known in the future on the values of their rows.

use serde::{Deserialize, Serialize};

use super::ridge::Ridge;

/// Strength of the penalty.
const PENALTY: f64 = 1e-4;
/// Recent values, and recent rows of the columns, beside which an effect is measured.
const LAGS: [usize; 3] = [1, 2, 3];
const COLUMN_LAGS: [usize; 2] = [1, 2];
/// Fewest samples for each input.
const SAMPLES: usize = 3;

/// The effect of a column: a square function of its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Effect {
    mean: f64,
    deviation: f64,
    /// Smallest and largest standardised value of the fit.
    range: [f64; 2],
    linear: f64,
    /// 0 for a column with two values.
    square: f64,
}

impl Effect {
    fn of_column(known: &[f64]) -> Self {
        let values = || known.iter().copied().filter(|value| value.is_finite());
        let count = f64::max(values().count() as f64, 1.0);
        let mean = values().sum::<f64>() / count;
        let square = |value: f64| (value - mean) * (value - mean);
        let deviation = (values().map(square).sum::<f64>() / count).sqrt();
        let deviation = if deviation > 1e-12 * mean.abs() { deviation } else { 1.0 };
        let mut effect =
            Self { mean, deviation, range: [f64::MIN, f64::MAX], linear: 0.0, square: 0.0 };
        let sizes = || values().map(|value| effect.standardised(value));
        effect.range = [sizes().fold(0.0, f64::min), sizes().fold(0.0, f64::max)];
        effect
    }

    /// The value in deviations from the mean, inside the range of the fit; 0 for a missing value.
    fn standardised(&self, value: f64) -> f64 {
        let size = (value - self.mean) / self.deviation;
        if size.is_finite() { size.clamp(self.range[0], self.range[1]) } else { 0.0 }
    }

    fn of(&self, value: f64) -> f64 {
        let size = self.standardised(value);
        self.linear * size + self.square * size * size
    }

    pub(super) fn is_valid(&self) -> bool {
        let Self { mean, deviation, range: [least, most], linear, square } = self;
        [mean, least, most, linear, square].iter().all(|number| number.is_finite())
            && deviation.is_finite()
            && *deviation > 0.0
            && least <= most
    }
}

/// Measures the effects of columns on the values of the rows before `end`.
///
/// A ridge regression of each value on the columns, their squares, values before it and the columns
/// of those. This is the first step of Durbin's method for a regression with correlated errors. See
/// Durbin, "Estimation of parameters in time-series regression models", Journal of the Royal
/// Statistical Society B 22, 1960.
///
/// # Shapes
///
/// - `columns`: `[columns][rows]`
pub(super) fn effects(
    values: &[f64],
    columns: &[Vec<f64>],
    season: Option<usize>,
    end: usize,
) -> Vec<Effect> {
    let mut effects: Vec<Effect> =
        columns.iter().map(|column| Effect::of_column(&column[..end.min(column.len())])).collect();
    let of_season = season.into_iter().flat_map(|season| [season, 2 * season]);
    let lags: Vec<usize> = LAGS.into_iter().chain(of_season).filter(|lag| 4 * lag <= end).collect();
    let column_lags: Vec<usize> =
        COLUMN_LAGS.into_iter().chain(season).filter(|lag| 4 * lag <= end).collect();
    let sizes: Vec<Vec<f64>> = effects
        .iter()
        .zip(columns)
        .map(|(effect, column)| column.iter().map(|value| effect.standardised(*value)).collect())
        .collect();
    let squares: Vec<usize> = (0..columns.len())
        .filter(|column| {
            let mut distinct = sizes[*column][..end.min(sizes[*column].len())].to_vec();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup();
            distinct.len() > 2
        })
        .collect();
    let inputs = columns.len() * (1 + column_lags.len()) + squares.len() + lags.len();
    let first = lags.iter().chain(&column_lags).copied().max().unwrap_or(0);
    if columns.is_empty() || end < first + SAMPLES * inputs {
        return effects;
    }
    let mut ridge = Ridge::new(inputs, 1);
    for row in first..end {
        let at = |column: usize, row: usize| sizes[column].get(row).copied().unwrap_or(0.0);
        ridge.add(|sample| {
            sample.extend((0..columns.len()).map(|column| at(column, row)));
            sample.extend(squares.iter().map(|column| at(*column, row).powi(2)));
            for lag in &column_lags {
                sample.extend((0..columns.len()).map(|column| at(column, row - lag)));
            }
            sample.extend(lags.iter().map(|lag| values[row - lag]));
            sample.push(values[row]);
        });
    }
    let Some(mut weights) = ridge.solve(PENALTY, &[(0, inputs)]) else { return effects };
    let weights = weights.swap_remove(0);
    for (effect, weight) in effects.iter_mut().zip(&weights[1..]) {
        effect.linear = *weight;
    }
    for (column, weight) in squares.into_iter().zip(&weights[1 + columns.len()..]) {
        effects[column].square = *weight;
    }
    effects
}

/// The sum of the effects in a row.
pub(super) fn effect(effects: &[Effect], columns: &[Vec<f64>], row: usize) -> f64 {
    let each = effects.iter().zip(columns);
    each.map(|(effect, column)| effect.of(column.get(row).copied().unwrap_or(f64::NAN))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_measured_beside_a_wandering_level() {
        let mut state = 7u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from((state >> 33) as u32) / f64::from(1u32 << 30) - 1.0
        };
        let warmth: Vec<f64> = (0..400).map(|_| 10.0 + 5.0 * noise()).collect();
        let promotion: Vec<f64> = (0..400).map(|row| f64::from(u8::from(row % 5 == 1))).collect();
        let mut level = 50.0;
        let values: Vec<f64> = (0..400)
            .map(|row| {
                level += 0.3 * noise();
                level + 4.0 * promotion[row] - 0.1 * (warmth[row] - 10.0).powi(2)
            })
            .collect();
        let columns = [warmth, promotion];
        let effects = effects(&values, &columns, None, 300);
        assert!(effects.iter().all(Effect::is_valid) && effects[1].square == 0.0);
        let of =
            |warmth: f64, promotion: f64| effect(&effects, &[vec![warmth], vec![promotion]], 0);
        assert!((of(10.0, 1.0) - of(10.0, 0.0) - 4.0).abs() < 0.3);
        assert!((of(14.0, 0.0) - of(10.0, 0.0) + 1.6).abs() < 0.5);
        assert_eq!(
            of(1e9, 0.0),
            of(15.0f64.max(columns[0].iter().copied().fold(0.0, f64::max)), 0.0)
        );
        assert!(of(f64::NAN, f64::NAN).is_finite());
    }
}
