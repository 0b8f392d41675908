//! The recurrent operators on each backend.
//!
//! NdArray and Flex share one CPU implementation, which accesses their tensors through the trait
//! `Cpu`.

#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "ndarray")]
mod ndarray;

use burn::{
    backend::{Backend, TensorMetadata, tensor::FloatTensor},
    tensor::DType,
};
use pulp::Arch;

#[cfg(feature = "flex")]
use burn::backend::Flex;
#[cfg(feature = "ndarray")]
use burn::backend::NdArray;

use crate::{
    cell::Cell,
    cpu::{self, Real, RecurrentCell},
    operands::{Gradients, Operands, Optional, Outputs, Saved, Upstream, dims},
    ops::RecurrentOps,
    sizes::Sizes,
};

/// A backend whose tensors are arrays in main memory.
trait Cpu<T: Real>: Backend {
    /// Returns the tensor with its values in row-major order.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Borrows the values of a contiguous tensor.
    fn values(tensor: &FloatTensor<Self>) -> &[T];

    /// Creates a tensor from values in row-major order.
    fn tensor<const D: usize>(values: Vec<T>, shape: [usize; D]) -> FloatTensor<Self>;
}

/// An action on a backend that is generic over cell and number type.
trait Visitor<B> {
    type Output;

    fn visit<C: RecurrentCell, T: Real>(self) -> Self::Output
    where
        B: Cpu<T>;
}

/// Calls a visitor with the cell and number type of the call.
fn visit<B: Cpu<f32> + Cpu<f64>, V: Visitor<B>>(kind: Cell, dtype: DType, visitor: V) -> V::Output {
    fn typed<B: Cpu<T>, T: Real, V: Visitor<B>>(kind: Cell, visitor: V) -> V::Output {
        match kind {
            Cell::SimpleRnn => visitor.visit::<cpu::SimpleRnn, T>(),
            Cell::Lstm => visitor.visit::<cpu::Lstm, T>(),
            Cell::Gru => visitor.visit::<cpu::Gru, T>(),
        }
    }
    match dtype {
        DType::F32 => typed::<B, f32, V>(kind, visitor),
        DType::F64 => typed::<B, f64, V>(kind, visitor),
        other => panic!("recurrent operators: type is {other:?} (expected F32 or F64)"),
    }
}

macro_rules! operators {
    ($backend:ident) => {
        impl RecurrentOps for $backend {
            fn recurrent(operands: Operands<Self>, kind: Cell) -> Outputs<Self> {
                visit(kind, operands.input.dtype(), Forward(operands))
            }

            fn recurrent_saving(
                operands: Operands<Self>,
                kind: Cell,
            ) -> (Outputs<Self>, Saved<Self>) {
                visit(kind, operands.input.dtype(), ForwardSaving(operands))
            }

            fn recurrent_backward(
                operands: Operands<Self>,
                saved: Saved<Self>,
                upstream: Upstream<Self>,
                kind: Cell,
                needs_input: bool,
            ) -> Gradients<Self> {
                visit(
                    kind,
                    operands.input.dtype(),
                    Backward { operands, saved, upstream, needs_input },
                )
            }
        }
    };
}

#[cfg(feature = "flex")]
operators!(Flex);
#[cfg(feature = "ndarray")]
operators!(NdArray);

struct Forward<B: Backend>(Operands<B>);

impl<B: Backend> Visitor<B> for Forward<B> {
    type Output = Outputs<B>;

    fn visit<C: RecurrentCell, T: Real>(self) -> Outputs<B>
    where
        B: Cpu<T>,
    {
        let operands = contiguous::<B, T>(self.0);
        let operands = view::<B, T>(&operands);
        outputs(cpu::forward::<C, T>(&operands), operands.sizes)
    }
}

struct ForwardSaving<B: Backend>(Operands<B>);

impl<B: Backend> Visitor<B> for ForwardSaving<B> {
    type Output = (Outputs<B>, Saved<B>);

    fn visit<C: RecurrentCell, T: Real>(self) -> Self::Output
    where
        B: Cpu<T>,
    {
        let operands = contiguous::<B, T>(self.0);
        let operands = view::<B, T>(&operands);
        let (found, saved) = cpu::forward_saving::<C, T>(&operands);
        let Sizes { batch, time, hidden, .. } = operands.sizes;
        let states = [(time + 1) * batch, hidden];
        let hiddens = B::tensor(saved.hidden, states);
        let cell = if C::HAS_CELL_STATE { B::tensor(saved.cell, states) } else { hiddens.clone() };
        let saved = Saved {
            sums: B::tensor(saved.sums, [time * batch, C::SUMS * hidden]),
            hidden: hiddens,
            cell,
        };
        (outputs(found, operands.sizes), saved)
    }
}

