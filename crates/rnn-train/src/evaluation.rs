//! Scores of a trained model.

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::{recipe::Experiment, settings::DataSource};

/// Scores of a model, as `evaluation.json` has them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Evaluation {
    Letters(LettersEvaluation),
    Stock(Box<StockEvaluation>),
}

/// Scores on all letter windows.
#[derive(Debug, Serialize)]
pub(crate) struct LettersEvaluation {
    pub(crate) experiment: Experiment,
    pub(crate) best_epoch: usize,
    pub(crate) samples: usize,
    /// Mean cross-entropy, in nats.
    pub(crate) loss: f64,
    /// Share of right predictions, 0 to 1.
    pub(crate) accuracy: f64,
}

/// Scores on the test days, in price units.
#[derive(Debug, Serialize)]
pub(crate) struct StockEvaluation {
    pub(crate) experiment: Experiment,
    /// Named split the scores are of.
    pub(crate) split: &'static str,
    pub(crate) best_epoch: usize,
    pub(crate) windows: usize,
    #[serde(flatten)]
    pub(crate) model: Scores,
    /// The same of predicting every open by the open before.
    #[serde(flatten)]
    pub(crate) naive: NaiveScores,
    /// The same of every forecast that needs no model.
    pub(crate) baselines: Vec<BaselineScores>,
    /// How far the model's RMSE is below that of the best of them, as a share of it; negative for a model that loses.
    pub(crate) skill: f64,
    pub(crate) data: DataSource,
    /// The predicted days, for `predictions.csv`.
    #[serde(skip)]
    pub(crate) days: Vec<Day>,
}

/// One row of `predictions.csv`.
#[derive(Debug, Serialize)]
pub(crate) struct Day {
    pub(crate) date: Date,
    pub(crate) actual: f64,
    pub(crate) predicted: f64,
}

/// Scores of forecasts, in the units of the values unless said otherwise.
///
/// MASE and its scale: Hyndman and Koehler, "Another look at measures of forecast accuracy", International Journal of Forecasting 22 (2006).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Scores {
    /// Mean squared error, in squared units.
    pub(crate) mse: f64,
    /// Root of the mean squared error.
    pub(crate) rmse: f64,
    /// Mean absolute error.
    pub(crate) mae: f64,
    /// Mean of the absolute error as a share of the actual value, in percent.
    pub(crate) mape: f64,
    /// Mean of the absolute error as a share of the mean of actual and predicted value, in percent.
    pub(crate) smape: f64,
    /// Mean absolute error as a multiple of that of repeating the last value, on the training part.
    pub(crate) mase: f64,
    /// Share of the days with a change whose direction was right; none of a forecast that never says one.
    pub(crate) directional_accuracy: Option<f64>,
}

/// [`Scores`] of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct BaselineScores {
    pub(crate) name: &'static str,
    #[serde(flatten)]
    pub(crate) scores: Scores,
}

/// What scores are measured against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference<'a> {
    pub(crate) actual: &'a [f64],
    /// The value before each of them.
    pub(crate) previous: &'a [f64],
    /// Mean absolute change from one value of the training part to the next.
    pub(crate) scale: f64,
}

/// [`Scores`] of the naive forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct NaiveScores {
    pub(crate) naive_mse: f64,
    pub(crate) naive_rmse: f64,
    pub(crate) naive_mae: f64,
}

impl<'a> Reference<'a> {
    /// Of values and those before them, with the training part they follow.
    pub(crate) fn new(actual: &'a [f64], previous: &'a [f64], training: impl IntoIterator<Item = f64>) -> Self {
        let training: Vec<f64> = training.into_iter().collect();
        let changes = training.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        Self { actual, previous, scale: changes.sum::<f64>() / (training.len() - 1) as f64 }
    }
}

