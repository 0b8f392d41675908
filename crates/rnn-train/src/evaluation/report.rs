//! Scores of a trained model.

use std::fmt;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::{
    intervals::IntervalScores,
    predictions::Prediction,
    scores::Scores,
    skill::{BaselineScores, or_infinitely_bad, verdict},
};
use crate::{
    run::DataSource,
    text::{either, multiple, number},
};

/// Scores of a trained model: printed as text, and written as `evaluation.json`.
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
    /// Fraction of correct predictions, 0 to 1.
    pub accuracy: f64,
}

/// Scores on the validation or test set, in the units of the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeriesEvaluation {
    /// Name of the task.
    pub experiment: String,
    /// The predicted column.
    pub target: String,
    /// Name of the split.
    pub split: String,
    /// The scored set: `valid` or `test`.
    #[serde(alias = "part")]
    pub set: String,
    /// First and last predicted time.
    pub span: [DateTime; 2],
    /// Epoch of the weights; none for the mean of several models.
    pub best_epoch: Option<usize>,
    /// Number of windows.
    pub windows: usize,
    /// Fraction of the rows of the data whose value is 0. None for scores of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zeros: Option<f64>,
    /// Steps predicted per window.
    pub horizon: usize,
    /// Scores of the model.
    #[serde(flatten)]
    pub model: Scores,
    /// Scores of the raw model output, transformed and scaled.
    pub scaled: ScaledScores,
    /// Scores of the baselines.
    pub baselines: Vec<BaselineScores>,
    /// `1 - RMSE / RMSE of the best baseline`: negative for a model that loses.
    ///
    /// Null in JSON if the best baseline has no error.
    #[serde(deserialize_with = "or_infinitely_bad")]
    pub skill: f64,
    /// Scores of each step; empty for a single step.
    pub steps: Vec<StepScores>,
    /// Scores of the prediction intervals, if any.
    pub interval: Option<IntervalScores>,
    /// Fraction of the network at each step, if it is added to a linear forecast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fractions: Option<Vec<f64>>,
    /// The scored data.
    pub data: DataSource,
    /// Values in the plot: one step ahead, of the first scored series.
    #[serde(skip)]
    pub(crate) shown: Vec<Prediction>,
}

/// Scores of the raw model output, transformed and scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScaledScores {
    /// Mean squared error.
    pub mse: f64,
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
}

/// Scores of forecasts a number of steps ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepScores {
    /// Steps ahead; 1 is the row after the window.
    pub step: usize,
    /// Scores of the model.
    #[serde(flatten)]
    pub model: Scores,
    /// Scores of the baselines.
    pub baselines: Vec<BaselineScores>,
    /// Skill against the best baseline at this step.
    #[serde(deserialize_with = "or_infinitely_bad")]
    pub skill: f64,
}

/// Fraction of zeros above which other scores are compared.
pub(crate) const MOSTLY: f64 = 0.5;

impl SeriesEvaluation {
    /// Sentences on scores of values that are mostly 0.
    fn about_zeros(&self, zeros: f64) -> String {
        let Self { target, model, baselines, .. } = self;
        let rmsse = |scores: &Scores| scores.rmsse.unwrap_or(f64::INFINITY);
        let best = baselines
            .iter()
            .min_by(|one, other| rmsse(&one.scores).total_cmp(&rmsse(&other.scores)))
            .map_or_else(String::new, |best| {
                format!(", best baseline `{}` {}", best.name, multiple(best.scores.rmsse))
            });
        let bias = model.bias.map_or_else(|| "-".to_owned(), number);
        format!(
            "{:.0}% of the values of `{target}` are 0. MAE, MASE and sMAPE then favour a forecast \
             of 0; compare RMSSE: model {}{best}.\nBias (mean of forecast minus value): {bias}.",
            100.0 * zeros,
            multiple(model.rmsse)
        )
    }

    /// Name of the scored set, for texts.
    pub(crate) fn set_name(&self) -> &'static str {
        if self.set == "valid" { "validation" } else { "test" }
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
        let set = self.set_name();
        let what = if self.horizon == 1 { "values" } else { "windows" };
        writeln!(
            f,
            "{experiment}{epoch}, {windows} {set} {what} of `{target}` of {data}, {first} to \
             {last}, split `{split}`"
        )?;
        let first = match self.horizon {
            1 => either("forecast", "预测方法"),
            _ => either("all steps", "全部步数"),
        };
        let others = baselines.iter().map(|one| (one.name.clone(), &one.scores));
        let rows = [("model".to_owned(), &self.model)].into_iter().chain(others);
        writeln!(f, "{}", Scores::table(first, rows))?;
        let units = either("RMSE and MAE are in the units of", "均方根误差与平均绝对误差的单位同");
        let terms = either(" (terms: docs/forecasting.md).", "（术语：docs/forecasting.md）。");
        writeln!(f, "{units} `{target}`{terms}")?;
        let ScaledScores { mse, rmse, mae } = self.scaled;
        let [mse, rmse, mae] = [mse, rmse, mae].map(number);
        writeln!(f, "In scaled units: MSE {mse}, RMSE {rmse}, MAE {mae}.")?;
        if let Some(zeros) = self.zeros.filter(|zeros| *zeros > MOSTLY) {
            writeln!(f, "{}", self.about_zeros(zeros))?;
        }
        if !self.steps.is_empty() {
            let name =
                |step: &StepScores| format!("{}, skill {:+.1}%", step.step, 100.0 * step.skill);
            let rows = self.steps.iter().map(|step| (name(step), &step.model));
            writeln!(f, "{}", Scores::table(either("steps ahead", "提前步数"), rows))?;
        }
        if let Some(interval) = &self.interval {
            interval.describe(f, set, [*windows, self.horizon])?;
        }
        if let Some(fractions) = &self.fractions {
            writeln!(f, "{}", fraction_note(fractions))?;
        }
        if set == "validation" {
            writeln!(
                f,
                "These scores are optimistic: the validation set also chose the weights and \
                 stopped the training. The test set was not scored."
            )?;
        }
        f.write_str(&verdict("The model", self.skill, baselines))
    }
}

/// A sentence on the fraction of the network at each step.
fn fraction_note(fractions: &[f64]) -> String {
    let [least, most] = fractions.iter().fold([1.0, 0.0], |[least, most], fraction| {
        [f64::min(least, *fraction), f64::max(most, *fraction)]
    });
    let start = "Fraction of the network that is added to the linear forecast:";
    match (100.0 * least, 100.0 * most) {
        (_, 0.0) => format!("{start} 0%, since it does not help on the validation set."),
        (least, most) if least == most => format!("{start} {most:.0}%."),
        (least, most) => format!("{start} {least:.0}% to {most:.0}%, by step."),
    }
}
