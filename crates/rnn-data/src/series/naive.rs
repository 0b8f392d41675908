use std::{fmt, str::FromStr};

use crate::text::serde_as_text;

/// A naive forecast, without a model.
///
/// As text: `last-value`, `last-close`, `drift`, `linear`, `seasonal:ROWS` or `mean:ROWS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naive {
    /// Last value.
    LastValue,
    /// Last closing price, or last value without closing prices.
    LastClose,
    /// Extrapolation of the line through the first and the last value.
    Drift,
    /// [`LinearForecast`](crate::LinearForecast) from recent values and seasons.
    Linear,
    /// Value one season earlier; the number is the season length in rows.
    Seasonal(usize),
    /// Mean of the last values; the number is their count.
    Mean(usize),
}

serde_as_text!(Naive);

impl FromStr for Naive {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rows = |text: &str| text.parse::<usize>().ok().filter(|rows| *rows > 0);
        let naive = match text.split_once(':') {
            None if text == "last-value" => Some(Self::LastValue),
            None if text == "last-close" => Some(Self::LastClose),
            None if text == "drift" => Some(Self::Drift),
            None if text == "linear" => Some(Self::Linear),
            Some(("seasonal", season)) => rows(season).map(Self::Seasonal),
            Some(("mean", count)) => rows(count).map(Self::Mean),
            _ => None,
        };
        naive.ok_or_else(|| {
            format!(
                "expected last-value, last-close, drift, linear, seasonal:ROWS or mean:ROWS, got \
                 `{text}`"
            )
        })
    }
}

impl fmt::Display for Naive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastValue => f.write_str("last-value"),
            Self::LastClose => f.write_str("last-close"),
            Self::Drift => f.write_str("drift"),
            Self::Linear => f.write_str("linear"),
            Self::Seasonal(season) => write!(f, "seasonal:{season}"),
            Self::Mean(count) => write!(f, "mean:{count}"),
        }
    }
}
