//! Checks of the operators' tensors. Misuse panics, as in Burn's own modules. The message names the
//! operator, the tensor and the expected value.

use burn::tensor::{DType, Device, Tensor};

use crate::{operator::computing, sizes::Sizes, steps::Steps, variant::Variant};

/// Properties that all tensors of a call must share, and the operator's name for messages.
pub(crate) struct CellCheck {
    op: &'static str,
    gates: usize,
    device: Device,
    /// The first autodiff device among the tensors, if any.
    tracked: Option<Device>,
    dtype: DType,
    pub(crate) sizes: Sizes,
}

impl CellCheck {
    /// Checks that input and kernels fit together.
    pub(crate) fn new(
        op: &'static str,
        gates: usize,
        input: &Tensor<3>,
        kernel: &Tensor<2>,
        recurrent_kernel: &Tensor<2>,
    ) -> Self {
        let [batch, time, features] = input.dims();
        let [hidden, _] = recurrent_kernel.dims();
        assert!(
            batch > 0 && time > 0 && features > 0 && hidden > 0,
            "{op}: input is [batch {batch}, time {time}, features {features}] with {hidden} hidden \
             units (every size must be at least 1)"
        );
        let dtype = input.dtype();
        let known =
            matches!(dtype, DType::F32 | DType::F64 | DType::F16 | DType::BF16 | DType::Flex32);
        assert!(known, "{op}: input is {dtype:?} (expected F32, F64, F16, BF16 or Flex32)");
        let sizes = Sizes { batch, time, input: features, hidden };
        let devices = [input.device(), kernel.device(), recurrent_kernel.device()];
        let tracked = devices.iter().find(|device| device.is_autodiff()).cloned();
        let check = Self { op, gates, device: input.device(), tracked, dtype, sizes };
        check.tensor("kernel", kernel, [features, gates * hidden]);
        check.tensor("recurrent kernel", recurrent_kernel, [hidden, gates * hidden]);
        check
    }

    /// Checks a bias, `[G*H]`.
    pub(crate) fn bias(&self, name: &str, bias: Option<&Tensor<1>>) {
        if let Some(bias) = bias {
            self.tensor(name, bias, [self.gates * self.sizes.hidden]);
        }
    }

    /// Checks a state, `[B, H]`.
    pub(crate) fn state(&self, name: &str, state: Option<&Tensor<2>>) {
        if let Some(state) = state {
            self.tensor(name, state, [self.sizes.batch, self.sizes.hidden]);
        }
    }

    /// Checks a mask and resets, `[B, T]` each.
    pub(crate) fn steps(&self, steps: &Steps) {
        let resets = steps.resets.as_ref().map(|resets| &resets.before);
        for (name, tensor) in [("mask", steps.mask.as_ref()), ("resets", resets)] {
            if let Some(tensor) = tensor {
                self.shape(name, tensor.dims(), [self.sizes.batch, self.sizes.time]);
                self.place(name, &tensor.device());
            }
        }
    }

    /// Checks the tensors of a variant.
    pub(crate) fn variant(&self, variant: &Variant<'_>) {
        self.steps(&variant.steps);
        let Sizes { batch, input, hidden, .. } = self.sizes;
        let factors = [
            ("input dropout", &variant.input_dropout, input),
            ("recurrent dropout", &variant.recurrent_dropout, hidden),
        ];
        for (name, factors, width) in factors {
            if let Some(factors) = factors {
                assert!(
                    factors.len() == self.gates,
                    "{}: {name} has {} masks (expected one per gate, {})",
                    self.op,
                    factors.len(),
                    self.gates
                );
                factors.iter().for_each(|factor| self.tensor(name, factor, [batch, width]));
            }
        }
    }

    fn tensor<const D: usize>(&self, name: &str, tensor: &Tensor<D>, expected: [usize; D]) {
        self.shape(name, tensor.dims(), expected);
        self.place(name, &tensor.device());
        let (got, expected) = (tensor.dtype(), self.dtype);
        assert!(got == expected, "{}: {name} is {got:?}, the input {expected:?}", self.op);
    }

    fn shape<const D: usize>(&self, name: &str, got: [usize; D], expected: [usize; D]) {
        assert!(got == expected, "{}: {name} has shape {got:?} (expected {expected:?})", self.op);
    }

    fn place(&self, name: &str, device: &Device) {
        let same = computing(device) == computing(&self.device);
        assert!(same, "{}: {name} is on {device:?}, the input on {:?}", self.op, self.device);
        let strategies = [Some(device), self.tracked.as_ref()]
            .map(|device| device.and_then(Device::gradient_checkpointing_strategy));
        if let [Some(got), Some(expected)] = strategies {
            assert!(
                got == expected,
                "{}: gradient checkpointing of {name} is {got:?}, of the other tensors \
                 {expected:?} (use one device for all)",
                self.op
            );
        }
    }
}
