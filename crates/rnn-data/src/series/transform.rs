use std::{fmt, str::FromStr};

use super::{Naive, Series};

/// In which form the model predicts the target. Each is scaled by a [`Scaler`](crate::Scaler) that is fitted on the training part, and is inverted
/// exactly.
///
/// Features that are columns take the same form: `minmax` and `standard` scale the column, `difference` and `residual` take its change from the row
/// before, `log-return` and `log-residual` the logarithm of its ratio to the row before.
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

    /// The value of the target in row `origin + step` in this form, before scaling.
    pub(super) fn forward(self, series: &Series, origin: usize, step: usize) -> f64 {
        let value = series.target[origin + step];
        match self {
            Self::MinMax | Self::Standard => value,
            Self::Difference => value - series.target[origin + step - 1],
            Self::LogReturn => (value / series.target[origin + step - 1]).ln(),
            Self::Residual => value - series.config.naive.forecast(series, origin, step),
            Self::LogResidual => (value / series.config.naive.forecast(series, origin, step)).ln(),
        }
    }

    /// Undoes [`forward`](Self::forward), before which the value in row `origin + step - 1` is `before`.
    pub(super) fn inverse(self, series: &Series, origin: usize, step: usize, formed: f64, before: f64) -> f64 {
        match self {
            Self::MinMax | Self::Standard => formed,
            Self::Difference => before + formed,
            Self::LogReturn => before * formed.exp(),
            Self::Residual => series.config.naive.forecast(series, origin, step) + formed,
            Self::LogResidual => series.config.naive.forecast(series, origin, step) * formed.exp(),
        }
    }
}

impl Series {
    /// What the model is to predict `step` rows after `origin`: transformed and scaled.
    pub fn scaled(&self, origin: usize, step: usize) -> f64 {
        self.scalers.target.transform(self.config.transform.forward(self, origin, step))
    }

    /// How far the value of a row was from its naive forecast: that of the residual transforms, else the last value. A logarithm of the ratio where the
    /// transform takes logarithms, a difference elsewhere.
    ///
    /// # Panics
    ///
    /// In the first row.
    pub fn surprise(&self, row: usize) -> f64 {
        let transform = self.config.transform;
        let naive = if transform.is_residual() { self.config.naive } else { Naive::LastValue };
        let (value, forecast) = (self.target[row], naive.forecast(self, row, 0));
        if transform.is_logarithmic() { (value / forecast).ln() } else { value - forecast }
    }

    /// Undoes [`scaled`](Self::scaled) for predictions of the rows from `origin` on: values in the file's units.
    pub fn unscaled(&self, origin: usize, scaled: &[f64]) -> Vec<f64> {
        let mut before = self.target[origin - 1];
        let unscale = |(step, &scaled): (usize, &f64)| {
            before = self.config.transform.inverse(self, origin, step, self.scalers.target.inverse_transform(scaled), before);
            before
        };
        scaled.iter().enumerate().map(unscale).collect()
    }
}

impl FromStr for Transform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ALL.iter().find(|(name, _)| *name == text).map(|(_, transform)| *transform);
        known.ok_or_else(|| format!("expected {}, got `{text}`", ALL.map(|(name, _)| name).join(", ")))
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALL.iter().find(|(_, transform)| transform == self).map_or("", |(name, _)| name))
    }
}
