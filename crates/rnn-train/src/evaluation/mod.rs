//! Scores of trained models and of baselines.

mod adaptive;
mod backtest;
mod baselines;
mod conformal;
mod forecast;
mod intervals;
mod predictions;
mod report;
mod scores;
mod skill;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use adaptive::{Adaptive, CRPS, Known, OutOfFold, Quantiles};
pub(crate) use backtest::{BACKTEST, BacktestReport, FoldRows, join_predictions};
pub(crate) use baselines::Baselines;
pub use conformal::Conformal;
pub(crate) use conformal::{Calibration, spreads};
pub use forecast::{Forecast, ForecastValue};
pub(crate) use intervals::QuantileErrors;
pub use intervals::{IntervalMethod, IntervalScores, QuantileScore};
pub(crate) use predictions::{FoldPrediction, Prediction, PredictionRows};
pub(crate) use report::MOSTLY;
pub use report::{Evaluation, LettersEvaluation, ScaledScores, SeriesEvaluation, StepScores};
pub use scores::Scores;
pub(crate) use scores::{ErrorScale, Errors};
pub use skill::BaselineScores;
pub(crate) use skill::{best, skill, verdict};
