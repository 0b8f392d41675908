//! Scores of a trained model, beside forecasts that need none.

mod baselines;
mod conformal;
mod intervals;
mod predictions;
mod report;
mod scores;
mod skill;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use baselines::Baselines;
pub(crate) use conformal::{Calibration, Conformal, spreads};
pub(crate) use intervals::{IntervalMethod, IntervalScores, QuantileErrors};
pub(crate) use predictions::{FoldPrediction, PREDICTIONS, Prediction, PredictionRows};
pub(crate) use report::{Evaluation, LettersEvaluation, ScaledScores, SeriesEvaluation, StepScores};
pub(crate) use scores::{Errors, Scores, Yardstick};
pub(crate) use skill::{BaselineScores, best, skill, verdict};
