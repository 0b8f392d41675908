use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Method of filling missing values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// No filling: missing values are an error.
    #[default]
    None,
    /// Repeats the last known value.
    Forward,
    /// Interpolates linearly by row. Filled values depend on later ones, so backtests of such data
    /// are optimistic.
    Linear,
}

impl Fill {
    /// Fills the `NaN`s of a column; those without the needed neighbours stay `NaN`.
    pub(super) fn apply(self, values: &mut [f64]) {
        let known: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_nan()).collect();
        let Some(&last) = known.last() else { return };
        for pair in known.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let (start, end) = (values[from], values[to]);
            for (step, value) in values[from..to].iter_mut().enumerate().skip(1) {
                *value = match self {
                    Self::None => f64::NAN,
                    Self::Forward => start,
                    Self::Linear => start + (end - start) * step as f64 / (to - from) as f64,
                };
            }
        }
        if self == Self::Forward {
            let value = values[last];
            values[last..].fill(value);
        }
    }
}

impl FromStr for Fill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "forward" => Ok(Self::Forward),
            "linear" => Ok(Self::Linear),
            _ => Err(format!("expected none, forward or linear, got `{text}`")),
        }
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Forward => "forward",
            Self::Linear => "linear",
        })
    }
}
