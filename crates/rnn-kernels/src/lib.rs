//! Whole-sequence recurrent operations on Burn tensors: tensors in, tensors out.
//!
//! [`simple_rnn`], [`lstm`] and [`gru`] are one operation each: a Burn backend extension
//! ([`extension`]) with a gradient of its own, computed by one CPU implementation for the ndarray
//! and flex backends, in a few launches on GPUs, and composed of tensor operations for others.
//!
//! Each cell has one folder. Its `reference` module is the readable twin, composed of plain tensor
//! operations: the input projection is one matrix product over all time steps, then the recurrence
//! runs step by step. It is differentiable by Burn's autodiff on any backend, takes any [`Variant`]
//! of the cell, and is the oracle that every faster implementation is tested against.
//!
//! # Shapes
//!
//! One alphabet everywhere: `B` batch, `T` time, `I` input features, `H` hidden units, `G` gates
//! (SimpleRNN 1, GRU 3, LSTM 4).
//!
//! | tensor | shape |
//! |---|---|
//! | input | `[B, T, I]` |
//! | kernel | `[I, G*H]` |
//! | recurrent kernel | `[H, G*H]` |
//! | bias | `[G*H]`; the GRU has two, one for the input and one for the recurrent product |
//! | hidden states | `[B, T, H]` |
//! | a state | `[B, H]` |
//!
//! # Gate order
//!
//! As in Keras: LSTM `i, f, c, o` (input, forget, candidate, output), GRU `z, r, h` (update, reset,
//! candidate). Weights of other frameworks are reordered where they come in, nowhere else.

mod activation;
mod autodiff;
#[allow(deprecated, reason = "every mention of burn-ndarray is deprecated since Burn 0.22")]
mod backends;
mod cell;
mod check;
mod composed;
mod cpu;
mod dropout;
#[cfg(feature = "gpu")]
mod gpu;
mod gru;
mod hidden_output;
mod limits;
mod lstm;
#[cfg(feature = "gpu")]
mod metadata;
mod operands;
mod operator;
#[allow(
    deprecated,
    reason = "the extension names burn-ndarray, which is deprecated since Burn 0.22"
)]
mod ops;
mod route;
mod simple_rnn;
mod sizes;
#[cfg(test)]
#[allow(deprecated, reason = "burn-ndarray is deprecated since Burn 0.22")]
mod tests;
mod time;
mod variant;

/// The operators as a Burn backend extension: for backends that bring kernels of their own.
///
/// Users of the operators call [`simple_rnn`](crate::simple_rnn()), [`lstm`](crate::lstm()) and
/// [`gru`](crate::gru()), which check shapes, types and devices first.
pub mod extension {
    pub use crate::{
        operands::{Gradients, Operands, Optional, Outputs, Saved, Upstream},
        ops::RecurrentOps,
    };
}

pub use activation::sigmoid;
pub use cell::{Cell, ParseCellError};
pub use dropout::dropout_mask;
pub use gru::{GruWeights, gru, gru_reference};
pub use hidden_output::HiddenOutput;
pub use limits::GpuLimits;
pub use lstm::{LstmOutput, LstmState, LstmWeights, lstm, lstm_reference};
pub use route::{Route, gpu_limits, route};
pub use simple_rnn::{SimpleRnnWeights, simple_rnn, simple_rnn_reference};
pub use variant::Variant;
