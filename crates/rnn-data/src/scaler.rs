use serde::{Deserialize, Serialize};

use crate::DataError;

/// Min-max scaling of a series to [0, 1], as scikit-learn's `MinMaxScaler` with its default range.
///
/// Fit it on the training part only: a scaler that has seen the test part leaks its range.
///
/// # Examples
///
/// ```
/// use rnn_data::MinMaxScaler;
///
/// let scaler = MinMaxScaler::fit(&[10.0, 20.0, 15.0], "open").unwrap();
/// assert_eq!(scaler.transform(15.0), 0.5);
/// assert_eq!(scaler.inverse_transform(2.0), 30.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MinMaxScaler {
    /// Smallest training value.
    pub min: f64,
    /// Largest training value.
    pub max: f64,
}

impl MinMaxScaler {
    /// Takes the range of the training values; `context` names them in the error.
    ///
    /// # Errors
    ///
    /// [`DataError::ZeroRange`] when all values are equal (or there are none).
    pub fn fit(values: &[f64], context: &str) -> Result<Self, DataError> {
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if min < max { Ok(Self { min, max }) } else { Err(DataError::ZeroRange { context: context.to_owned(), value: min }) }
    }

    /// Scales a value; values outside the training range leave [0, 1].
    pub fn transform(&self, value: f64) -> f64 {
        (value - self.min) / (self.max - self.min)
    }

    /// Undoes [`transform`](Self::transform).
    pub fn inverse_transform(&self, scaled: f64) -> f64 {
        scaled * (self.max - self.min) + self.min
    }
}
