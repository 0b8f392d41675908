//! Inputs and outputs of the passes: slices and vectors of numbers.

use pulp::Arch;

use super::real::Real;
use crate::sizes::Sizes;

/// Inputs of a pass, contiguous and row-major.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operands<'a, T> {
    /// The instruction set to use.
    pub(crate) arch: Arch,
    pub(crate) sizes: Sizes,
    /// Input sequences, `[B, T, I]`.
    pub(crate) input: &'a [T],
    /// Input weights, `[I, G*H]`.
    pub(crate) kernel: &'a [T],
    /// Recurrent weights, `[H, G*H]`.
    pub(crate) recurrent_kernel: &'a [T],
    /// Bias of the sums, `[SUMS*H]`.
    pub(crate) bias: &'a [T],
    /// Mask, `[B, T]`: 1 at valid steps, 0 at padding, where a sequence keeps its state.
    pub(crate) mask: Option<&'a [T]>,
    /// Resets, `[B, T]`: 1 at steps before which the state of a sequence becomes zero, 2 at steps
    /// before which it becomes the initial state, else 0.
    pub(crate) resets: Option<&'a [T]>,
    /// Initial hidden state, `[B, H]`; zeros if `None`.
    pub(crate) hidden: Option<&'a [T]>,
    /// Initial cell state, `[B, H]`; zeros if `None`.
    pub(crate) cell: Option<&'a [T]>,
}

/// What the state of a sequence becomes before a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    Zeros,
    Initial,
}

impl<T: Real> Operands<'_, T> {
    /// True if a step of a sequence is masked.
    pub(crate) fn is_masked(&self, row: usize, t: usize) -> bool {
        self.mask.is_some_and(|mask| mask[row * self.sizes.time + t] == T::ZERO)
    }

    /// The reset of a sequence before a step.
    pub(crate) fn reset(&self, row: usize, t: usize) -> Option<Reset> {
        let code = self.resets?[row * self.sizes.time + t];
        match code {
            code if code == T::ZERO => None,
            code if code == T::ONE => Some(Reset::Zeros),
            _ => Some(Reset::Initial),
        }
    }
}

/// Outputs of a forward pass.
#[derive(Debug)]
pub(crate) struct Outputs<T> {
    /// Hidden states of all steps, `[B, T, H]`.
    pub(crate) sequence: Vec<T>,
    /// Hidden state after the last step, `[B, H]`.
    pub(crate) hidden: Vec<T>,
    /// Cell state after the last step, `[B, H]`; empty for a cell without one.
    pub(crate) cell: Vec<T>,
}

/// [`Saved`], borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SavedView<'a, T> {
    pub(crate) sums: &'a [T],
    pub(crate) hidden: &'a [T],
    pub(crate) cell: &'a [T],
}

/// Values of the forward pass that the backward pass needs: slice after slice, time-major within
/// each.
#[derive(Debug)]
pub(crate) struct Saved<T> {
    /// Sums as the cell left them, `[T, rows, SUMS*H]` per slice.
    pub(crate) sums: Vec<T>,
    /// Hidden states, starting with the initial one, `[T+1, rows, H]` per slice.
    pub(crate) hidden: Vec<T>,
    /// Cell states in the same layout; empty for a cell without one.
    pub(crate) cell: Vec<T>,
}

/// Gradients of the loss with respect to the outputs; `None` if the loss does not depend on an
/// output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upstream<'a, T> {
    /// Gradient of all hidden states, `[B, T, H]`.
    pub(crate) sequence: Option<&'a [T]>,
    /// Gradient of the last hidden state, `[B, H]`.
    pub(crate) hidden: Option<&'a [T]>,
    /// Gradient of the last cell state, `[B, H]`.
    pub(crate) cell: Option<&'a [T]>,
}

/// Gradients of the loss with respect to the inputs of the forward pass.
#[derive(Debug)]
pub(crate) struct Gradients<T> {
    /// Gradient of the input, `[B, T, I]`; empty if not requested.
    pub(crate) input: Vec<T>,
    /// Gradient of the kernel, `[I, G*H]`.
    pub(crate) kernel: Vec<T>,
    /// Gradient of the recurrent kernel, `[H, G*H]`.
    pub(crate) recurrent_kernel: Vec<T>,
    /// Gradient of the bias, `[SUMS*H]`.
    pub(crate) bias: Vec<T>,
    /// Gradient of the initial hidden state, `[B, H]`.
    pub(crate) hidden: Vec<T>,
    /// Gradient of the initial cell state, `[B, H]`; empty for a cell without one.
    pub(crate) cell: Vec<T>,
}
