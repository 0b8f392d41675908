use std::{fmt, str::FromStr};

use crate::text::serde_as_text;

/// The form in which the model predicts the target. Each is scaled by a [`Scaler`](crate::Scaler)
/// that is fitted on the training set, and is inverted exactly.
///
/// Features that are columns take the same form: `minmax` and `standard` scale the column,
/// `difference` and `residual` take its change from the row before, `log-return` and
/// `log-residual` the logarithm of its ratio to the row before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// The value, scaled to [0, 1].
    MinMax,
    /// The value, scaled to mean 0 and deviation 1.
    Standard,
    /// The change from the value before.
    Difference,
    /// The logarithm of the ratio to the value before.
    LogReturn,
    /// The difference to a naive forecast, scaled around 0: a model that says 0 is that forecast.
    Residual,
    /// The logarithm of the ratio to a naive forecast, likewise.
    LogResidual,
}

const ALL: [(&str, Transform); 6] = [
    ("minmax", Transform::MinMax),
    ("standard", Transform::Standard),
    ("difference", Transform::Difference),
    ("log-return", Transform::LogReturn),
    ("residual", Transform::Residual),
    ("log-residual", Transform::LogResidual),
];

impl Transform {
    /// Whether it takes logarithms.
    pub fn is_logarithmic(self) -> bool {
        matches!(self, Self::LogReturn | Self::LogResidual)
    }

    /// Whether a model that predicts 0 repeats the naive forecast.
    pub fn is_residual(self) -> bool {
        matches!(self, Self::Residual | Self::LogResidual)
    }

    /// Whether columns take the form of changes.
    pub(super) fn is_relative(self) -> bool {
        !matches!(self, Self::MinMax | Self::Standard)
    }
}

serde_as_text!(Transform);

impl FromStr for Transform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ALL.iter().find(|(name, _)| *name == text).map(|(_, transform)| *transform);
        known.ok_or_else(|| {
            format!("expected {}, got `{text}`", ALL.map(|(name, _)| name).join(", "))
        })
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            ALL.iter().find(|(_, transform)| transform == self).map_or("", |(name, _)| name),
        )
    }
}
