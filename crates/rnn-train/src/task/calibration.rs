//! How many forecasts prediction intervals need.

use crate::error::Error;

/// Forecasts that intervals of a level come from at least: theirs is the error whose rank is that
/// share of one more than there are.
pub(super) fn needed(level: f64) -> usize {
    let near = (level / (1.0 - level)).floor() as usize;
    (near.max(1)..)
        .find(|count| ((count + 1) as f64 * level).ceil() as usize <= *count)
        .unwrap_or(near)
}

pub(super) fn too_few(level: f64, steps: usize, count: usize) -> Error {
    let (needed, plural) = (needed(level), if steps == 1 { "" } else { "s" });
    Error::Usage(format!(
        "intervals of {level} need at least {needed} forecasts of {steps} step{plural} in the \
         validation part, which has {count}; use a larger \
         --valid, a smaller --interval or fewer steps"
    ))
}
