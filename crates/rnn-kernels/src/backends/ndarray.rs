use burn::{
    backend::{NdArray, TensorMetadata, ndarray::NdArrayTensor},
    tensor::TensorData,
};

use super::Cpu;

macro_rules! cpu {
    ($type:ident, $variant:ident) => {
        impl Cpu<$type> for NdArray {
            fn contiguous(tensor: NdArrayTensor) -> NdArrayTensor {
                match &tensor {
                    NdArrayTensor::$variant(array) if array.view().is_standard_layout() => tensor,
                    NdArrayTensor::$variant(array) => {
                        let (values, shape) =
                            (array.view().iter().copied().collect(), array.view().shape().to_vec());
                        NdArrayTensor::from_data(TensorData::new::<$type, _>(values, shape))
                    }
                    other => {
                        panic!("a tensor of {}, got {:?}", stringify!($variant), other.dtype())
                    }
                }
            }

            fn values(tensor: &NdArrayTensor) -> &[$type] {
                match tensor {
                    NdArrayTensor::$variant(array) => {
                        array.view().to_slice().unwrap_or_else(|| panic!("a contiguous tensor"))
                    }
                    other => {
                        panic!("a tensor of {}, got {:?}", stringify!($variant), other.dtype())
                    }
                }
            }

            fn tensor<const D: usize>(values: Vec<$type>, shape: [usize; D]) -> NdArrayTensor {
                NdArrayTensor::from_data(TensorData::new(values, shape))
            }
        }
    };
}

cpu!(f32, F32);
cpu!(f64, F64);
