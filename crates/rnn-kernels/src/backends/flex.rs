use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::{Element, TensorData},
};

use super::Cpu;
use crate::cpu::Real;

impl<T: Real + Element> Cpu<T> for Flex {
    fn contiguous(tensor: FlexTensor) -> FlexTensor {
        if tensor.as_slice::<T>().is_some() { tensor } else { tensor.to_contiguous() }
    }

    fn values(tensor: &FlexTensor) -> &[T] {
        tensor.as_slice().unwrap_or_else(|| {
            panic!("a contiguous tensor of {:?}, got {:?}", T::dtype(), tensor.dtype())
        })
    }

    fn tensor<const D: usize>(values: Vec<T>, shape: [usize; D]) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(values, shape))
    }
}
