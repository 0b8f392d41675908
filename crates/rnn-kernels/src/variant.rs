use burn::tensor::{Bool, Tensor};

use crate::activation::sigmoid;

/// What a reference operator can do beside the usual cell; [`Variant::default()`] is the usual
/// cell.
///
/// The references are composed of tensor operations and differentiated by Burn's autodiff, so any
/// function will do as an activation.
#[derive(Clone)]
pub struct Variant<'a> {
    /// Activation of states and candidates (Keras `activation`).
    pub activation: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    /// Activation of the gates (Keras `recurrent_activation`).
    pub recurrent_activation: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    /// Which steps count, `[B, T]`; at others a sequence keeps its state. All, when absent.
    pub mask: Option<Tensor<2, Bool>>,
    /// A factor for the input of each gate, the same at every step: `G` tensors `[B, I]`.
    pub input_dropout: Option<Vec<Tensor<2>>>,
    /// A factor for the hidden state that enters each gate's recurrent product, the same at every
    /// step: `G` tensors `[B, H]`.
    pub recurrent_dropout: Option<Vec<Tensor<2>>>,
    /// GRU only: whether the reset gate acts after the recurrent product (Keras `reset_after`).
    pub reset_after: bool,
}

impl Default for Variant<'_> {
    fn default() -> Self {
        Self {
            activation: &Tensor::tanh,
            recurrent_activation: &sigmoid,
            mask: None,
            input_dropout: None,
            recurrent_dropout: None,
            reset_after: true,
        }
    }
}

impl std::fmt::Debug for Variant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variant")
            .field("mask", &self.mask)
            .field("input_dropout", &self.input_dropout)
            .field("recurrent_dropout", &self.recurrent_dropout)
            .field("reset_after", &self.reset_after)
            .finish_non_exhaustive()
    }
}

impl Variant<'_> {
    /// The inputs, with zeros where a step does not count, whatever the padding holds.
    pub(crate) fn clean(&self, input: Tensor<3>) -> Tensor<3> {
        match &self.mask {
            Some(mask) => {
                let shape = input.dims();
                input.mask_fill(mask.clone().bool_not().unsqueeze_dim::<3>(2).expand(shape), 0.0)
            }
            None => input,
        }
    }

    /// Which sequences keep their state at each step, `[B, H]` a step; empty without a mask.
    pub(crate) fn masked(&self, units: usize) -> Vec<Tensor<2, Bool>> {
        let Some(mask) = &self.mask else { return Vec::new() };
        let [batch, time] = mask.dims();
        let masked = mask.clone().bool_not();
        (0..time).map(|t| masked.clone().narrow(1, t, 1).expand([batch, units])).collect()
    }
}

/// The state after a step: where a sequence is masked, the one before it.
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
