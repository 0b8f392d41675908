//! Compares a model with its baselines.

use serde::{Deserialize, Deserializer, Serialize};

use super::scores::Scores;

/// [`Scores`] of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineScores {
    /// Name of the baseline.
    pub name: String,
    /// Scores of the baseline.
    #[serde(flatten)]
    pub scores: Scores,
}

/// `1 - RMSE / RMSE of the best baseline`.
pub(crate) fn skill(model: &Scores, baselines: &[BaselineScores]) -> f64 {
    let best = baselines.iter().map(|baseline| baseline.scores.rmse).fold(f64::INFINITY, f64::min);
    // If both are 0, the skill is 0.
    if model.rmse == best { 0.0 } else { 1.0 - model.rmse / best }
}

/// Reads null as negative infinity, which JSON cannot represent.
pub(crate) fn or_infinitely_bad<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NEG_INFINITY))
}

/// The baseline with the smallest RMSE.
pub(crate) fn best(baselines: &[BaselineScores]) -> Option<&BaselineScores> {
    baselines.iter().min_by(|one, other| one.scores.rmse.total_cmp(&other.scores.rmse))
}

/// Skills closer to 0 than this count as a tie.
const TIE: f64 = 0.001;

/// A sentence on a skill; `model` is its subject, such as `The model`.
pub(crate) fn verdict(model: &str, skill: f64, baselines: &[BaselineScores]) -> String {
    let Some(BaselineScores { name, .. }) = best(baselines) else { return String::new() };
    let (percent, times) = (100.0 * skill.abs(), 1.0 - skill);
    let loses = format!("{model} loses to a baseline:");
    match skill {
        _ if skill.abs() < TIE => format!(
            "{model} is no better than the baseline `{name}`: their RMSE differs by less than \
             0.1%."
        ),
        _ if skill > 0.0 => format!(
            "{model} beats every baseline: its RMSE is {percent:.1}% below that of `{name}`, the \
             best one."
        ),
        _ if skill > -0.5 => format!("{loses} its RMSE is {percent:.1}% above that of `{name}`."),
        f64::NEG_INFINITY => format!("{loses} `{name}` has no error here."),
        _ if times > 100.0 => {
            format!("{loses} its RMSE is more than 100 times that of `{name}`.")
        }
        _ => format!("{loses} its RMSE is {times:.2} times that of `{name}`."),
    }
}
