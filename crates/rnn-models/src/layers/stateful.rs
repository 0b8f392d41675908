use burn::tensor::Tensor;

use super::{layer::RecurrentLayer, sequences::Sequences};

/// A layer that keeps its state from batch to batch (Keras `stateful=True`).
///
/// Row `b` of a batch continues row `b` of the previous batch. No gradient flows from one batch to
/// another.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{GruConfig, Stateful};
///
/// let device = Device::flex();
/// let mut layer = Stateful::new(GruConfig::new(1, 4).init(&device));
/// let batch = Tensor::<3>::ones([2, 3, 1], &device);
/// let (first, _) = layer.forward(batch.clone());
/// let (second, _) = layer.forward(batch.clone());
/// assert_ne!(first.to_data(), second.to_data());
/// layer.reset();
/// assert_eq!(first.to_data(), layer.forward(batch).0.to_data());
/// ```
#[derive(Debug, Clone)]
pub struct Stateful<L: RecurrentLayer> {
    /// The layer.
    pub layer: L,
    state: Option<L::State>,
}

impl<L: RecurrentLayer> Stateful<L> {
    /// Wraps a layer; the first batch starts from zero states.
    pub fn new(layer: L) -> Self {
        Self { layer, state: None }
    }

    /// Runs the layer. Returns the hidden states of all steps, `[B, T, H]`, and the state after the
    /// last one. The next batch starts from that state, detached from the graph.
    ///
    /// # Panics
    ///
    /// Panics if the number of sequences differs from that of the previous batch; call
    /// [`Self::reset`] first. The state then stays unchanged.
    pub fn forward(&mut self, input: impl Into<Sequences>) -> (Tensor<3>, L::State) {
        let (sequence, state) = self.layer.run(input.into(), self.state.clone());
        self.state = Some(L::detached(state.clone()));
        (sequence, state)
    }

    /// State from which the next batch starts; `None` before the first batch and after a reset.
    pub fn state(&self) -> Option<&L::State> {
        self.state.as_ref()
    }

    /// Resets the state to zeros (Keras `reset_state`).
    pub fn reset(&mut self) {
        self.state = None;
    }
}
