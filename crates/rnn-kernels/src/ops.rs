//! The recurrent operators as a Burn backend extension: what a backend computes, on its own
//! tensors.

use burn::backend::{Backend, backend_extension};

#[cfg(feature = "gpu")]
use crate::metadata;
use crate::{
    cell::Cell,
    composed,
    operands::{Gradients, Operands, Outputs, Saved, Upstream},
};

/// A backend that runs recurrent cells over whole sequences.
///
/// The default bodies are composed of the backend's own tensor operations and cost O(T), forward
/// and backward; an empty `impl` makes an operator of them. Shapes, types and devices are checked
/// by [`crate::simple_rnn()`], [`crate::lstm()`] and [`crate::gru()`], not here: call those.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "gpu"),
    Fusion: cfg(feature = "gpu"),
    Autodiff
)]
pub trait RecurrentOps: Backend {
    /// Runs a cell and keeps nothing.
    #[fusion(meta = metadata::outputs)]
    fn recurrent(#[extension_type] operands: Operands<Self>, kind: Cell) -> Outputs<Self> {
        composed::forward(&operands, kind)
    }

    /// Runs a cell and keeps what [`Self::recurrent_backward`] needs.
    #[fusion(meta = metadata::outputs_and_saved)]
    fn recurrent_saving(
        #[extension_type] operands: Operands<Self>,
        kind: Cell,
    ) -> (Outputs<Self>, Saved<Self>) {
        composed::forward_saving(&operands, kind)
    }

    /// The gradients of [`Self::recurrent_saving`]; that of the input only where `needs_input`.
    /// Initial states of the operands are not read.
    #[fusion(meta = metadata::gradients)]
    fn recurrent_backward(
        #[extension_type] operands: Operands<Self>,
        #[extension_type] saved: Saved<Self>,
        #[extension_type] upstream: Upstream<Self>,
        kind: Cell,
        needs_input: bool,
    ) -> Gradients<Self> {
        composed::backward(&operands, &saved, &upstream, kind, needs_input)
    }
}