impl Scores {
    /// Scores of predictions; every sample counts the same.
    pub(crate) fn of(reference: &Reference<'_>, predicted: &[f64]) -> Self {
        let pairs = || reference.actual.iter().zip(predicted).map(|(&actual, &predicted)| (actual, predicted));
        let mean = |of: fn(f64, f64) -> f64| pairs().map(|(actual, predicted)| of(actual, predicted)).sum::<f64>() / predicted.len() as f64;
        let mse = mean(|actual, predicted| (predicted - actual) * (predicted - actual));
        let mae = mean(|actual, predicted| (predicted - actual).abs());
        let changes = pairs().zip(reference.previous).map(|((actual, predicted), previous)| (actual - previous, predicted - previous));
        let said: Vec<(f64, f64)> = changes.filter(|(actual, predicted)| *actual != 0.0 && *predicted != 0.0).collect();
        let right = said.iter().filter(|(actual, predicted)| (*actual > 0.0) == (*predicted > 0.0)).count();
        Self {
            mse,
            rmse: mse.sqrt(),
            mae,
            mape: 100.0 * mean(|actual, predicted| ((predicted - actual) / actual).abs()),
            smape: 100.0 * mean(|actual, predicted| 2.0 * (predicted - actual).abs() / (actual.abs() + predicted.abs())),
            mase: mae / reference.scale,
            directional_accuracy: (!said.is_empty()).then(|| right as f64 / said.len() as f64),
        }
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let direction = self.directional_accuracy.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", 100.0 * share));
        let Self { rmse, mae, mape, smape, mase, .. } = self;
        writeln!(
            f,
            " {name:<18} {rmse:>10.3} {mae:>10.3} {:>8} {:>8} {mase:>8.3} {direction:>10}",
            format!("{mape:.2}%"),
            format!("{smape:.2}%")
        )
    }
}

impl StockEvaluation {
    /// The baseline with the smallest RMSE.
    fn best_baseline(&self) -> Option<&BaselineScores> {
        self.baselines.iter().min_by(|one, other| one.scores.rmse.total_cmp(&other.scores.rmse))
    }
}

impl From<Scores> for NaiveScores {
    fn from(scores: Scores) -> Self {
        Self { naive_mse: scores.mse, naive_rmse: scores.rmse, naive_mae: scores.mae }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letters(letters) => letters.fmt(f),
            Self::Stock(stock) => stock.fmt(f),
        }
    }
}

impl fmt::Display for LettersEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, best_epoch, samples, loss, accuracy } = self;
        write!(f, "{experiment}, best epoch {best_epoch}: loss {loss:.4}, accuracy {accuracy:.3} on {samples} samples")
    }
}

impl fmt::Display for StockEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, split, best_epoch, windows, model, baselines, skill, data, .. } = self;
        let synthetic = if data.synthetic { ", SYNTHETIC data" } else { "" };
        writeln!(f, "{experiment}, best epoch {best_epoch}, {windows} test days of {}{synthetic}, split `{split}`", data.file)?;
        writeln!(
            f,
            " {:<18} {:>10} {:>10} {:>8} {:>8} {:>8} {:>10}",
            "in price units", "RMSE", "MAE", "MAPE", "sMAPE", "MASE", "direction"
        )?;
        model.row(f, "model")?;
        for baseline in baselines {
            baseline.scores.row(f, baseline.name)?;
        }
        let Some(best) = self.best_baseline() else { return Ok(()) };
        if *skill < 0.0 {
            let ratio = 1.0 - skill;
            write!(f, "The model loses to a forecast that needs none: its RMSE is {ratio:.2} times that of {}.", best.name)
        } else {
            write!(f, "The model beats every baseline: its RMSE is {:.1}% below that of {}, the best of them.", 100.0 * skill, best.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_means_over_samples() {
        let reference = Reference::new(&[1.0, 2.0, 3.0, 4.0], &[0.5, 1.0, 3.0, 5.0], [10.0, 12.0, 8.0]);
        let scores = Scores::of(&reference, &[1.0, 2.0, 3.0, 8.0]);
        // Changes of 2 and 4 in the training part; the third day has no change, the fourth forecast the wrong direction.
        let expected = Scores {
            mse: 4.0,
            rmse: 2.0,
            mae: 1.0,
            mape: 25.0,
            smape: 100.0 * (8.0 / 12.0) / 4.0,
            mase: 1.0 / 3.0,
            directional_accuracy: Some(2.0 / 3.0),
        };
        assert_eq!(scores, expected);
        assert_eq!(Scores::of(&reference, reference.previous).directional_accuracy, None);
    }
}
