//! Shape checks of the operators. Misuse panics, as Burn's own modules do, and names the operator, the tensor and both shapes.

use burn::tensor::Tensor;

/// The sizes of one call, read off the input and the recurrent kernel once all tensors agree.
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) hidden: usize,
}

/// The weights every cell has, and the name its errors start with.
pub(crate) struct CellCheck<'a> {
    pub(crate) op: &'static str,
    pub(crate) gates: usize,
    pub(crate) kernel: &'a Tensor<2>,
    pub(crate) recurrent_kernel: &'a Tensor<2>,
}

impl CellCheck<'_> {
    /// Checks the input and the two kernels against each other.
    pub(crate) fn sizes(&self, input: &Tensor<3>) -> Sizes {
        let [batch, time, features] = input.dims();
        let [hidden, _] = self.recurrent_kernel.dims();
        assert!(
            batch > 0 && time > 0 && features > 0 && hidden > 0,
            "{}: input is [batch {batch}, time {time}, features {features}] with {hidden} hidden units; every size must be at least 1",
            self.op
        );
        self.shape("kernel", self.kernel.dims(), [features, self.gates * hidden]);
        self.shape("recurrent kernel", self.recurrent_kernel.dims(), [hidden, self.gates * hidden]);
        Sizes { batch, hidden }
    }

    /// Checks a bias of `[G*H]`.
    pub(crate) fn bias(&self, name: &str, bias: Option<&Tensor<1>>, sizes: &Sizes) {
        if let Some(bias) = bias {
            self.shape(name, bias.dims(), [self.gates * sizes.hidden]);
        }
    }

    /// Checks a state of `[B, H]`.
    pub(crate) fn state(&self, name: &str, state: &Tensor<2>, sizes: &Sizes) {
        self.shape(name, state.dims(), [sizes.batch, sizes.hidden]);
    }

    fn shape<const D: usize>(&self, name: &str, got: [usize; D], expected: [usize; D]) {
        assert!(got == expected, "{}: {name} has shape {got:?}, expected {expected:?}", self.op);
    }
}
