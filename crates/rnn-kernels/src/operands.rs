//! Tensors of the recurrent operators, as a Burn backend represents them.
//!
//! One operator covers all three cells: they differ only between the matrix products; see
//! [`Cell`](crate::Cell). *Sums* are the pre-activations: input product plus recurrent product plus
//! bias. Each hidden unit has `S` of them (SimpleRNN 1, LSTM 4, GRU 4).

use burn::{
    backend::{Backend, ExtensionType, tensor::FloatTensor},
    tensor::Shape,
};

/// A tensor that may be absent. Burn's extensions do not support `Option`.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub enum Optional<B: Backend> {
    /// No tensor.
    Absent,
    /// A tensor.
    Present(FloatTensor<B>),
}

impl<B: Backend> Optional<B> {
    /// Converts to an `Option`.
    pub fn as_ref(&self) -> Option<&FloatTensor<B>> {
        match self {
            Self::Absent => None,
            Self::Present(tensor) => Some(tensor),
        }
    }
}

impl<B: Backend> From<Option<FloatTensor<B>>> for Optional<B> {
    fn from(tensor: Option<FloatTensor<B>>) -> Self {
        tensor.map_or(Self::Absent, Self::Present)
    }
}

/// Inputs of an operator.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Operands<B: Backend> {
    /// Input sequences, `[B, T, I]`.
    pub input: FloatTensor<B>,
    /// Input weights, `[I, G*H]`.
    pub kernel: FloatTensor<B>,
    /// Recurrent weights, `[H, G*H]`.
    pub recurrent_kernel: FloatTensor<B>,
    /// Bias of the sums, `[S*H]`.
    pub bias: FloatTensor<B>,
    /// Mask, `[B, T]`: 1 at valid steps, 0 at padding, where a sequence keeps its state.
    #[extension_type]
    pub mask: Optional<B>,
    /// Resets, `[B, T]`: 1 at steps before which the state of a sequence becomes zero, 2 at steps
    /// before which it becomes the initial state, else 0.
    #[extension_type]
    pub resets: Optional<B>,
    /// Hidden state before the first step, `[B, H]`; zeros if absent.
    #[extension_type]
    pub hidden: Optional<B>,
    /// Cell state before the first step, for an LSTM, `[B, H]`; zeros if absent.
    #[extension_type]
    pub cell: Optional<B>,
}

/// Outputs of an operator.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Outputs<B: Backend> {
    /// Hidden states of all steps, `[B, T, H]`.
    pub sequence: FloatTensor<B>,
    /// Hidden state after the last step, `[B, H]`.
    pub hidden: FloatTensor<B>,
    /// Cell state after the last step, `[B, H]`; for cells other than the LSTM, a copy of the
    /// hidden state.
    pub cell: FloatTensor<B>,
}

/// Values of the forward pass that the backward pass needs. Each backend chooses the order of rows.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Saved<B: Backend> {
    /// Sums after activation, `[T*B, S*H]`. Only the GRU's third sum, the recurrent part of its
    /// candidate, is stored without activation.
    pub sums: FloatTensor<B>,
    /// Hidden states, starting with the initial one, `[(T+1)*B, H]`.
    pub hidden: FloatTensor<B>,
    /// Cell states, in the same layout; for cells other than the LSTM, a copy of the hidden states.
    pub cell: FloatTensor<B>,
}

/// Gradients of the loss with respect to the outputs; absent if the loss does not depend on an
/// output.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Upstream<B: Backend> {
    /// Gradient of all hidden states, `[B, T, H]`.
    #[extension_type]
    pub sequence: Optional<B>,
    /// Gradient of the last hidden state, `[B, H]`.
    #[extension_type]
    pub hidden: Optional<B>,
    /// Gradient of the last cell state, `[B, H]`.
    #[extension_type]
    pub cell: Optional<B>,
}

/// Gradients of the loss with respect to the operands, with the same shapes.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Gradients<B: Backend> {
    /// Gradient of the input, `[B, T, I]`; absent if it was not requested.
    #[extension_type]
    pub input: Optional<B>,
    /// Gradient of the kernel, `[I, G*H]`.
    pub kernel: FloatTensor<B>,
    /// Gradient of the recurrent kernel, `[H, G*H]`.
    pub recurrent_kernel: FloatTensor<B>,
    /// Gradient of the bias, `[S*H]`.
    pub bias: FloatTensor<B>,
    /// Gradient of the initial hidden state, `[B, H]`.
    pub hidden: FloatTensor<B>,
    /// Gradient of the initial cell state, `[B, H]`; for cells other than the LSTM, a copy of
    /// `hidden`.
    pub cell: FloatTensor<B>,
}

/// Sizes of a tensor, whose rank the callers have checked.
pub(crate) fn dims<const D: usize>(shape: Shape) -> [usize; D] {
    shape.dims()
}
