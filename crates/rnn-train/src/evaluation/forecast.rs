//! Forecasts of future rows.

use jiff::civil::DateTime;
use serde::Serialize;

/// A forecast of the rows after the last row of a series.
#[derive(Debug, Serialize)]
pub struct Forecast {
    /// Name of the series.
    pub series: String,
    /// Last known time.
    pub known_until: DateTime,
    /// The forecast values in order of time.
    pub values: Vec<ForecastValue>,
    /// The last known values, for the plot.
    #[serde(skip)]
    pub(crate) history: Vec<(DateTime, f64)>,
}

/// One value of a [`Forecast`].
#[derive(Debug, Serialize)]
pub struct ForecastValue {
    /// Time of the row.
    pub time: DateTime,
    /// Forecast, in the units of the target.
    pub value: f64,
    /// Lower bound of the prediction interval, if there is one.
    pub lower: Option<f64>,
    /// Upper bound of the prediction interval.
    pub upper: Option<f64>,
    /// All quantiles, rising; empty for intervals without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
}