struct Backward<B: Backend> {
    operands: Operands<B>,
    saved: Saved<B>,
    upstream: Upstream<B>,
    needs_input: bool,
}

impl<B: Backend> Visitor<B> for Backward<B> {
    type Output = Gradients<B>;

    fn visit<C: RecurrentCell, T: Real>(self) -> Gradients<B>
    where
        B: Cpu<T>,
    {
        let operands = contiguous::<B, T>(self.operands);
        let operands = view::<B, T>(&operands);
        let all = |tensor: &Optional<B>| {
            Optional::<B>::from(tensor.as_ref().cloned().map(<B as Cpu<T>>::contiguous))
        };
        let upstream = Upstream {
            sequence: all(&self.upstream.sequence),
            hidden: all(&self.upstream.hidden),
            cell: all(&self.upstream.cell),
        };
        // `ForwardSaving` created the saved tensors, so they are contiguous.
        let [sums, hidden, cell] =
            [&self.saved.sums, &self.saved.hidden, &self.saved.cell].map(<B as Cpu<T>>::values);
        let saved =
            cpu::SavedView { sums, hidden, cell: if C::HAS_CELL_STATE { cell } else { &[] } };
        let upstream = cpu::Upstream {
            sequence: upstream.sequence.as_ref().map(<B as Cpu<T>>::values),
            hidden: upstream.hidden.as_ref().map(<B as Cpu<T>>::values),
            cell: upstream.cell.as_ref().map(<B as Cpu<T>>::values),
        };
        let found = cpu::backward::<C, T>(&operands, &saved, &upstream, self.needs_input);
        let Sizes { batch, time, input, hidden } = operands.sizes;
        let gates = C::GATES * hidden;
        let hidden_gradient = B::tensor(found.hidden, [batch, hidden]);
        Gradients {
            input: self.needs_input.then(|| B::tensor(found.input, [batch, time, input])).into(),
            kernel: B::tensor(found.kernel, [input, gates]),
            recurrent_kernel: B::tensor(found.recurrent_kernel, [hidden, gates]),
            bias: B::tensor(found.bias, [C::SUMS * hidden]),
            cell: if C::HAS_CELL_STATE {
                B::tensor(found.cell, [batch, hidden])
            } else {
                hidden_gradient.clone()
            },
            hidden: hidden_gradient,
        }
    }
}

fn contiguous<B: Cpu<T>, T: Real>(operands: Operands<B>) -> Operands<B> {
    let optional = |tensor: Optional<B>| match tensor {
        Optional::Absent => Optional::Absent,
        Optional::Present(tensor) => Optional::Present(B::contiguous(tensor)),
    };
    Operands {
        input: B::contiguous(operands.input),
        kernel: B::contiguous(operands.kernel),
        recurrent_kernel: B::contiguous(operands.recurrent_kernel),
        bias: B::contiguous(operands.bias),
        mask: optional(operands.mask),
        resets: optional(operands.resets),
        hidden: optional(operands.hidden),
        cell: optional(operands.cell),
    }
}

fn view<B: Cpu<T>, T: Real>(operands: &Operands<B>) -> cpu::Operands<'_, T> {
    fn optional<B: Cpu<T>, T: Real>(tensor: &Optional<B>) -> Option<&[T]> {
        tensor.as_ref().map(B::values)
    }
    let [batch, time, input] = dims(operands.input.shape());
    let [hidden, _] = dims(operands.recurrent_kernel.shape());
    cpu::Operands {
        arch: Arch::new(),
        sizes: Sizes { batch, time, input, hidden },
        input: B::values(&operands.input),
        kernel: B::values(&operands.kernel),
        recurrent_kernel: B::values(&operands.recurrent_kernel),
        bias: B::values(&operands.bias),
        mask: optional(&operands.mask),
        resets: optional(&operands.resets),
        hidden: optional(&operands.hidden),
        cell: optional(&operands.cell),
    }
}

fn outputs<B: Cpu<T>, T: Real>(found: cpu::Outputs<T>, sizes: Sizes) -> Outputs<B> {
    let Sizes { batch, time, hidden, .. } = sizes;
    let states = B::tensor(found.hidden, [batch, hidden]);
    let cell =
        if found.cell.is_empty() { states.clone() } else { B::tensor(found.cell, [batch, hidden]) };
    Outputs { sequence: B::tensor(found.sequence, [batch, time, hidden]), hidden: states, cell }
}
