use burn::tensor::{Bool, Tensor};

/// Which steps of the sequences are padding, and before which ones the state is reset.
///
/// A mask alone converts, so `lstm(input, weights, None, mask)` works for an
/// `Option<Tensor<2, Bool>>`, and for `None`.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Bool, Device, Tensor, TensorData};
/// use rnn_kernels::{Resets, SimpleRnnWeights, Steps, simple_rnn};
///
/// let device = Device::flex();
/// let weights = SimpleRnnWeights {
///     kernel: Tensor::ones([1, 2], &device),
///     recurrent_kernel: Tensor::ones([2, 2], &device),
///     bias: None,
/// };
/// // Two episodes in one row: the second begins at step 2.
/// let begins = TensorData::from([[false, false, true, false]]);
/// let begins = Tensor::<2, Bool>::from_data(begins, &device);
/// let steps = Steps { resets: Some(Resets::to_zeros(begins)), ..Steps::default() };
/// let output = simple_rnn(Tensor::ones([1, 4, 1], &device), weights, None, steps);
/// let [first, second] = [0, 2].map(|start| output.sequence.clone().narrow(1, start, 2));
/// assert_eq!(first.into_data(), second.into_data());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// Mask, `[B, T]`: true at valid steps, false at padding, where a sequence keeps its state and
    /// the step has no gradient. `None` means that all steps are valid.
    pub mask: Option<Tensor<2, Bool>>,
    /// Steps before which the state is reset. `None` means that the state is never reset.
    pub resets: Option<Resets>,
}

impl From<Option<Tensor<2, Bool>>> for Steps {
    fn from(mask: Option<Tensor<2, Bool>>) -> Self {
        Self { mask, resets: None }
    }
}

/// Steps before which the state of a sequence is reset, as at the first step of an episode in
/// reinforcement learning.
///
/// Before such a step the hidden and the cell state are those of [`Self::to`]. No gradient flows to
/// the steps before it. A reset at a masked step has an effect: the sequence keeps the new state.
#[derive(Debug, Clone)]
pub struct Resets {
    /// True at the steps before which the state is reset, `[B, T]`.
    pub before: Tensor<2, Bool>,
    /// The state after a reset.
    pub to: ResetState,
}

impl Resets {
    /// Resets to zeros. The initial state counts up to the first reset only.
    pub fn to_zeros(before: Tensor<2, Bool>) -> Self {
        Self { before, to: ResetState::Zeros }
    }

    /// Resets to the initial state. Its gradient is the sum over all resets.
    pub fn to_initial(before: Tensor<2, Bool>) -> Self {
        Self { before, to: ResetState::Initial }
    }
}

/// The state of a sequence after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResetState {
    /// Zeros.
    Zeros,
    /// The initial state of the call; zeros without one.
    Initial,
}
