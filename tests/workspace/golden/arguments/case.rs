//! Builds a layer with weights from a golden file.

use std::collections::HashMap;

use burn::{
    module::Param,
    nn::activation::{ActivationConfig, EluConfig, HardSigmoidConfig},
    tensor::{Bool, Tensor},
};
use rnn_kernels::LstmState;
use rnn_models::{
    Gru, GruConfig, Lstm, LstmConfig, RecurrentLayer, Sequences, SimpleRnn, SimpleRnnConfig,
};

use crate::golden::Golden;

/// A golden file with its metadata.
pub(super) struct Case<'a> {
    pub(super) golden: &'a Golden<'a>,
    pub(super) metadata: &'a HashMap<String, String>,
}

/// Weights of a case under a prefix, as parameters of a layer.
pub(super) struct Leaves {
    pub(super) kernel: Tensor<2>,
    pub(super) recurrent_kernel: Tensor<2>,
    /// Bias in Keras's layout: `[G*H]`, or `[2, 3*H]` for a GRU.
    pub(super) bias: Option<Bias>,
}

pub(super) enum Bias {
    One(Tensor<1>),
    Two(Tensor<2>),
}

/// A recurrent layer of any cell, with a uniform access to its state.
pub(super) trait Layer: RecurrentLayer + Sized {
    fn build(case: &Case<'_>, prefix: &str) -> (Self, Leaves);
    fn initial(hidden: Tensor<2>, cell: Option<Tensor<2>>) -> Self::State;
    fn cell(state: &Self::State) -> Option<Tensor<2>>;
}

impl Case<'_> {
    pub(super) fn is(&self, key: &str) -> bool {
        self.metadata.get(key).is_some_and(|value| value == "true")
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        self.metadata.get(key).map_or(0.0, |value| value.parse().unwrap())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.golden.tensors.tensor(name).is_ok()
    }

    pub(super) fn activation(&self, key: &str, usual: ActivationConfig) -> ActivationConfig {
        match self.metadata.get(key).map(String::as_str) {
            None => usual,
            Some("tanh") => ActivationConfig::Tanh,
            Some("sigmoid") => ActivationConfig::Sigmoid,
            Some("relu") => ActivationConfig::Relu,
            Some("linear") => ActivationConfig::Identity,
            // Keras 3: relu6(x + 3) / 6.
            Some("hard_sigmoid") => ActivationConfig::HardSigmoid(
                HardSigmoidConfig::new().with_alpha(1.0 / 6.0).with_beta(0.5),
            ),
            Some("softsign") => ActivationConfig::Softsign,
            Some("elu") => ActivationConfig::Elu(EluConfig::new()),
            Some("selu") => ActivationConfig::Selu,
            Some("gelu") => ActivationConfig::Gelu,
            Some(other) => panic!("{}: activation {other}", self.golden.file),
        }
    }

    pub(super) fn leaves(&self, prefix: &str) -> Leaves {
        let name = |name: &str| format!("{prefix}{name}");
        let bias = self.has(&name("bias")).then(|| {
            match self.golden.data(&name("bias")).shape().num_dims() {
                1 => Bias::One(self.golden.leaf(&name("bias"))),
                _ => Bias::Two(self.golden.leaf(&name("bias"))),
            }
        });
        Leaves {
            kernel: self.golden.leaf(&name("kernel")),
            recurrent_kernel: self.golden.leaf(&name("recurrent_kernel")),
            bias,
        }
    }

    pub(super) fn mask(&self) -> Option<Tensor<2, Bool>> {
        self.has("mask").then(|| self.golden.constant::<2>("mask").greater_elem(0.5))
    }

    pub(super) fn sequences(&self, input: &Tensor<3>) -> Sequences {
        Sequences { values: input.clone(), mask: self.mask(), resets: None }
    }

