//! The tensors of the recurrent operators, as a Burn backend has them.
//!
//! One operator covers the three cells, because they differ only in what happens between matrix
//! products; see [`Cell`](crate::Cell). *Sums* are what the input's and the recurrent product add
//! up to, `S` numbers for each hidden unit (SimpleRNN 1, LSTM 4, GRU 4).

use burn::{
    backend::{Backend, ExtensionType, tensor::FloatTensor},
    tensor::Shape,
};

/// A tensor that may be absent; Burn's extensions cannot take an `Option`.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub enum Optional<B: Backend> {
    /// No tensor.
    Absent,
    /// A tensor.
    Present(FloatTensor<B>),
}

impl<B: Backend> Optional<B> {
    /// As an `Option`.
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

/// What an operator reads.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Operands<B: Backend> {
    /// `[B, T, I]`.
    pub input: FloatTensor<B>,
    /// `[I, G*H]`.
    pub kernel: FloatTensor<B>,
    /// `[H, G*H]`.
    pub recurrent_kernel: FloatTensor<B>,
    /// `[S*H]`: what each row of sums starts from.
    pub bias: FloatTensor<B>,
    /// `[B, T]`; where it is zero, a sequence keeps its state for that step.
    #[extension_type]
    pub mask: Optional<B>,
    /// Hidden state before the first step, `[B, H]`; zeros when absent.
    #[extension_type]
    pub hidden: Optional<B>,
    /// Cell state of an LSTM before the first step, `[B, H]`; zeros when absent.
    #[extension_type]
    pub cell: Optional<B>,
}

/// What an operator gives.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Outputs<B: Backend> {
    /// Hidden states of all steps, `[B, T, H]`.
    pub sequence: FloatTensor<B>,
    /// Hidden state after the last step, `[B, H]`.
    pub hidden: FloatTensor<B>,
    /// Cell state after the last step, `[B, H]`; of other cells than the LSTM, the hidden state
    /// again.
    pub cell: FloatTensor<B>,
}

/// What the backward pass needs of the forward pass. The order of rows is a backend's own.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Saved<B: Backend> {
    /// The sums after the cell: activated, but for the GRU's third, the recurrent product's part of
    /// its candidate. `[T*B, S*H]`.
    pub sums: FloatTensor<B>,
    /// Hidden states from before the first step on, `[(T+1)*B, H]`.
    pub hidden: FloatTensor<B>,
    /// Cell states likewise; of other cells than the LSTM, the hidden states again.
    pub cell: FloatTensor<B>,
}

/// The loss by the outputs; absent where the loss does not depend on one.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Upstream<B: Backend> {
    /// `[B, T, H]`.
    #[extension_type]
    pub sequence: Optional<B>,
    /// `[B, H]`.
    #[extension_type]
    pub hidden: Optional<B>,
    /// `[B, H]`.
    #[extension_type]
    pub cell: Optional<B>,
}

/// The loss by the operands, in their shapes.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "gpu"))]
pub struct Gradients<B: Backend> {
    /// `[B, T, I]`; absent if it was not asked for.
    #[extension_type]
    pub input: Optional<B>,
    /// `[I, G*H]`.
    pub kernel: FloatTensor<B>,
    /// `[H, G*H]`.
    pub recurrent_kernel: FloatTensor<B>,
    /// `[S*H]`.
    pub bias: FloatTensor<B>,
    /// `[B, H]`.
    pub hidden: FloatTensor<B>,
    /// `[B, H]`; of other cells than the LSTM, that of the hidden state again.
    pub cell: FloatTensor<B>,
}

/// The sizes of a tensor whose rank the callers have checked.
pub(crate) fn dims<const D: usize>(shape: Shape) -> [usize; D] {
    shape.dims()
}
