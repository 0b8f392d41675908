//! Regularizers and constraints of weights.

use burn::{config::Config, tensor::Tensor};

/// Keras's epsilon in [`Constraint::MaxNorm`].
const EPSILON: f64 = 1e-7;

/// A penalty on large weights: `l1 * sum(|w|) + l2 * sum(w^2)` (Keras `L1L2`).
#[derive(Config, Debug, Copy, PartialEq)]
pub struct Regularizer {
    /// Factor of the sum of absolute values.
    #[config(default = 0.0)]
    pub l1: f64,
    /// Factor of the sum of squares.
    #[config(default = 0.0)]
    pub l2: f64,
}

/// A constraint that weights satisfy after each step of the optimizer (Keras `constraints`).
#[derive(Config, Debug, Copy, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// Each column (the weights into one unit of a gate) has at most this Euclidean norm (Keras
    /// `MaxNorm`, axis 0).
    MaxNorm {
        /// The largest norm.
        max_value: f64,
    },
    /// No weight is below zero (Keras `NonNeg`).
    NonNeg,
}

/// One option for each kind of weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByWeight<T> {
    pub(crate) kernel: Option<T>,
    pub(crate) recurrent_kernel: Option<T>,
    pub(crate) bias: Option<T>,
}

impl<T> Default for ByWeight<T> {
    fn default() -> Self {
        Self { kernel: None, recurrent_kernel: None, bias: None }
    }
}

impl<T: Copy> ByWeight<T> {
    /// Options that are set, each with the prefix of its field's name in a configuration.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, T)> {
        let all =
            [("kernel", self.kernel), ("recurrent", self.recurrent_kernel), ("bias", self.bias)];
        all.into_iter().filter_map(|(name, option)| Some((name, option?)))
    }
}

impl Regularizer {
    /// # Panics
    ///
    /// Panics if a factor is negative or not finite. `field` is the name in the message.
    pub(crate) fn check(&self, field: &str) {
        for (name, factor) in [("l1", self.l1), ("l2", self.l2)] {
            assert!(
                factor.is_finite() && factor >= 0.0,
                "{field}: {name} is {factor} (expected a finite factor of at least 0)"
            );
        }
    }

    /// Penalty, `[1]`; add it to the loss.
    pub fn penalty<const D: usize>(&self, weights: Tensor<D>) -> Tensor<1> {
        let absolute = (self.l1 != 0.0).then(|| weights.clone().abs().sum() * self.l1);
        let square = (self.l2 != 0.0).then(|| weights.clone().square().sum() * self.l2);
        match (absolute, square) {
            (Some(absolute), Some(square)) => absolute + square,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Tensor::zeros([1], (&weights.device(), weights.dtype())),
        }
    }
}

impl Constraint {
    /// # Panics
    ///
    /// Panics if the largest norm is not positive and finite. `field` is the name in the message.
    pub(crate) fn check(&self, field: &str) {
        if let Self::MaxNorm { max_value } = *self {
            assert!(
                max_value.is_finite() && max_value > 0.0,
                "{field}: max_value is {max_value} (expected a finite norm above 0)"
            );
        }
    }

    /// Returns the weights with the constraint applied.
    pub fn apply<const D: usize>(&self, weights: Tensor<D>) -> Tensor<D> {
        match *self {
            Self::NonNeg => weights.clamp_min(0.0),
            Self::MaxNorm { max_value } => {
                let norm = weights.clone().square().sum_dim(0).sqrt();
                weights * (norm.clone().clamp(0.0, max_value) / (norm + EPSILON))
            }
        }
    }
}
