//! What wrappers need of the recurrent layers and of their configurations.

use burn::{
    config::Config,
    tensor::{Device, Tensor},
};

use super::sequences::Sequences;

/// A layer that carries a state from step to step: what [`Bidirectional`](crate::Bidirectional),
/// [`Stack`](crate::Stack) and [`Stateful`](crate::Stateful) need of one.
pub trait RecurrentLayer {
    /// What is carried, `[B, H]` a tensor.
    type State: Clone;

    /// Runs the layer: all hidden states, and the state after the last step.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - output: `[B, T, H]`, and `[B, H]` a tensor of the state
    ///
    /// # Panics
    ///
    /// When the shapes disagree; the message says which.
    fn run(&self, input: Sequences, initial: Option<Self::State>) -> (Tensor<3>, Self::State);

    /// The hidden state of a state, `[B, H]`.
    fn hidden(state: &Self::State) -> Tensor<2>;

    /// The state as a constant: no gradient goes through it.
    fn detached(state: Self::State) -> Self::State;

    /// Whether the layer runs backwards in time, so that its outputs are not in the order of its
    /// inputs.
    fn goes_backwards(&self) -> bool;

    /// The penalty of the regularizers, `[1]`; add it to the loss. None without a regularizer.
    fn penalty(&self) -> Option<Tensor<1>>;

    /// The layer with its weights within their constraints; call it after each step of the
    /// optimizer.
    #[must_use]
    fn constrained(self) -> Self;
}

/// The sum of some layers' penalties.
pub(crate) fn sum_of_penalties<'a, L: RecurrentLayer + 'a>(
    layers: impl IntoIterator<Item = &'a L>,
) -> Option<Tensor<1>> {
    layers.into_iter().filter_map(L::penalty).reduce(|sum, penalty| sum + penalty)
}

/// Refuses layers that go backwards, which `op` cannot be made of for some reason.
///
/// # Panics
///
/// When there is one.
pub(crate) fn refuse_backwards<'a, L: RecurrentLayer + 'a>(
    op: &str,
    reason: &str,
    layers: impl IntoIterator<Item = &'a L>,
) {
    if let Some(index) = layers.into_iter().position(L::goes_backwards) {
        panic!(
            "{op}: layer {index} was made with go_backwards, expected layers without it: {reason}"
        );
    }
}

/// Refuses a size of zero; `owner` is the configuration it is a field of.
///
/// # Panics
///
/// When the size is zero.
pub(crate) fn at_least_one(owner: &str, field: &str, size: usize) {
    assert!(size > 0, "{owner}: {field} is 0, expected at least 1");
}

/// The configuration of a layer of which several are made.
pub trait RecurrentLayerConfig: Config + Clone {
    /// The layer.
    type Layer: RecurrentLayer;

    /// Creates the layer for inputs of some number of features.
    ///
    /// # Panics
    ///
    /// When a field of the configuration makes no sense; the message names it.
    fn layer(&self, input_size: usize, device: &Device) -> Self::Layer;

    /// Number of input features of the first layer.
    fn input_size(&self) -> usize;

    /// Number of hidden units.
    fn units(&self) -> usize;
}
