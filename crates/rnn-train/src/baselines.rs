//! Forecasts of an opening price that need no model. Every score stands beside theirs: a model that loses to one of them is not worth its training.

use std::ops::Range;

use rnn_data::Bar;

/// Days of the moving average: a trading week.
const AVERAGED: usize = 5;
/// Changes that the autoregression looks back on.
const ORDER: usize = 20;
/// Weight of the autoregression's penalty, as a share of the mean variance of its inputs: enough to keep twenty noisy coefficients small.
const PENALTY: f64 = 0.01;

/// A forecast of every test day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Baseline {
    pub(crate) name: &'static str,
    pub(crate) predicted: Vec<f64>,
}

/// Forecasts the opening prices of the `test` rows, each from the rows before it alone; what has to be fitted is fitted on the `train` rows, which are
/// the first ones.
pub(crate) fn all(bars: &[Bar], train: Range<usize>, test: Range<usize>) -> Vec<Baseline> {
    let opens: Vec<f64> = bars.iter().map(|bar| bar.open).collect();
    let weights = autoregression(&opens[train]);
    let each = |name, forecast: &dyn Fn(usize) -> f64| Baseline { name, predicted: test.clone().map(forecast).collect() };
    let mut all = vec![
        each("yesterday's open", &|row| opens[row - 1]),
        each("yesterday's close", &|row| bars[row - 1].close),
        // The line through the first and the last known open, one day on.
        each("drift", &|row| opens[row - 1] + (opens[row - 1] - opens[0]) / (row - 1).max(1) as f64),
        each("mean of 5 days", &|row| opens[row - AVERAGED..row].iter().sum::<f64>() / AVERAGED as f64),
    ];
    if let Some(weights) = weights {
        all.push(each("ridge AR(20)", &|row| opens[row - 1] + weights.next_change(&opens[row - ORDER - 1..row])));
    }
    all
}

/// A linear forecast of the next change from the last ones.
struct Autoregression {
    /// Of the oldest change first.
    weights: [f64; ORDER],
    mean: f64,
}

impl Autoregression {
    /// The change after the last of `ORDER + 1` values.
    fn next_change(&self, values: &[f64]) -> f64 {
        let changes = values.windows(2).map(|pair| pair[1] - pair[0] - self.mean);
        self.mean + changes.zip(self.weights).map(|(change, weight)| change * weight).sum::<f64>()
    }
}

/// Ridge regression of the next change on the last ones (Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970); none for too few values, or
/// where nothing changes.
fn autoregression(values: &[f64]) -> Option<Autoregression> {
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let samples = changes.len().checked_sub(ORDER).filter(|samples| *samples > ORDER)?;
    let mean = changes.iter().sum::<f64>() / changes.len() as f64;
    let changes: Vec<f64> = changes.iter().map(|change| change - mean).collect();
    let (mut products, mut targets) = ([[0.0; ORDER]; ORDER], [0.0; ORDER]);
    for sample in changes.windows(ORDER + 1) {
        for row in 0..ORDER {
            for column in 0..=row {
                products[row][column] += sample[row] * sample[column];
            }
            targets[row] += sample[row] * sample[ORDER];
        }
    }
    let variance = (0..ORDER).map(|index| products[index][index]).sum::<f64>() / (ORDER * samples) as f64;
    for (index, row) in products.iter_mut().enumerate() {
        row[index] += PENALTY * variance * samples as f64;
    }
    solve(products, targets).map(|weights| Autoregression { weights, mean })
}

/// Solves `A x = b` for a symmetric positive definite matrix, of which the lower half is given, by Cholesky's decomposition.
fn solve(mut a: [[f64; ORDER]; ORDER], mut b: [f64; ORDER]) -> Option<[f64; ORDER]> {
    for row in 0..ORDER {
        for column in 0..=row {
            let dot: f64 = (0..column).map(|k| a[row][k] * a[column][k]).sum();
            let rest = a[row][column] - dot;
            if row != column {
                a[row][column] = rest / a[column][column];
            } else if rest > 0.0 {
                a[row][row] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    for row in 0..ORDER {
        let dot: f64 = (0..row).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - dot) / a[row][row];
    }
    for row in (0..ORDER).rev() {
        let dot: f64 = (row + 1..ORDER).map(|k| a[k][row] * b[k]).sum();
        b[row] = (b[row] - dot) / a[row][row];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn bars(opens: impl IntoIterator<Item = f64>) -> Vec<Bar> {
        let bar = |open: f64| Bar { date: date(2020, 1, 1), open, close: open + 0.5, high: open + 1.0, low: open - 1.0, volume: 1.0 };
        opens.into_iter().map(bar).collect()
    }

    #[test]
    fn simple_baselines_are_what_they_say() {
        let bars = bars((0..100).map(f64::from));
        let all = all(&bars, 0..60, 90..92);
        let of = |name| all.iter().find(|baseline| baseline.name == name).map(|baseline| baseline.predicted.clone()).unwrap();
        assert_eq!(of("yesterday's open"), [89.0, 90.0]);
        assert_eq!(of("yesterday's close"), [89.5, 90.5]);
        assert_eq!(of("drift"), [90.0, 91.0]);
        assert_eq!(of("mean of 5 days"), [87.0, 88.0]);
        // Nothing to learn from changes that are all the same.
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn the_autoregression_finds_how_changes_follow_each_other() {
        // Each change is minus half of the one before, and a little noise.
        let (mut change, mut open, mut state) = (1.0, 100.0, 7u32);
        let opens: Vec<f64> = (0..2000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                change = -0.5 * change + f64::from(state >> 8) / f64::from(1 << 24) - 0.5;
                open += change;
                open
            })
            .collect();
        let fitted = autoregression(&opens).unwrap();
        assert!((fitted.weights[ORDER - 1] + 0.5).abs() < 0.05, "{:?}", fitted.weights);
        assert!(fitted.weights[..ORDER - 1].iter().all(|weight| weight.abs() < 0.1), "{:?}", fitted.weights);
    }

    #[test]
    fn a_forecast_knows_nothing_of_the_day_it_is_of() {
        let mut changed = bars((0..200).map(|day| 100.0 + f64::from(day * 37 % 11)));
        let before = all(&changed, 0..100, 150..151);
        for bar in &mut changed[150..] {
            *bar = Bar { open: 1e6, close: 1e6, ..bar.clone() };
        }
        assert_eq!(before, all(&changed, 0..100, 150..151));
    }
}
