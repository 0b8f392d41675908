//! A model beside its baselines.

use serde::{Deserialize, Deserializer, Serialize};

use super::scores::Scores;

/// [`Scores`] of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineScores {
    /// Its name.
    pub name: String,
    /// Its scores.
    #[serde(flatten)]
    pub scores: Scores,
}

/// How far an RMSE is below the best of the baselines, as a fraction of it.
pub(crate) fn skill(model: &Scores, baselines: &[BaselineScores]) -> f64 {
    let best = baselines.iter().map(|baseline| baseline.scores.rmse).fold(f64::INFINITY, f64::min);
    // Two that are never wrong are the same.
    if model.rmse == best { 0.0 } else { 1.0 - model.rmse / best }
}

/// JSON has no infinity: what is written as null was one.
pub(crate) fn or_infinitely_bad<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NEG_INFINITY))
}

/// The baseline with the smallest RMSE.
pub(crate) fn best(baselines: &[BaselineScores]) -> Option<&BaselineScores> {
    baselines.iter().min_by(|one, other| one.scores.rmse.total_cmp(&other.scores.rmse))
}

/// Skills nearer to 0 than this are no difference.
const TIE: f64 = 0.001;

/// The skill of a model in words.
pub(crate) fn verdict(skill: f64, baselines: &[BaselineScores]) -> String {
    const LOSES: &str = "The model loses to a forecast that needs none:";
    let Some(BaselineScores { name, .. }) = best(baselines) else { return String::new() };
    let (percent, times) = (100.0 * skill.abs(), 1.0 - skill);
    match skill {
        _ if skill.abs() < TIE => format!(
            "The model is no better than `{name}`, a forecast that needs none: their RMSE is the \
             same within 0.1%."
        ),
        _ if skill > 0.0 => format!(
            "The model beats every baseline: its RMSE is {percent:.1}% below that of `{name}`, the \
             best of them."
        ),
        _ if skill > -0.5 => format!("{LOSES} its RMSE is {percent:.1}% above that of `{name}`."),
        f64::NEG_INFINITY => format!("{LOSES} `{name}` is never wrong here."),
        _ => format!("{LOSES} its RMSE is {times:.2} times that of `{name}`."),
    }
}
