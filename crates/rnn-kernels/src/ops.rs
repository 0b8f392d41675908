//! The recurrent operators as a Burn backend extension, on a backend's own tensors.

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
/// The default methods use the backend's tensor operations and cost O(T), forward and backward. An
/// empty `impl` is therefore enough. These methods check nothing: call [`crate::simple_rnn()`],
/// [`crate::lstm()`] or [`crate::gru()`], which check shapes, types and devices.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "gpu"),
    Fusion: cfg(feature = "gpu"),
    Autodiff
)]
pub trait RecurrentOps: Backend {
    /// Runs a cell for inference; nothing is saved for a backward pass.
    #[fusion(meta = metadata::outputs)]
    fn recurrent(#[extension_type] operands: Operands<Self>, kind: Cell) -> Outputs<Self> {
        composed::forward(&operands, kind)
    }

    /// Runs a cell and saves what [`Self::recurrent_backward`] needs.
    #[fusion(meta = metadata::outputs_and_saved)]
    fn recurrent_saving(
        #[extension_type] operands: Operands<Self>,
        kind: Cell,
    ) -> (Outputs<Self>, Saved<Self>) {
        composed::forward_saving(&operands, kind)
    }

    /// Computes the gradients of [`Self::recurrent_saving`]; that of the input only if
    /// `needs_input`. The initial states in `operands` are not read.
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
