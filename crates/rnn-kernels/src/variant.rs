use burn::tensor::{Bool, Tensor};

use crate::{
    activation::sigmoid,
    steps::{ResetState, Steps},
};

/// Variant of a cell for the reference operators. [`Variant::default()`] is the standard cell of
/// the fused operators.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor, activation::relu};
/// use rnn_kernels::{SimpleRnnWeights, Variant, simple_rnn_reference};
///
/// let device = Device::flex();
/// let weights = SimpleRnnWeights {
///     kernel: Tensor::ones([2, 3], &device),
///     recurrent_kernel: Tensor::zeros([3, 3], &device),
///     bias: None,
/// };
/// let variant = Variant { activation: &|sums| relu(sums), ..Variant::default() };
/// let output = simple_rnn_reference(Tensor::ones([4, 5, 2], &device), weights, None, &variant);
/// assert_eq!(output.sequence.dims(), [4, 5, 3]);
/// ```
///
/// # Gradients
///
/// The reference operators consist of tensor operations, which Burn's autodiff differentiates. So
/// any differentiable function works as an activation.
#[derive(Clone)]
pub struct Variant<'a> {
    /// Activation of states and candidates (Keras `activation`).
    pub activation: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    /// Activation of the gates (Keras `recurrent_activation`).
    pub recurrent_activation: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    /// Mask and resets.
    pub steps: Steps,
    /// Dropout factors of each gate's input, the same at every step: `G` tensors `[B, I]`.
    pub input_dropout: Option<Vec<Tensor<2>>>,
    /// Dropout factors of the hidden state in each gate's recurrent product, the same at every
    /// step: `G` tensors `[B, H]`.
    pub recurrent_dropout: Option<Vec<Tensor<2>>>,
    /// Whether the GRU's reset gate acts after the recurrent product (Keras `reset_after`). Other
    /// cells ignore it.
    pub reset_after: bool,
}

impl Default for Variant<'_> {
    fn default() -> Self {
        Self {
            activation: &Tensor::tanh,
            recurrent_activation: &sigmoid,
            steps: Steps::default(),
            input_dropout: None,
            recurrent_dropout: None,
            reset_after: true,
        }
    }
}

impl std::fmt::Debug for Variant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variant")
            .field("steps", &self.steps)
            .field("input_dropout", &self.input_dropout)
            .field("recurrent_dropout", &self.recurrent_dropout)
            .field("reset_after", &self.reset_after)
            .finish_non_exhaustive()
    }
}

impl Variant<'_> {
    /// Sets masked inputs to zero, so that padding may hold any values, even NaN.
    pub(crate) fn clean(&self, input: Tensor<3>) -> Tensor<3> {
        match &self.steps.mask {
            Some(mask) => {
                let shape = input.dims();
                input.mask_fill(mask.clone().bool_not().unsqueeze_dim::<3>(2).expand(shape), 0.0)
            }
            None => input,
        }
    }

    /// Masked sequences of each step, as `[B, H]` per step; empty without a mask.
    pub(crate) fn masked(&self, units: usize) -> Vec<Tensor<2, Bool>> {
        let Some(mask) = &self.steps.mask else { return Vec::new() };
        let [batch, time] = mask.dims();
        let masked = mask.clone().bool_not();
        (0..time).map(|t| masked.clone().narrow(1, t, 1).expand([batch, units])).collect()
    }

    /// Sequences that are reset before each step, as `[B, H]` per step; empty without resets.
    pub(crate) fn reset(&self, units: usize) -> Vec<Tensor<2, Bool>> {
        let Some(resets) = &self.steps.resets else { return Vec::new() };
        let [batch, time] = resets.before.dims();
        let of_step = |t| resets.before.clone().narrow(1, t, 1).expand([batch, units]);
        (0..time).map(of_step).collect()
    }

    /// The state after a reset.
    pub(crate) fn reset_state(&self, initial: &Tensor<2>) -> Tensor<2> {
        match &self.steps.resets {
            Some(resets) if resets.to == ResetState::Zeros => initial.zeros_like(),
            _ => initial.clone(),
        }
    }
}

/// Returns `after`, but `before` for the chosen sequences: masked ones keep the state before a step.
pub(crate) fn keep(
    masked: Option<&Tensor<2, Bool>>,
    before: Tensor<2>,
    after: Tensor<2>,
) -> Tensor<2> {
    match masked {
        Some(masked) => after.mask_where(masked.clone(), before),
        None => after,
    }
}
