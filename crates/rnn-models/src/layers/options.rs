//! Options, dropout masks and helpers that the three layers share.

use burn::{
    module::Param,
    nn::activation::Activation,
    tensor::{Bool, Device, Tensor},
};
use rnn_kernels::{Variant, dropout_mask};

use super::{
    sequences::Sequences,
    weights::{ByWeight, Constraint, Regularizer},
};

/// Options of a layer besides its weights.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerOptions {
    pub(crate) dropout: f64,
    pub(crate) recurrent_dropout: f64,
    pub(crate) go_backwards: bool,
    pub(crate) regularizers: ByWeight<Regularizer>,
    pub(crate) constraints: ByWeight<Constraint>,
}

/// Borrowed weights of one layer.
pub(crate) struct LayerWeights<'a> {
    pub(crate) kernel: &'a Param<Tensor<2>>,
    pub(crate) recurrent_kernel: &'a Param<Tensor<2>>,
    pub(crate) biases: [Option<&'a Param<Tensor<1>>>; 2],
}

/// Dropout masks of one batch, one row per sequence. Dropped values have the factor 0, the others
/// `1 / (1 - rate)`.
#[derive(Default)]
pub(crate) struct DropoutMasks {
    pub(crate) input: Option<Vec<Tensor<2>>>,
    pub(crate) recurrent: Option<Vec<Tensor<2>>>,
}

impl LayerOptions {
    /// # Panics
    ///
    /// Panics if a dropout rate is not in [0, 1), or a regularizer or constraint has an invalid
    /// number.
    pub(crate) fn check(self) -> Self {
        for (name, rate) in
            [("dropout", self.dropout), ("recurrent_dropout", self.recurrent_dropout)]
        {
            assert!(
                (0.0..1.0).contains(&rate),
                "{name}: rate is {rate} (expected at least 0 and below 1)"
            );
        }
        for (name, regularizer) in self.regularizers.named() {
            regularizer.check(&format!("{name}_regularizer"));
        }
        for (name, constraint) in self.constraints.named() {
            constraint.check(&format!("{name}_constraint"));
        }
        self
    }

    /// True if dropout at this rate is active on the device.
    fn drops(rate: f64, device: &Device) -> bool {
        rate > 0.0 && device.is_autodiff()
    }

    /// Draws the masks of recurrent dropout, one per gate, together with those of the input, as
    /// Keras does.
    ///
    /// Without recurrent dropout there are no masks: [`Self::prepare`] applies the input's dropout.
    pub(crate) fn masks(&self, sequences: &Sequences, gates: usize, units: usize) -> DropoutMasks {
        let device = sequences.values.device();
        if !Self::drops(self.recurrent_dropout, &device) {
            return DropoutMasks::default();
        }
        let [batch, _, input] = sequences.values.dims();
        let draw = |rate: f64, width: usize| {
            (0..gates)
                .map(|_| dropout_mask([batch, width], rate, &device, sequences.values.dtype()))
                .collect()
        };
        let input = Self::drops(self.dropout, &device).then(|| draw(self.dropout, input));
        DropoutMasks { input, recurrent: Some(draw(self.recurrent_dropout, units)) }
    }

    /// Reverses time and applies dropout to the inputs, as the options say.
    pub(crate) fn prepare(&self, sequences: Sequences) -> Sequences {
        let mut sequences = if self.go_backwards { sequences.reversed() } else { sequences };
        let device = sequences.values.device();
        if Self::drops(self.dropout, &device) && self.recurrent_dropout == 0.0 {
            let [batch, _, input] = sequences.values.dims();
            let mask =
                dropout_mask([batch, input], self.dropout, &device, sequences.values.dtype());
            sequences.values = sequences.values * mask.unsqueeze_dim(1);
        }
        sequences
    }

    /// Sum of the penalties, `[1]`; `None` without a regularizer.
    pub(crate) fn penalty(&self, weights: &LayerWeights<'_>) -> Option<Tensor<1>> {
        let ByWeight { kernel, recurrent_kernel, bias } = &self.regularizers;
        let matrix = |regularizer: &Option<Regularizer>, weights: &Param<Tensor<2>>| {
            regularizer.map(|it| it.penalty(weights.val()))
        };
        let mut penalties = vec![
            matrix(kernel, weights.kernel),
            matrix(recurrent_kernel, weights.recurrent_kernel),
        ];
        penalties.extend(
            weights.biases.iter().flatten().map(|weights| bias.map(|it| it.penalty(weights.val()))),
        );
        penalties.into_iter().flatten().reduce(|sum, penalty| sum + penalty)
    }
}

