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
    Stock(StockEvaluation),
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

/// Regression scores, in the units of the values (MSE in their square).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Scores {
    /// Mean squared error.
    pub(crate) mse: f64,
    /// Root of the mean squared error.
    pub(crate) rmse: f64,
    /// Mean absolute error.
    pub(crate) mae: f64,
}

/// [`Scores`] of the naive forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct NaiveScores {
    pub(crate) naive_mse: f64,
    pub(crate) naive_rmse: f64,
    pub(crate) naive_mae: f64,
}

impl Scores {
    /// Scores of predictions; every sample counts the same.
    pub(crate) fn of(actual: &[f64], predicted: &[f64]) -> Self {
        let errors = || actual.iter().zip(predicted).map(|(actual, predicted)| predicted - actual);
        let count = actual.len() as f64;
        let mse = errors().map(|error| error * error).sum::<f64>() / count;
        Self { mse, rmse: mse.sqrt(), mae: errors().map(f64::abs).sum::<f64>() / count }
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
        let Self { experiment, split, best_epoch, windows, model, naive, data, .. } = self;
        let synthetic = if data.synthetic { ", SYNTHETIC data" } else { "" };
        writeln!(f, "{experiment}, best epoch {best_epoch}, {windows} test days of {}{synthetic}, split `{split}`", data.file)?;
        writeln!(f, " {:<18} {:>12} {:>12} {:>14}", "in price units", "RMSE", "MAE", "MSE")?;
        writeln!(f, " {:<18} {:>12.3} {:>12.3} {:>14.3}", "model", model.rmse, model.mae, model.mse)?;
        writeln!(f, " {:<18} {:>12.3} {:>12.3} {:>14.3}", "yesterday's open", naive.naive_rmse, naive.naive_mae, naive.naive_mse)?;
        let ratio = model.rmse / naive.naive_rmse;
        if ratio > 1.0 {
            write!(f, "The model's RMSE is {ratio:.2} times that of simply repeating yesterday's open.")
        } else {
            write!(f, "The model's RMSE is {:.1}% below that of repeating yesterday's open.", (1.0 - ratio) * 100.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_means_over_samples() {
        let scores = Scores::of(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 8.0]);
        assert_eq!(scores, Scores { mse: 4.0, rmse: 2.0, mae: 1.0 });
    }
}
