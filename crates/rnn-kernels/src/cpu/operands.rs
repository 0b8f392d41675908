//! Inputs and outputs of the passes: slices and vectors of numbers.

use pulp::Arch;

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
    /// Initial hidden state, `[B, H]`; zeros if `None`.
    pub(crate) hidden: Option<&'a [T]>,
    /// Initial cell state, `[B, H]`; zeros if `None`.
    pub(crate) cell: Option<&'a [T]>,
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