/// True for tanh and sigmoid, the activations of the fused operators.
pub(crate) fn has_default_activations(
    activation: &Activation,
    recurrent_activation: &Activation,
) -> bool {
    matches!(activation, Activation::Tanh(_))
        && matches!(recurrent_activation, Activation::Sigmoid(_))
}

/// An activation as a function for the reference operators. In Burn 0.22.1 on ndarray, both
/// sigmoids compute in f32 for every type. The gradient of gelu is that of its approximation. All
/// three are exact here.
pub(crate) fn activate(activation: &Activation) -> impl Fn(Tensor<2>) -> Tensor<2> {
    move |values| match activation {
        Activation::Sigmoid(_) => rnn_kernels::sigmoid(values),
        Activation::HardSigmoid(it) => (values * it.alpha + it.beta).clamp(0.0, 1.0),
        Activation::Gelu(it) if !it.approximate => {
            values.clone() * ((values / std::f64::consts::SQRT_2).erf() + 1.0) * 0.5
        }
        other => other.forward(values),
    }
}

/// Builds the operator variant of a layer with these activations.
pub(crate) fn variant<'a>(
    activation: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    recurrent_activation: &'a dyn Fn(Tensor<2>) -> Tensor<2>,
    sequences: &Sequences,
    masks: DropoutMasks,
) -> Variant<'a> {
    Variant {
        activation,
        recurrent_activation,
        steps: sequences.steps(),
        input_dropout: masks.input,
        recurrent_dropout: masks.recurrent,
        ..Variant::default()
    }
}

/// Sets the hidden states before the first unmasked step to zero, as Keras does, for any initial
/// state.
pub(crate) fn zero_before_start(
    sequence: Tensor<3>,
    mask: Option<Tensor<2, Bool>>,
    has_initial: bool,
) -> Tensor<3> {
    match mask {
        Some(mask) if has_initial => {
            let started = mask.float().cumsum(1).greater_elem(0.0);
            let shape = sequence.dims();
            sequence.mask_fill(started.bool_not().unsqueeze_dim::<3>(2).expand(shape), 0.0)
        }
        _ => sequence,
    }
}

/// Applies a constraint to weights. The parameter keeps its id, so the optimizer's state stays
/// valid.
pub(crate) fn constrain<const D: usize>(
    weights: Param<Tensor<D>>,
    constraint: Option<Constraint>,
) -> Param<Tensor<D>> {
    match constraint {
        Some(constraint) => weights.map(|weights| {
            let tracked = weights.is_require_grad();
            constraint.apply(weights.set_require_grad(false)).set_require_grad(tracked)
        }),
        None => weights,
    }
}

/// Implements what the layers have in common; it relies on equal field names.
macro_rules! layer {
    ($layer:ident, $config:ident) => {
        impl $config {
            /// Checked options of the layer besides its weights.
            ///
            /// # Panics
            ///
            /// Panics if an option is invalid or a size is zero.
            fn options(&self) -> LayerOptions {
                at_least_one(stringify!($config), "input_size", self.input_size);
                at_least_one(stringify!($config), "units", self.units);
                LayerOptions {
                    dropout: self.dropout,
                    recurrent_dropout: self.recurrent_dropout,
                    go_backwards: self.go_backwards,
                    regularizers: ByWeight {
                        kernel: self.kernel_regularizer,
                        recurrent_kernel: self.recurrent_regularizer,
                        bias: self.bias_regularizer,
                    },
                    constraints: ByWeight {
                        kernel: self.kernel_constraint,
                        recurrent_kernel: self.recurrent_constraint,
                        bias: self.bias_constraint,
                    },
                }
                .check()
            }
        }

        impl RecurrentLayerConfig for $config {
            type Layer = $layer;

            fn layer(&self, input_size: usize, device: &Device) -> $layer {
                Self { input_size, ..self.clone() }.init(device)
            }

            fn input_size(&self) -> usize {
                self.input_size
            }

            fn units(&self) -> usize {
                self.units
            }
        }

        impl ModuleDisplay for $layer {
            fn custom_settings(&self) -> Option<DisplaySettings> {
                DisplaySettings::new().with_new_line_after_attribute(false).optional()
            }

            fn custom_content(&self, content: Content) -> Option<Content> {
                let ([input_size, _], [units, _]) =
                    (self.kernel.shape().dims(), self.recurrent_kernel.shape().dims());
                content
                    .add("input_size", &input_size)
                    .add("units", &units)
                    .add("bias", &self.bias.is_some())
                    .optional()
            }
        }
    };
}
pub(super) use layer;
