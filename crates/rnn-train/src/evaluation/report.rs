//! What a trained model scored.

use std::fmt;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::{
    intervals::IntervalScores,
    predictions::Prediction,
    scores::Scores,
    skill::{BaselineScores, or_infinitely_bad, verdict},
};
use crate::{run::DataSource, text::number};

/// What a trained model scored: printed as text, written as `evaluation.json`.
pub trait Evaluation: fmt::Display + Serialize {}

impl<E: fmt::Display + Serialize> Evaluation for E {}

/// Scores on all letter windows.
#[derive(Debug, Serialize)]
pub struct LettersEvaluation {
    /// Name of the task.
    pub experiment: String,
    /// Epoch of the weights.
    pub best_epoch: usize,
    /// Number of samples.
    pub samples: usize,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Fraction of right predictions, 0 to 1.
    pub accuracy: f64,
}

/// Scores on a part of the data, in the units of the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeriesEvaluation {
    /// Name of the task.
    pub experiment: String,
    /// Column that is predicted.
    pub target: String,
    /// Named split the scores are of.
    pub split: String,
    /// The part that is scored.
    pub part: String,
    /// First and last time that is predicted of it.
    pub span: [DateTime; 2],
    /// None of a mean of several models.
    pub best_epoch: Option<usize>,
    /// Number of windows.
    pub windows: usize,
    /// Steps a window predicts.
    pub horizon: usize,
    /// Scores of the model.
    #[serde(flatten)]
    pub model: Scores,
    /// The same of the numbers the model itself predicts, transformed and scaled.
    pub scaled: ScaledScores,
    /// The same of every forecast that needs no model.
    pub baselines: Vec<BaselineScores>,
    /// How far the model's RMSE is below that of the best of them, as a fraction of it; negative
    /// for a model that loses, null where the best is never wrong.
    #[serde(deserialize_with = "or_infinitely_bad")]
    pub skill: f64,
    /// The scores of each step, where there is more than one.
    pub steps: Vec<StepScores>,
    /// Prediction intervals, where they were asked for.
    pub interval: Option<IntervalScores>,
    /// The data that was scored.
    pub data: DataSource,
    /// The values the picture shows: predicted one step ahead, of the first series that has any.
    #[serde(skip)]
    pub(crate) shown: Vec<Prediction>,
}

/// Errors in the units the model itself predicts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScaledScores {
    /// Mean squared error.
    pub mse: f64,
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
}

/// Scores of forecasts so many steps ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepScores {
    /// 1 is the row after the window.
    pub step: usize,
    /// Scores of the model.
    #[serde(flatten)]
    pub model: Scores,
    /// Scores of the baselines.
    pub baselines: Vec<BaselineScores>,
    /// Of the best baseline at this step.
    #[serde(deserialize_with = "or_infinitely_bad")]
    pub skill: f64,
}

impl SeriesEvaluation {
    /// The scored set, as text has it.
    pub(crate) fn part(&self) -> &'static str {
        if self.part == "valid" { "validation" } else { "test" }
    }
}

impl fmt::Display for LettersEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, best_epoch, samples, loss, accuracy } = self;
        write!(
            f,
            "{experiment}, best epoch {best_epoch}: loss {loss:.4}, accuracy {accuracy:.3} on \
             {samples} samples"
        )
    }
}

impl fmt::Display for SeriesEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, best_epoch, windows, baselines, data, split, target, .. } = self;
        let epoch = best_epoch.map_or_else(String::new, |epoch| format!(", best epoch {epoch}"));
        let [first, last] = self.span.map(rnn_data::format_time);
        let part = self.part();
        let what = if self.horizon == 1 { "values" } else { "windows" };
        writeln!(
            f,
            "{experiment}{epoch}, {windows} {part} {what} of `{target}` of {data}, {first} to \
             {last}, split `{split}`"
        )?;
        let first = if self.horizon == 1 { "in its units" } else { "all steps" };
        let others = baselines.iter().map(|one| (one.name.clone(), &one.scores));
        let rows = [("model".to_owned(), &self.model)].into_iter().chain(others);
        writeln!(f, "{}", Scores::table(first, rows))?;
        let ScaledScores { mse, rmse, mae } = self.scaled;
        let [mse, rmse, mae] = [mse, rmse, mae].map(number);
        writeln!(f, "In the units the model predicts: MSE {mse}, RMSE {rmse}, MAE {mae}.")?;
        if !self.steps.is_empty() {
            let name =
                |step: &StepScores| format!("{}, skill {:+.1}%", step.step, 100.0 * step.skill);
            let rows = self.steps.iter().map(|step| (name(step), &step.model));
            writeln!(f, "{}", Scores::table("steps ahead", rows))?;
        }
        if let Some(interval) = &self.interval {
            interval.describe(f, part)?;
        }
        if part == "validation" {
            writeln!(
                f,
                "Weights were chosen and training was stopped by these values, which flatters; the \
                 test part was not scored."
            )?;
        }
        f.write_str(&verdict(self.skill, baselines))
    }
}
