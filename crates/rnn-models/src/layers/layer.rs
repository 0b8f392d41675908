//! Traits of the recurrent layers and their configurations, used by the wrappers.

use burn::{
    config::Config,
    tensor::{Device, Tensor},
};

use super::sequences::Sequences;

/// A layer that carries a state from step to step. [`Bidirectional`](crate::Bidirectional),
/// [`Stack`](crate::Stack) and [`Stateful`](crate::Stateful) are generic over it.
///
/// # Examples
///
/// A penalty on the weights goes into the loss; constraints are applied after the optimizer's step.
///
/// ```
/// use burn::tensor::Device;
/// use rnn_models::{Constraint, LstmConfig, RecurrentLayer, Regularizer};
///
/// let layer = LstmConfig::new(3, 4)
///     .with_kernel_regularizer(Some(Regularizer::new().with_l2(0.01)))
///     .with_recurrent_constraint(Some(Constraint::NonNeg))
///     .init(&Device::flex());
/// assert!(layer.penalty().is_some()); // loss = loss + penalty
/// let layer = layer.constrained();
/// assert!(layer.recurrent_kernel.val().min().into_scalar::<f32>() >= 0.0);
/// ```
pub trait RecurrentLayer {
    /// State carried between steps; each of its tensors is `[B, H]`.
    type State: Clone;

    /// Runs the layer. Returns all hidden states and the state after the last step.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - output: hidden states `[B, T, H]`, and a state with tensors of `[B, H]`
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape; the message names it.
    fn run(&self, input: Sequences, initial: Option<Self::State>) -> (Tensor<3>, Self::State);

    /// Returns the hidden state, `[B, H]`.
    fn hidden(state: &Self::State) -> Tensor<2>;

    /// Returns the state detached from the graph: no gradient flows through it.
    fn detached(state: Self::State) -> Self::State;

    /// Whether the layer reads time backwards, so that its outputs are in reverse order.
    fn goes_backwards(&self) -> bool;

    /// Penalty of the regularizers, `[1]`; add it to the loss. `None` without a regularizer.
    fn penalty(&self) -> Option<Tensor<1>>;

    /// Returns the layer with its constraints applied. Call it after each step of the optimizer.
    #[must_use]
    fn constrained(self) -> Self;
}

/// Sum of the penalties of several layers.
pub(crate) fn sum_of_penalties<'a, L: RecurrentLayer + 'a>(
    layers: impl IntoIterator<Item = &'a L>,
) -> Option<Tensor<1>> {
    layers.into_iter().filter_map(L::penalty).reduce(|sum, penalty| sum + penalty)
}

/// Checks that no layer has `go_backwards` set. `op` and `remedy` go into the message.
///
/// # Panics
///
/// Panics if a layer has it set.
pub(crate) fn refuse_backwards<'a, L: RecurrentLayer + 'a>(
    op: &str,
    remedy: &str,
    layers: impl IntoIterator<Item = &'a L>,
) {
    if let Some(index) = layers.into_iter().position(L::goes_backwards) {
        panic!("{op}: layer {index} has go_backwards set ({remedy})");
    }
}

/// Checks that a size is not zero. `owner` is the configuration that has the field.
///
/// # Panics
///
/// Panics if the size is zero.
pub(crate) fn at_least_one(owner: &str, field: &str, size: usize) {
    assert!(size > 0, "{owner}: {field} is 0 (expected at least 1)");
}

/// Configuration of a recurrent layer, from which a wrapper creates several layers.
pub trait RecurrentLayerConfig: Config + Clone {
    /// The layer it creates.
    type Layer: RecurrentLayer;

    /// Creates the layer on a device, with `input_size` input features.
    ///
    /// # Panics
    ///
    /// Panics if a field of the configuration is invalid; the message names it.
    fn layer(&self, input_size: usize, device: &Device) -> Self::Layer;

    /// Number of input features of the first layer.
    fn input_size(&self) -> usize;

    /// Number of hidden units.
    fn units(&self) -> usize;
}
