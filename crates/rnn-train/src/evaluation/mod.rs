//! Scores of a trained model.

mod baselines;
mod conformal;
mod intervals;
mod predictions;
mod scores;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

pub(crate) use baselines::Baselines;
pub(crate) use conformal::{Calibration, Conformal, spreads};
pub(crate) use intervals::{IntervalMethod, IntervalScores, QuantileErrors};
use jiff::civil::DateTime;
pub(crate) use predictions::{NAME as PREDICTIONS, PredictionRows};
pub(crate) use scores::{Errors, Scores, Yardstick, multiple, number};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{recipe::Experiment, settings::DataSource};

/// Scores of a model, as `evaluation.json` has them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Evaluation {
    Letters(LettersEvaluation),
    Series(Box<SeriesEvaluation>),
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

/// Scores on a part of the data, in the units of the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SeriesEvaluation {
    pub(crate) experiment: Experiment,
    /// Column that is predicted.
    pub(crate) target: String,
    /// Named split the scores are of.
    pub(crate) split: String,
    /// The part that is scored.
    pub(crate) part: String,
    /// First and last time that is predicted of it.
    pub(crate) span: [DateTime; 2],
    /// None of a mean of several models.
    pub(crate) best_epoch: Option<usize>,
    pub(crate) windows: usize,
    pub(crate) horizon: usize,
    #[serde(flatten)]
    pub(crate) model: Scores,
    /// The same of the numbers the model itself predicts, transformed and scaled.
    pub(crate) scaled: ScaledScores,
    /// The same of every forecast that needs no model.
    pub(crate) baselines: Vec<BaselineScores>,
    /// How far the model's RMSE is below that of the best of them, as a share of it; negative for a model that loses, null where the best is never wrong.
    #[serde(deserialize_with = "or_infinitely_bad")]
    pub(crate) skill: f64,
    /// The scores of each step, where there is more than one.
    pub(crate) steps: Vec<StepScores>,
    /// Prediction intervals, where they were asked for.
    pub(crate) interval: Option<IntervalScores>,
    pub(crate) data: DataSource,
    /// The values the picture shows: predicted one step ahead, of the first series that has any.
    #[serde(skip)]
    pub(crate) shown: Vec<Prediction>,
}

/// Errors in the units the model itself predicts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScaledScores {
    pub(crate) mse: f64,
    pub(crate) rmse: f64,
    pub(crate) mae: f64,
}

/// [`Scores`] of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BaselineScores {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) scores: Scores,
}

/// Scores of forecasts so many steps ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepScores {
    /// 1 is the row after the window.
    pub(crate) step: usize,
    #[serde(flatten)]
    pub(crate) model: Scores,
    pub(crate) baselines: Vec<BaselineScores>,
    /// Of the best baseline at this step.
    #[serde(deserialize_with = "or_infinitely_bad")]
    pub(crate) skill: f64,
}

/// A predicted value.
#[derive(Debug, Clone)]
pub(crate) struct Prediction {
    /// Index of its series.
    pub(crate) series: usize,
    pub(crate) time: DateTime,
    /// 1 is the row after the window.
    pub(crate) step: usize,
    pub(crate) actual: f64,
    pub(crate) predicted: f64,
    /// Lower and upper bound of its interval.
    pub(crate) interval: Option<[f64; 2]>,
    /// Of a model of quantiles: all of them.
    pub(crate) quantiles: Vec<f64>,
}

impl SeriesEvaluation {
    /// The scored part, as text has it.
    pub(crate) fn part(&self) -> &'static str {
        if self.part == "valid" { "validation" } else { "test" }
    }
}

/// How far an RMSE is below the best of the baselines, as a share of it.
pub(crate) fn skill(model: &Scores, baselines: &[BaselineScores]) -> f64 {
    let best = baselines.iter().map(|baseline| baseline.scores.rmse).fold(f64::INFINITY, f64::min);
    // Two that are never wrong are the same.
    if model.rmse == best { 0.0 } else { 1.0 - model.rmse / best }
}

/// JSON has no infinity: what is written as null was one.
pub(crate) fn or_infinitely_bad<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NEG_INFINITY))
}

/// The baseline with the smallest RMSE.
pub(crate) fn best(baselines: &[BaselineScores]) -> Option<&BaselineScores> {
    baselines.iter().min_by(|one, other| one.scores.rmse.total_cmp(&other.scores.rmse))
}

/// Skills nearer to 0 than this are no difference.
const TIE: f64 = 0.001;

/// What the skill of a model says, in words.
pub(crate) fn verdict(skill: f64, baselines: &[BaselineScores]) -> String {
    let Some(best) = best(baselines) else { return String::new() };
    let name = &best.name;
    let percent = 100.0 * skill.abs();
    match skill {
        skill if skill.abs() < TIE => {
            format!("The model is no better than `{name}`, a forecast that needs none: their RMSE is the same within 0.1%.")
        }
        skill if skill > 0.0 => {
            format!("The model beats every baseline: its RMSE is {percent:.1}% below that of `{name}`, the best of them.")
        }
        skill if skill > -0.5 => {
            format!("The model loses to a forecast that needs none: its RMSE is {percent:.1}% above that of `{name}`.")
        }
        f64::NEG_INFINITY => format!("The model loses to a forecast that needs none: `{name}` is never wrong here."),
        skill => format!("The model loses to a forecast that needs none: its RMSE is {:.2} times that of `{name}`.", 1.0 - skill),
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letters(letters) => letters.fmt(f),
            Self::Series(series) => series.fmt(f),
        }
    }
}

impl fmt::Display for LettersEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, best_epoch, samples, loss, accuracy } = self;
        write!(f, "{experiment}, best epoch {best_epoch}: loss {loss:.4}, accuracy {accuracy:.3} on {samples} samples")
    }
}

impl fmt::Display for SeriesEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, best_epoch, windows, baselines, data, split, target, .. } = self;
        let synthetic = if data.synthetic { ", SYNTHETIC data" } else { "" };
        let epoch = best_epoch.map_or_else(String::new, |epoch| format!(", best epoch {epoch}"));
        let [first, last] = self.span.map(rnn_data::format_time);
        let part = self.part();
        let what = if self.horizon == 1 { "values" } else { "windows" };
        writeln!(
            f,
            "{experiment}{epoch}, {windows} {part} {what} of `{target}` of {}{synthetic}, {first} to {last}, split `{split}`",
            data.file
        )?;
        let width = baselines.iter().map(|baseline| baseline.name.chars().count()).max().unwrap_or(0).max(18);
        Scores::head(f, if self.horizon == 1 { "in its units" } else { "all steps" }, width)?;
        self.model.row(f, "model", width)?;
        for baseline in baselines {
            baseline.scores.row(f, &baseline.name, width)?;
        }
        let ScaledScores { mse, rmse, mae } = self.scaled;
        writeln!(f, "In the units the model predicts: MSE {}, RMSE {}, MAE {}.", number(mse), number(rmse), number(mae))?;
        if !self.steps.is_empty() {
            Scores::head(f, "steps ahead", width)?;
            for step in &self.steps {
                step.model.row(f, &format!("{}, skill {:+.1}%", step.step, 100.0 * step.skill), width)?;
            }
        }
        if let Some(interval) = &self.interval {
            interval.describe(f, part)?;
        }
        if part == "validation" {
            writeln!(f, "Weights were chosen and training was stopped by these values, which flatters; the test part was not scored.")?;
        }
        f.write_str(&verdict(self.skill, baselines))
    }
}
