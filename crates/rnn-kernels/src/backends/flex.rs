use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::{Element, TensorData},
};

use super::{Cpu, backward, forward, forward_saving};
use crate::{
    cpu::Real,
    ops::{CellKind, Gradients, Operands, Outputs, RecurrentOps, Saved, Upstream},
};

impl<T: Real + Element> Cpu<T> for Flex {
    fn contiguous(tensor: FlexTensor) -> FlexTensor {
        if tensor.as_slice::<T>().is_some() { tensor } else { tensor.to_contiguous() }
    }

    fn values(tensor: &FlexTensor) -> &[T] {
        tensor.as_slice().unwrap_or_else(|| panic!("a contiguous tensor of {:?}, got {:?}", T::dtype(), tensor.dtype()))
    }

    fn tensor<const D: usize>(values: Vec<T>, shape: [usize; D]) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(values, shape))
    }
}

impl RecurrentOps for Flex {
    fn recurrent(operands: Operands<Self>, kind: CellKind) -> Outputs<Self> {
        forward(operands, kind)
    }

    fn recurrent_saving(operands: Operands<Self>, kind: CellKind) -> (Outputs<Self>, Saved<Self>) {
        forward_saving(operands, kind)
    }

    fn recurrent_backward(
        operands: Operands<Self>,
        saved: Saved<Self>,
        upstream: Upstream<Self>,
        kind: CellKind,
        needs_input: bool,
    ) -> Gradients<Self> {
        backward(operands, saved, upstream, kind, needs_input)
    }
}
