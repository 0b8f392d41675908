use serde::{Deserialize, Serialize};

use crate::{DataError, LinearForecast};

/// A linear scaler of a series.
///
/// Fit it on the training set only: a scaler fitted on the test set leaks the range of that set.
///
/// # Examples
///
/// ```
/// use rnn_data::Scaler;
///
/// let scaler = Scaler::min_max([10.0, 20.0, 15.0], "open").unwrap();
/// assert_eq!(scaler.transform(15.0), 0.5);
/// assert_eq!(scaler.inverse_transform(2.0), 30.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaler {
    /// Scales to [0, 1], as scikit-learn's `MinMaxScaler` with its default range.
    MinMax {
        /// Smallest training value.
        min: f64,
        /// Largest training value.
        max: f64,
    },
    /// Scales to mean 0 and standard deviation 1, as scikit-learn's `StandardScaler`.
    Standard {
        /// Mean of the training values.
        mean: f64,
        /// Population standard deviation of the training values.
        deviation: f64,
    },
    /// Returns values unchanged.
    Identity,
}

/// What is fitted on a series before training: scalers, and the linear forecast if there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scalers {
    /// Scaler of each input feature, `[width]`.
    pub inputs: Vec<Scaler>,
    /// Scaler of the target.
    pub target: Scaler,
    /// Linear forecast that a residual is relative to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<LinearForecast>,
}

impl Scaler {
    /// Fits a [`MinMax`](Self::MinMax) scaler; `context` names the values in the error.
    ///
    /// # Errors
    ///
    /// [`DataError::ZeroRange`] if all values are equal or there are none.
    pub fn min_max(
        values: impl IntoIterator<Item = f64>,
        context: &str,
    ) -> Result<Self, DataError> {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (min, max) =
            values.into_iter().fold(start, |(min, max), value| (min.min(value), max.max(value)));
        if min < max {
            Ok(Self::MinMax { min, max })
        } else {
            Err(DataError::ZeroRange { context: context.to_owned(), value: min })
        }
    }

    /// Fits a [`Standard`](Self::Standard) scaler; `context` names the values in the error.
    ///
    /// # Errors
    ///
    /// [`DataError::ZeroRange`] if all values are equal or there are none.
    pub fn standard(
        values: impl Iterator<Item = f64> + Clone,
        context: &str,
    ) -> Result<Self, DataError> {
        let count = values.clone().count().max(1) as f64;
        Self::standard_around(values.clone().sum::<f64>() / count, values, context)
    }

    /// Like [`standard`](Self::standard), with deviations from a given centre instead of the mean.
    ///
    /// # Errors
    ///
    /// [`DataError::ZeroRange`] if all values equal the centre or there are none.
    pub fn standard_around(
        centre: f64,
        values: impl Iterator<Item = f64> + Clone,
        context: &str,
    ) -> Result<Self, DataError> {
        let count = values.clone().count().max(1) as f64;
        let deviation =
            (values.map(|value| (value - centre) * (value - centre)).sum::<f64>() / count).sqrt();
        // Rounding alone makes a constant series vary by this much.
        if deviation > 1e-12 * centre.abs() && deviation > 0.0 {
            Ok(Self::Standard { mean: centre, deviation })
        } else {
            Err(DataError::ZeroRange { context: context.to_owned(), value: centre })
        }
    }

    /// Returns whether the scaler can be inverted: its numbers are finite and its range is above 0.
    pub fn is_valid(self) -> bool {
        let (start, range) = match self {
            Self::MinMax { min, max } => (min, max - min),
            Self::Standard { mean, deviation } => (mean, deviation),
            Self::Identity => (0.0, 1.0),
        };
        start.is_finite() && range.is_finite() && range > 0.0
    }

    /// Scales a value.
    pub fn transform(&self, value: f64) -> f64 {
        match *self {
            Self::MinMax { min, max } => (value - min) / (max - min),
            Self::Standard { mean, deviation } => (value - mean) / deviation,
            Self::Identity => value,
        }
    }

    /// Inverts [`transform`](Self::transform).
    pub fn inverse_transform(&self, scaled: f64) -> f64 {
        match *self {
            Self::MinMax { min, max } => scaled * (max - min) + min,
            Self::Standard { mean, deviation } => scaled * deviation + mean,
            Self::Identity => scaled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalers_equal_those_of_scikit_learn() {
        let values = [1.0, 2.0, 3.0, 6.0];
        assert_eq!(Scaler::min_max(values, "x").unwrap(), Scaler::MinMax { min: 1.0, max: 6.0 });
        assert_eq!(
            Scaler::standard(values.into_iter(), "x").unwrap(),
            Scaler::Standard { mean: 3.0, deviation: 3.5f64.sqrt() }
        );
        assert_eq!(
            Scaler::standard_around(0.0, [3.0, -4.0].into_iter(), "x").unwrap(),
            Scaler::Standard { mean: 0.0, deviation: 12.5f64.sqrt() }
        );
    }

    #[test]
    fn a_constant_series_cannot_be_scaled() {
        for constant in [0.1, 0.0, -7.0] {
            assert!(Scaler::min_max([constant; 3], "x").is_err());
            assert!(Scaler::standard([constant; 3].into_iter(), "x").is_err(), "{constant}");
        }
        assert!(Scaler::standard([].into_iter(), "x").is_err());
    }
}
