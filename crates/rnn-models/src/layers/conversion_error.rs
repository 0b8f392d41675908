use thiserror::Error;

use super::options::LayerOptions;

/// A layer has a setting without a counterpart in the other library.
///
/// # Examples
///
/// ```
/// use burn::{nn, tensor::Device};
/// use rnn_models::Gru;
///
/// let clipped = nn::GruConfig::new(3, 4, true).with_clip(Some(1.0)).init(&Device::flex());
/// let error = Gru::try_from(clipped).unwrap_err();
/// assert!(error.to_string().contains("clip"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{layer} cannot be converted: {reason}")]
pub struct ConversionError {
    pub(super) layer: &'static str,
    pub(super) reason: &'static str,
}

/// Returns an error with the first reason that applies.
pub(super) fn refuse(
    layer: &'static str,
    reasons: &[(bool, &'static str)],
) -> Result<(), ConversionError> {
    match reasons.iter().find(|(applies, _)| *applies) {
        Some(&(_, reason)) => Err(ConversionError { layer, reason }),
        None => Ok(()),
    }
}

/// Returns an error for options that no layer of `burn::nn` has.
pub(super) fn refuse_options(
    layer: &'static str,
    options: &LayerOptions,
) -> Result<(), ConversionError> {
    let reasons = [
        (
            options.go_backwards,
            "`go_backwards` is on (it has no counterpart; flip the input in time instead)",
        ),
        (options.dropout > 0.0, "`dropout` is set (it has no counterpart)"),
        (options.recurrent_dropout > 0.0, "`recurrent_dropout` is set (it has no counterpart)"),
        (
            options.regularizers.named().next().is_some(),
            "a regularizer is set (it has no counterpart)",
        ),
        (
            options.constraints.named().next().is_some(),
            "a constraint is set (it has no counterpart)",
        ),
    ];
    refuse(layer, &reasons)
}
