//! The recurrent operators as a Burn backend extension: what a backend computes, on its own tensors.
//!
//! One operator covers the three cells, because they differ only in what happens between matrix products; see
//! [`CellKind`]. Everything here is in terms of *sums*: what the input's and the recurrent product add up to, `S` numbers for each
//! hidden unit (SimpleRNN 1, LSTM 4, GRU 4).

use burn::backend::{Backend, ExtensionType, backend_extension, tensor::FloatTensor};

use crate::composed;
#[cfg(feature = "wgpu")]
use crate::gpu::metadata;

/// Which cell runs, with tanh and sigmoid as its activations.
///
/// | cell | gates of the weights | sums of a hidden unit |
/// |---|---|---|
/// | SimpleRNN | `h` | `h` |
/// | LSTM | `i, f, c, o` | `i, f, c, o` |
/// | GRU, reset after the product | `z, r, h` | `z, r`, the recurrent product's part of `h`, the input's part of `h` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellKind {
    /// `h_t = tanh(s)`.
    SimpleRnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit whose reset gate acts after the recurrent product.
    Gru,
}

impl CellKind {
    /// Gates of the weights: `G` in `[I, G*H]`.
    pub const fn gates(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// Sums of a hidden unit: `S` in `[.., S*H]`.
    pub const fn sums(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm | Self::Gru => 4,
        }
    }
}

/// A tensor that may be absent; Burn's extensions cannot take an `Option`.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "wgpu"))]
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
#[extension_type(fusion: cfg(feature = "wgpu"))]
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
#[extension_type(fusion: cfg(feature = "wgpu"))]
pub struct Outputs<B: Backend> {
    /// Hidden states of all steps, `[B, T, H]`.
    pub sequence: FloatTensor<B>,
    /// Hidden state after the last step, `[B, H]`.
    pub hidden: FloatTensor<B>,
    /// Cell state after the last step, `[B, H]`; of other cells than the LSTM, the hidden state again.
    pub cell: FloatTensor<B>,
}

/// What the backward pass needs of the forward pass. The order of rows is a backend's own.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "wgpu"))]
pub struct Saved<B: Backend> {
    /// The sums after the cell: activated, but for the GRU's third, the recurrent product's part of its candidate. `[T*B, S*H]`.
    pub sums: FloatTensor<B>,
    /// Hidden states from before the first step on, `[(T+1)*B, H]`.
    pub hidden: FloatTensor<B>,
    /// Cell states likewise; of other cells than the LSTM, the hidden states again.
    pub cell: FloatTensor<B>,
}

/// The loss by the outputs; absent where the loss does not depend on one.
#[derive(Debug, Clone, ExtensionType)]
#[extension_type(fusion: cfg(feature = "wgpu"))]
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
#[extension_type(fusion: cfg(feature = "wgpu"))]
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

/// A backend that runs recurrent cells over whole sequences.
///
/// The default bodies are composed of the backend's own tensor operations and cost O(T), forward and backward; an empty `impl` makes an
/// operator of them. Shapes, types and devices are checked by [`crate::simple_rnn()`], [`crate::lstm()`] and [`crate::gru()`], not here:
/// call those.
#[backend_extension(Flex, NdArray, Cube: cfg(feature = "wgpu"), Fusion: cfg(feature = "wgpu"), Autodiff)]
pub trait RecurrentOps: Backend {
    /// Runs a cell and keeps nothing.
    #[fusion(meta = metadata::outputs)]
    fn recurrent(#[extension_type] operands: Operands<Self>, kind: CellKind) -> Outputs<Self> {
        composed::forward(&operands, kind)
    }

    /// Runs a cell and keeps what [`Self::recurrent_backward`] needs.
    #[fusion(meta = metadata::outputs_and_saved)]
    fn recurrent_saving(#[extension_type] operands: Operands<Self>, kind: CellKind) -> (Outputs<Self>, Saved<Self>) {
        composed::forward_saving(&operands, kind)
    }

    /// The gradients of [`Self::recurrent_saving`]; that of the input only where `needs_input`. Initial states of the operands are not
    /// read.
    #[fusion(meta = metadata::gradients)]
    fn recurrent_backward(
        #[extension_type] operands: Operands<Self>,
        #[extension_type] saved: Saved<Self>,
        #[extension_type] upstream: Upstream<Self>,
        kind: CellKind,
        needs_input: bool,
    ) -> Gradients<Self> {
        composed::backward(&operands, &saved, &upstream, kind, needs_input)
    }
}
