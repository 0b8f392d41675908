use burn::tensor::Tensor;

use super::{layer::RecurrentLayer, sequences::Sequences};

/// A layer whose state lives on from batch to batch (Keras `stateful=True`).
///
/// Row `b` of a batch goes on where row `b` of the batch before ended. No gradient goes from one
/// batch into another.
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
    /// A layer that starts from zero states.
    pub fn new(layer: L) -> Self {
        Self { layer, state: None }
    }

    /// Hidden states of all steps, `[B, T, H]`, and the state after the last one, which the next
    /// batch starts from as a constant.
    ///
    /// # Panics
    ///
    /// When the batch has another number of sequences than the one before; [`Self::reset`] first.
    /// The state stays as it was.
    pub fn forward(&mut self, input: impl Into<Sequences>) -> (Tensor<3>, L::State) {
        let (sequence, state) = self.layer.run(input.into(), self.state.clone());
        self.state = Some(L::detached(state.clone()));
        (sequence, state)
    }

    /// The state the next batch starts from.
    pub fn state(&self) -> Option<&L::State> {
        self.state.as_ref()
    }

    /// Goes back to zero states (Keras `reset_state`).
    pub fn reset(&mut self) {
        self.state = None;
    }
}
