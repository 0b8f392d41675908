//! Whole sequences on a CPU, forward and backward, for any cell. Knows nothing of Burn: slices of `f32` or `f64` in, vectors out.
//!
//! The batch is cut into slices whose sizes depend on the batch alone, and each slice goes through all steps on one thread: no
//! thread waits for another between steps, and the results are the same bytes for any number of threads. Within a slice,
//! a chunk of steps at a time is multiplied by the kernel, so that the sums are still in cache when the recurrence reads them:
//!
//! ```text
//! for each chunk of steps:  sums = bias + X K                        one product
//!     for each step:        sums[t] += h[t-1] R                      one product
//!                           h[t], c[t] = cell(sums[t], c[t-1])       gates, then states
//! ```
//!
//! Backward runs the chunks in reverse; the gradients of both kernels are one product a chunk each.
//!
//! | file | |
//! |---|---|
//! | `real.rs` | `f32` and `f64`, and vectors of them |
//! | `math.rs` | tanh and sigmoid |
//! | `product.rs` | the matrix product |
//! | `cells.rs` | what SimpleRNN, LSTM and GRU compute between products |
//! | `slices.rs`, `filling.rs` | cutting batch and time, and memory to be filled |
//! | `forward.rs`, `backward.rs` | the passes |

#[expect(unsafe_code, reason = "takes what its slices have filled")]
mod backward;
mod cells;
#[expect(unsafe_code, reason = "hands out memory before it is written: zeroing it took a tenth of a training step")]
mod filling;
#[expect(unsafe_code, reason = "takes what its slices have filled")]
mod forward;
mod math;
#[expect(unsafe_code, reason = "reads and writes vectors without a bounds check each: half of the speed")]
mod product;
#[expect(unsafe_code, reason = "the vector reads and writes that `product` is made of")]
mod real;
mod slices;
#[cfg(test)]
mod tests;

pub(crate) use backward::{Upstream, backward};
pub(crate) use cells::{Cell, Gru, Lstm, SimpleRnn};
pub(crate) use forward::{forward, forward_saving};
use pulp::Arch;
pub(crate) use real::Real;

/// The sizes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) time: usize,
    pub(crate) input: usize,
    pub(crate) hidden: usize,
}

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
