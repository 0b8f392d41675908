use std::{fmt, str::FromStr};

use crate::text::serde_as_text;

/// Transform of the target before training; it is inverted exactly.
///
/// Each is scaled by a [`Scaler`](crate::Scaler) that is fitted on the training set.
///
/// Features that are columns are transformed, too. `minmax` and `standard` scale the column.
/// `difference` and `residual` take its change from the row before; `log-return` and `log-residual`
/// take the logarithm of its ratio to the row before. `asinh-residual` takes the change of its
/// inverse hyperbolic sine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Value, scaled to [0, 1].
    MinMax,
    /// Value, scaled to mean 0 and standard deviation 1.
    Standard,
    /// Change from the value before.
    Difference,
    /// Logarithm of the ratio to the value before.
    LogReturn,
    /// Difference from a naive forecast, scaled around 0: a prediction of 0 is that forecast.
    Residual,
    /// Logarithm of the ratio to a naive forecast, scaled around 0.
    LogResidual,
    /// Difference of the inverse hyperbolic sines of a value and a naive forecast, scaled around 0.
    ///
    /// It is like the logarithm of a ratio for values above 3, and also takes 0 and negative
    /// numbers. See Burbidge, Magee and Robb, "Alternative transformations to handle extreme values
    /// of the dependent variable", Journal of the American Statistical Association 83, 1988.
    AsinhResidual,
}

const ALL: [(&str, Transform); 7] = [
    ("minmax", Transform::MinMax),
    ("standard", Transform::Standard),
    ("difference", Transform::Difference),
    ("log-return", Transform::LogReturn),
    ("residual", Transform::Residual),
    ("log-residual", Transform::LogResidual),
    ("asinh-residual", Transform::AsinhResidual),
];

impl Transform {
    /// Returns whether the transform takes logarithms.
    pub fn is_logarithmic(self) -> bool {
        matches!(self, Self::LogReturn | Self::LogResidual)
    }

    /// Returns whether a prediction of 0 is the naive forecast.
    pub fn is_residual(self) -> bool {
        matches!(self, Self::Residual | Self::LogResidual | Self::AsinhResidual)
    }

    /// Returns whether columns are transformed to changes.
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