    pub(super) fn check_leaves(
        &self,
        prefix: &str,
        leaves: &Leaves,
        gradients: &burn::tensor::Gradients,
    ) {
        let golden = self.golden;
        let check = |name: &str, got: Option<burn::tensor::TensorData>| {
            let got =
                got.unwrap_or_else(|| panic!("{}: no gradient of {prefix}{name}", golden.file));
            golden.check_data(&format!("grad_{prefix}{name}"), got);
        };
        check("kernel", leaves.kernel.grad(gradients).map(Tensor::into_data));
        check("recurrent_kernel", leaves.recurrent_kernel.grad(gradients).map(Tensor::into_data));
        match &leaves.bias {
            Some(Bias::One(bias)) => check("bias", bias.grad(gradients).map(Tensor::into_data)),
            Some(Bias::Two(bias)) => check("bias", bias.grad(gradients).map(Tensor::into_data)),
            None => {}
        }
    }
}

impl Leaves {
    pub(super) fn row(&self, index: usize) -> Option<Tensor<1>> {
        match &self.bias {
            Some(Bias::Two(bias)) => Some(bias.clone().narrow(0, index, 1).squeeze_dim(0)),
            Some(Bias::One(bias)) => (index == 0).then(|| bias.clone()),
            None => None,
        }
    }
}

/// A parameter that is a view of a leaf, so that gradients reach the leaf.
pub(super) fn param<const D: usize>(tensor: &Tensor<D>) -> Param<Tensor<D>> {
    Param::initialized(burn::module::ParamId::new(), tensor.clone())
}

/// Sets the fields that the configurations of all cells have.
macro_rules! common {
    ($config:ident, $case:ident, $leaves:ident) => {{
        let ([input, _], [units, _]) = ($leaves.kernel.dims(), $leaves.recurrent_kernel.dims());
        $config::new(input, units)
            .with_activation($case.activation("activation", ActivationConfig::Tanh))
            .with_bias($leaves.bias.is_some())
            .with_go_backwards($case.is("go_backwards"))
    }};
}

impl Layer for SimpleRnn {
    fn build(case: &Case<'_>, prefix: &str) -> (Self, Leaves) {
        let leaves = case.leaves(prefix);
        let mut layer = common!(SimpleRnnConfig, case, leaves).init(&case.golden.device);
        (layer.kernel, layer.recurrent_kernel) =
            (param(&leaves.kernel), param(&leaves.recurrent_kernel));
        layer.bias = leaves.row(0).as_ref().map(param);
        (layer, leaves)
    }

    fn initial(hidden: Tensor<2>, _: Option<Tensor<2>>) -> Tensor<2> {
        hidden
    }

    fn cell(_: &Tensor<2>) -> Option<Tensor<2>> {
        None
    }
}

impl Layer for Lstm {
    fn build(case: &Case<'_>, prefix: &str) -> (Self, Leaves) {
        let leaves = case.leaves(prefix);
        let gates = case.activation("recurrent_activation", ActivationConfig::Sigmoid);
        let mut layer = common!(LstmConfig, case, leaves)
            .with_recurrent_activation(gates)
            .init(&case.golden.device);
        (layer.kernel, layer.recurrent_kernel) =
            (param(&leaves.kernel), param(&leaves.recurrent_kernel));
        layer.bias = leaves.row(0).as_ref().map(param);
        (layer, leaves)
    }

    fn initial(hidden: Tensor<2>, cell: Option<Tensor<2>>) -> LstmState {
        LstmState { hidden, cell: cell.unwrap() }
    }

    fn cell(state: &LstmState) -> Option<Tensor<2>> {
        Some(state.cell.clone())
    }
}

impl Layer for Gru {
    fn build(case: &Case<'_>, prefix: &str) -> (Self, Leaves) {
        let leaves = case.leaves(prefix);
        let gates = case.activation("recurrent_activation", ActivationConfig::Sigmoid);
        let config = common!(GruConfig, case, leaves)
            .with_recurrent_activation(gates)
            .with_reset_after(case.is("reset_after"));
        let mut layer = config.init(&case.golden.device);
        (layer.kernel, layer.recurrent_kernel) =
            (param(&leaves.kernel), param(&leaves.recurrent_kernel));
        [layer.bias, layer.recurrent_bias] = [0, 1].map(|row| leaves.row(row).as_ref().map(param));
        (layer, leaves)
    }

    fn initial(hidden: Tensor<2>, _: Option<Tensor<2>>) -> Tensor<2> {
        hidden
    }

    fn cell(_: &Tensor<2>) -> Option<Tensor<2>> {
        None
    }
}
