//! Resets of states before a step, as tensor operations of a backend.

use burn::{
    backend::{
        Backend, TensorMetadata, get_device_settings,
        tensor::{BoolTensor, FloatTensor},
    },
    tensor::Shape,
};

use crate::operands::dims;

/// Sequences whose state is reset before a step, `[B, H]` each.
pub(crate) struct Reset<B: Backend> {
    to_zeros: BoolTensor<B>,
    to_initial: BoolTensor<B>,
}

impl<B: Backend> Reset<B> {
    /// Reads the codes of a step, `[B, 1]`; see [`crate::extension::Operands::resets`].
    pub(crate) fn new(codes: FloatTensor<B>, units: usize) -> Self {
        let [batch, _] = dims(codes.shape());
        let settings = get_device_settings::<B>(&codes.device());
        let have = |code: f32| {
            let equal = B::float_equal_elem(codes.clone(), code.into(), settings.bool_dtype);
            B::bool_expand(equal, Shape::new([batch, units]))
        };
        Self { to_zeros: have(1.0), to_initial: have(2.0) }
    }

    /// The state before the step.
    pub(crate) fn apply(&self, state: FloatTensor<B>, initial: &FloatTensor<B>) -> FloatTensor<B> {
        let state = B::float_mask_fill(state, self.to_zeros.clone(), 0.0.into());
        B::float_mask_where(state, self.to_initial.clone(), initial.clone())
    }

    /// Ends the gradient of a state where it was reset. Returns it, and the gradient of the initial
    /// state with its part.
    pub(crate) fn end(
        &self,
        gradient: FloatTensor<B>,
        initial: FloatTensor<B>,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let sum = B::float_add(initial.clone(), gradient.clone());
        let initial = B::float_mask_where(initial, self.to_initial.clone(), sum);
        let gradient = B::float_mask_fill(gradient, self.to_zeros.clone(), 0.0.into());
        (B::float_mask_fill(gradient, self.to_initial.clone(), 0.0.into()), initial)
    }
}
