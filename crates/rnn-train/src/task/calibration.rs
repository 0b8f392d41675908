//! The number of forecasts that prediction intervals need.

use crate::error::Error;

/// Minimum number of forecasts for intervals of a level.
///
/// The half width is the error with rank `ceil((count + 1) * level)`, which must not exceed
/// `count`.
pub(super) fn needed(level: f64) -> usize {
    let near = (level / (1.0 - level)).floor() as usize;
    (near.max(1)..)
        .find(|count| ((count + 1) as f64 * level).ceil() as usize <= *count)
        .unwrap_or(near)
}

pub(super) fn too_few(level: f64, steps: usize, count: usize) -> Error {
    let (needed, plural) = (needed(level), if steps == 1 { "" } else { "s" });
    Error::Usage(format!(
        "interval level {level}: needs at least {needed} forecasts of {steps} step{plural} in the \
         validation set, which has {count} (use a larger --valid, a smaller --interval or fewer \
         steps)"
    ))
}
