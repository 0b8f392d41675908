//! Fused recurrent operators on Burn tensors: SimpleRNN, LSTM and GRU over whole sequences.
//!
//! [`simple_rnn`], [`lstm`] and [`gru`] are one operation each: a Burn backend extension
//! ([`extension`]) with its own gradient. The ndarray and flex backends share one CPU
//! implementation. GPUs need a few kernel launches. Other backends compose it of tensor operations.
//!
//! Each cell has one folder. Its `reference` module is the readable version, made of plain tensor
//! operations. The input projection is one matrix product over all time steps; then the recurrence
//! runs step by step. Burn's autodiff differentiates it on any backend, and it takes any
//! [`Variant`] of the cell. Every faster implementation is tested against it.
//!
//! # Shapes
//!
//! `B` is the batch, `T` time, `I` input features and `H` hidden units. `G` is the number of gates
//! (SimpleRNN 1, GRU 3, LSTM 4).
//!
//! | tensor | shape |
//! |---|---|
//! | input | `[B, T, I]` |
//! | kernel | `[I, G*H]` |
//! | recurrent kernel | `[H, G*H]` |
//! | bias | `[G*H]`; the GRU has two, for the input product and the recurrent product |
//! | hidden states | `[B, T, H]` |
//! | a state | `[B, H]` |
//!
//! # Gate order
//!
//! The order is that of Keras: LSTM `i, f, c, o` (input, forget, candidate, output), GRU `z, r, h`
//! (update, reset, candidate). Weights of other frameworks are reordered when they are imported.

mod activation;
mod autodiff;
#[allow(deprecated, reason = "every mention of burn-ndarray is deprecated since Burn 0.22")]
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod backends;
mod cell;
mod check;
mod composed;
#[cfg(any(feature = "flex", feature = "ndarray"))]
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
#[cfg_attr(
    not(any(feature = "flex", feature = "ndarray")),
    allow(unused_variables, reason = "without a backend nothing is dispatched")
)]
mod ops;
mod reset;
mod route;
mod simple_rnn;
mod sizes;
mod steps;
#[cfg(test)]
#[allow(deprecated, reason = "burn-ndarray is deprecated since Burn 0.22")]
mod tests;
mod time;
mod variant;

/// The operators as a Burn backend extension, for backends with their own kernels.
///
/// To run an operator, call [`simple_rnn`](crate::simple_rnn()), [`lstm`](crate::lstm()) or
/// [`gru`](crate::gru()). They check shapes, types and devices first.
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
pub use steps::{ResetState, Resets, Steps};
pub use variant::Variant;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
