//! Whole sequences on a CPU, forward and backward, for any cell. Knows nothing of Burn: slices of
//! `f32` or `f64` in, vectors out.
//!
//! The batch is cut into slices whose sizes depend on the batch alone, and each slice goes through
//! all steps on one thread: no thread waits for another between steps, and the results are the same
//! bytes for any number of threads. Within a slice, a chunk of steps at a time is multiplied by the
//! kernel, so that the sums are still in cache when the recurrence reads them:
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
//! | `operands.rs` | what the passes read and give |
//! | `cells.rs` | what SimpleRNN, LSTM and GRU compute between products |
//! | `slices.rs`, `filling.rs` | cutting batch and time, and memory to be filled |
//! | `forward.rs`, `backward.rs` | the passes |

#[expect(unsafe_code, reason = "takes what its slices have filled")]
mod backward;
mod cells;
#[expect(
    unsafe_code,
    reason = "hands out memory before it is written: zeroing it took a tenth of a training step"
)]
mod filling;
#[expect(unsafe_code, reason = "takes what its slices have filled")]
mod forward;
mod math;
mod operands;
#[expect(
    unsafe_code,
    reason = "reads and writes vectors without a bounds check each: half of the speed"
)]
mod product;
#[expect(unsafe_code, reason = "the vector reads and writes that `product` is made of")]
mod real;
mod slices;
#[cfg(test)]
mod tests;

pub(crate) use backward::{Upstream, backward};
pub(crate) use cells::{Gru, Lstm, RecurrentCell, SimpleRnn};
pub(crate) use forward::{forward, forward_saving};
pub(crate) use operands::{Operands, Outputs, SavedView};
pub(crate) use real::Real;
