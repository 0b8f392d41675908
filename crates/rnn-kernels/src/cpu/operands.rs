//! What the passes read and give: slices and vectors of numbers.

use pulp::Arch;

use crate::sizes::Sizes;

/// What a pass reads: contiguous, row-major.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operands<'a, T> {
    /// The instruction set to use.
    pub(crate) arch: Arch,
    pub(crate) sizes: Sizes,
    /// `[B, T, I]`.
    pub(crate) input: &'a [T],
    /// `[I, G*H]`.
    pub(crate) kernel: &'a [T],
    /// `[H, G*H]`.
    pub(crate) recurrent_kernel: &'a [T],
    /// `[SUMS*H]`: what a row of sums starts from.
    pub(crate) bias: &'a [T],
    /// `[B, T]`; at a step that is zero here, a sequence keeps its state.
    pub(crate) mask: Option<&'a [T]>,
    /// `[B, H]`; zeros when absent.
    pub(crate) hidden: Option<&'a [T]>,
    /// `[B, H]`; zeros when absent.
    pub(crate) cell: Option<&'a [T]>,
}

/// What a forward pass gives.
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

/// What a backward pass needs of the forward pass, slice after slice and time-major within each.
#[derive(Debug)]
pub(crate) struct Saved<T> {
    /// What the cell left in its sums, `[T, rows, SUMS*H]` a slice.
    pub(crate) sums: Vec<T>,
    /// Hidden states from before the first step on, `[T+1, rows, H]` a slice.
    pub(crate) hidden: Vec<T>,
    /// Cell states in the same way; empty for a cell without one.
    pub(crate) cell: Vec<T>,
}
