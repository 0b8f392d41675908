//! Baselines: simple forecasts to which every model is compared.

use rnn_data::{Naive, Series, SeriesConfig, Subset};

/// Number of values in the moving average: a trading week.
const MEAN_WINDOW: usize = 5;
/// Number of past changes in the autoregression.
const ORDER: usize = 20;
/// Ridge penalty as a fraction of the mean variance of the inputs. It keeps the coefficients small.
const PENALTY: f64 = 0.01;

/// The baselines of a task, by name.
#[derive(Debug, Clone)]
pub(crate) struct Baselines {
    naive: Vec<(String, Naive)>,
}

/// The baselines of a task, fitted to a series.
#[derive(Debug)]
pub(crate) struct Fitted<'a> {
    baselines: &'a Baselines,
    series: &'a Series,
    /// None if there is too little data to fit.
    autoregression: Option<Autoregression>,
}

impl Baselines {
    /// The baselines for a target, optionally with closing prices, for the seasons of a config.
    pub(crate) fn new(target: &str, close: bool, config: &SeriesConfig) -> Self {
        let mut naive = vec![(format!("last {target}"), Naive::LastValue)];
        if close {
            naive.push(("last close".to_owned(), Naive::LastClose));
        }
        naive.push(("drift".to_owned(), Naive::Drift));
        for &season in &config.seasons {
            naive.push((format!("season of {season}"), Naive::Seasonal(season)));
        }
        if config.transform.is_residual() && config.naive == Naive::Linear {
            naive.push(("linear".to_owned(), Naive::Linear));
        }
        naive.push((format!("mean of {MEAN_WINDOW}"), Naive::Mean(MEAN_WINDOW)));
        Self { naive }
    }

    /// Names of the baselines; the first repeats the last value.
    pub(crate) fn names(&self) -> Vec<String> {
        let naive = self.naive.iter().map(|(name, _)| name.clone());
        naive.chain([format!("ridge AR({ORDER})")]).collect()
    }

    /// Fits the baselines on the training set of a series.
    pub(crate) fn fit<'a>(&'a self, series: &'a Series) -> Fitted<'a> {
        let autoregression = autoregression(&series.target[series.rows(Subset::Train)]);
        Fitted { baselines: self, series, autoregression }
    }
}

impl Fitted<'_> {
    /// Forecasts of each baseline from `origin` on. They use only rows before `origin`.
    pub(crate) fn forecasts(
        &self,
        origin: usize,
        steps: usize,
    ) -> impl Iterator<Item = Vec<f64>> + '_ {
        let naive = self.baselines.naive.iter().map(move |(_, naive)| {
            (0..steps).map(|step| naive.forecast(self.series, origin, step)).collect()
        });
        let known = &self.series.target[..origin];
        let last = known[origin - 1];
        let fitted = self.autoregression.as_ref();
        let fitted = fitted.map_or_else(|| vec![last; steps], |one| one.forecast(known, steps));
        naive.chain([fitted])
    }
}

/// A linear forecast of the next change from the last changes.
#[derive(Debug)]
struct Autoregression {
    /// Weights, oldest change first.
    weights: [f64; ORDER],
    mean: f64,
}

impl Autoregression {
    /// Forecasts the next values, each from the values and forecasts before it.
    ///
    /// Repeats the last value if there are too few values.
    fn forecast(&self, values: &[f64], steps: usize) -> Vec<f64> {
        let mut recent = values[values.len().saturating_sub(ORDER + 1)..].to_vec();
        if recent.len() <= ORDER {
            return vec![values[values.len() - 1]; steps];
        }
        for _ in 0..steps {
            let last = recent.len() - 1;
            let changes =
                recent[last - ORDER..].windows(2).map(|pair| pair[1] - pair[0] - self.mean);
            let change: f64 =
                changes.zip(self.weights).map(|(change, weight)| change * weight).sum();
            recent.push(recent[last] + self.mean + change);
        }
        recent.split_off(ORDER + 1)
    }
}

/// Ridge regression of the next change on the last changes.
///
/// Returns `None` for too few values or a constant change. See Hoerl and Kennard, "Ridge
/// regression", Technometrics 12, 1970.
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
    let variance =
        (0..ORDER).map(|index| products[index][index]).sum::<f64>() / (ORDER * samples) as f64;
    for (index, row) in products.iter_mut().enumerate() {
        row[index] += PENALTY * variance * samples as f64;
    }
    solve(products, targets).map(|weights| Autoregression { weights, mean })
}

/// Solves `A x = b` by Cholesky decomposition. `A` is symmetric positive definite, with its lower
/// half given.
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
    use super::*;
    use crate::evaluation::tests::series;

    fn seasonal(season: usize) -> SeriesConfig {
        SeriesConfig::new("open".to_owned()).with_seasons(vec![season])
    }

    #[test]
    fn naive_baselines_match_hand_computed_values() {
        let series = series((0..100).map(f64::from).collect(), 20, 2);
        let baselines = Baselines::new("open", true, &seasonal(7));
        let fitted = baselines.fit(&series);
        let named: Vec<(String, Vec<f64>)> =
            baselines.names().into_iter().zip(fitted.forecasts(90, 2)).collect();
        let of = |name: &str| {
            named.iter().find(|(known, _)| known == name).map(|(_, values)| values.clone()).unwrap()
        };
        assert_eq!(of("last open"), [89.0, 89.0]);
        assert_eq!(of("last close"), [89.5, 89.5]);
        assert_eq!(of("drift"), [90.0, 91.0]);
        assert_eq!(of("season of 7"), [83.0, 84.0]);
        assert_eq!(of("mean of 5"), [87.0, 87.0]);
        assert_eq!(of("ridge AR(20)"), [89.0, 89.0], "a constant change gives no fit");
        assert_eq!(named[0].0, "last open");
    }

    #[test]
    fn the_autoregression_recovers_a_known_coefficient() {
        // Each change is -0.5 times the previous change, plus noise.
        let (mut change, mut open, mut state) = (1.0, 100.0, 7u32);
        let mut opens: Vec<f64> = (0..2000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                change = -0.5 * change + f64::from(state >> 8) / f64::from(1 << 24) - 0.5;
                open += change;
                open
            })
            .collect();
        let fitted = autoregression(&opens).unwrap();
        assert!((fitted.weights[ORDER - 1] + 0.5).abs() < 0.05, "{:?}", fitted.weights);
        assert!(
            fitted.weights[..ORDER - 1].iter().all(|weight| weight.abs() < 0.1),
            "{:?}",
            fitted.weights
        );
        let two = fitted.forecast(&opens, 2);
        opens.push(two[0]);
        assert_eq!(fitted.forecast(&opens, 1)[0], two[1], "each step uses the forecast before it");
    }

    #[test]
    fn forecasts_ignore_rows_from_their_origin_on() {
        let values: Vec<f64> = (0..200).map(|day| 100.0 + f64::from(day * 37 % 11)).collect();
        let changed = values
            .iter()
            .enumerate()
            .map(|(row, &value)| if row < 150 { value } else { 1e6 })
            .collect();
        let baselines = Baselines::new("open", true, &seasonal(5));
        let of = |values: Vec<f64>| {
            let series = series(values, 60, 3);
            baselines.fit(&series).forecasts(150, 3).collect::<Vec<_>>()
        };
        assert_eq!(of(values), of(changed));
    }
}
