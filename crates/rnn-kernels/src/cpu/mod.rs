//! The operators on a CPU, forward and backward, for any cell. This module does not depend on Burn:
//! it takes slices of `f32` or `f64` and returns vectors.
//!
//! The batch is cut into slices whose sizes depend only on the batch. One thread runs all steps of
//! a slice. So no thread waits for another between steps, and the results have the same bytes for
//! any number of threads. Within a slice, the kernel product covers a chunk of steps. Its sums are
//! then still in cache when the recurrence reads them:
//!
//! ```text
//! for each chunk of steps:  sums = bias + X K                        one product
//!     for each step:        sums[t] += h[t-1] R                      one product
//!                           h[t], c[t] = cell(sums[t], c[t-1])       gates, then states
//! ```
//!
//! The backward pass runs the chunks in reverse. The gradient of each kernel is one product per
//! chunk.
//!
//! | file | contents |
//! |---|---|
//! | `real.rs` | `f32` and `f64`, and vectors of them |
//! | `math.rs` | tanh and sigmoid |
//! | `product.rs` | the matrix product |
//! | `operands.rs` | inputs and outputs of the passes |
//! | `cells.rs` | computations of SimpleRNN, LSTM and GRU between products |
//! | `slices.rs`, `filling.rs` | slices of the batch, chunks of time, and buffers |
//! | `forward.rs`, `backward.rs` | the passes |

#[expect(unsafe_code, reason = "takes buffers that its slices have filled")]
mod backward;
mod cells;
#[expect(
    unsafe_code,
    reason = "uses memory before it is zeroed: zeroing took a tenth of a training step"
)]
mod filling;
#[expect(unsafe_code, reason = "takes buffers that its slices have filled")]
mod forward;
mod math;
mod operands;
#[expect(
    unsafe_code,
    reason = "reads and writes vectors without bounds checks, which would halve the speed"
)]
mod product;
#[expect(unsafe_code, reason = "the vector reads and writes of `product`")]
mod real;
mod slices;
#[cfg(test)]
mod tests;

pub(crate) use backward::backward;
pub(crate) use cells::{Gru, Lstm, RecurrentCell, SimpleRnn};
pub(crate) use forward::{forward, forward_saving};
pub(crate) use operands::{Operands, Outputs, SavedView, Upstream};
pub(crate) use real::Real;
