//! The forecast on one scale.

use serde::{Deserialize, Serialize};

use super::{
    effects::Effects,
    inputs::Inputs,
    iterated::Iterated,
    smoothing::{Smoothing, TRENDS},
};

/// Smallest forecast of positive values, as a fraction of the smallest of them.
pub(super) const SMALLEST: f64 = 0.01;

/// A scale of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scale {
    /// Values as they are.
    Natural,
    /// Logarithms of the values.
    Logarithmic,
}

/// The range of values that are known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    pub(super) min: f64,
    pub(super) max: f64,
    further: f64,
    /// Whether forecasts must have a logarithm.
    for_logarithm: bool,
}

/// The units of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Units {
    /// Deviation of the values.
    pub(super) deviation: f64,
    /// Smallest value that a logarithm is taken of.
    pub(super) smallest: f64,
}

/// The forecast on a scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) scale: Scale,
    pub(super) units: Units,
    pub(super) inputs: Inputs,
    /// Fraction of each step's forecast, `[horizon]`.
    pub(super) shares: Vec<f64>,
    /// Fits on the rows before each fold, and on all rows before the test set.
    pub(super) fits: Vec<Fit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fit {
    /// Effects of the columns that are known in the future.
    #[serde(default, skip_serializing_if = "Effects::is_empty")]
    pub(super) effects: Effects,
    pub(super) smoothing: Vec<Smoothing>,
    pub(super) steps: Vec<Step>,
    /// Autoregressions that are part of the forecasts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) iterated: Vec<Iterated>,
}

/// Weights of a step: a constant, the smoothed forecast, the mean of smoothed inputs, each input.
pub(super) type Step = Vec<f32>;

impl Scale {
    pub(super) fn forward(self, value: f64, units: Units) -> f64 {
        match self {
            Self::Natural => value / units.deviation,
            Self::Logarithmic => value.max(units.smallest).ln(),
        }
    }

    /// Inverts [`forward`](Self::forward); `largest` is the largest logarithm.
    pub(super) fn natural(self, value: f64, units: Units, largest: f64) -> f64 {
        match self {
            Self::Natural => value * units.deviation,
            Self::Logarithmic => value.min(largest).exp(),
        }
    }
}

impl Range {
    /// The range of values; `further` is how far forecasts may leave it, in parts of it.
    pub(super) fn new(values: &[f64], further: f64, for_logarithm: bool) -> Self {
        let mut range = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, further, for_logarithm };
        values.iter().for_each(|value| range.extend(*value));
        range
    }

    pub(super) fn extend(&mut self, value: f64) {
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
    }

    /// The smallest and the largest forecast.
    pub(super) fn bounds(self) -> [f64; 2] {
        let reach = (self.max - self.min) * self.further;
        let least = match self.min {
            min if min > 0.0 && self.for_logarithm => SMALLEST * min,
            0.0 => 0.0,
            min => min - reach,
        };
        [least, self.max + reach]
    }

    /// The logarithm of the largest forecast.
    pub(super) fn largest(self) -> f64 {
        match self.min > 0.0 {
            true => self.max.ln() + (self.max / self.min).ln().max(0.1) * self.further,
            false => self.bounds()[1].max(f64::MIN_POSITIVE).ln(),
        }
    }

    pub(super) fn is_valid(self) -> bool {
        let are_finite = [self.min, self.max, self.further].iter().all(|one| one.is_finite());
        are_finite && self.min <= self.max && self.further >= 0.0
    }
}

impl Fit {
    pub(super) fn is_valid(&self, horizon: usize, inputs: &Inputs) -> bool {
        let counts = [3, 3 + inputs.count()];
        let is_step = |step: &Step| {
            counts.contains(&step.len()) && step.iter().all(|weight| weight.is_finite())
        };
        self.effects.is_valid(inputs.future)
            && self.smoothing.len() == TRENDS.len()
            && self.smoothing.iter().all(|one| one.is_valid(inputs.seasons.len()))
            && self.steps.len() == horizon
            && self.steps.iter().all(is_step)
            && self.iterated.iter().all(|one| one.is_valid(horizon, &inputs.seasons))
    }
}
