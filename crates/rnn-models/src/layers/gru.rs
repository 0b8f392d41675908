use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    nn::{
        Initializer,
        activation::{Activation, ActivationConfig},
    },
    tensor::{Device, Tensor},
};
use rnn_kernels::{GruWeights, HiddenOutput, Variant, gru, gru_reference};

use super::{
    layer::{RecurrentLayer, RecurrentLayerConfig, at_least_one, refuse_backwards},
    options::{
        LayerOptions, LayerWeights, activate, constrain, has_default_activations, layer, variant,
        zero_before_start,
    },
    sequences::Sequences,
    weights::{ByWeight, Constraint, Regularizer},
};
use crate::initializers::{glorot_uniform, matrix, orthogonal, vector};

/// Configuration of a [`Gru`]; its defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct GruConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the candidate (Keras `activation`). Other activations than tanh run as
    /// separate tensor operations, several times slower.
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Activation of the gates (Keras `recurrent_activation`). Other activations than sigmoid run
    /// as separate tensor operations, several times slower.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub recurrent_activation: ActivationConfig,
    /// Whether the layer has biases (Keras `use_bias`): one for the input product and, with
    /// `reset_after`, one for the recurrent product.
    #[config(default = true)]
    pub bias: bool,
    /// Initialiser of the kernel (Keras `kernel_initializer`).
    #[config(default = "glorot_uniform()")]
    pub kernel_initializer: Initializer,
    /// Initialiser of the recurrent kernel (Keras `recurrent_initializer`).
    #[config(default = "orthogonal()")]
    pub recurrent_initializer: Initializer,
    /// Initialiser of the biases (Keras `bias_initializer`).
    #[config(default = "Initializer::Zeros")]
    pub bias_initializer: Initializer,
    /// Fraction of the inputs dropped while training (Keras `dropout`). Each sequence has its own
    /// mask.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Fraction of the hidden states dropped before the recurrent product while training (Keras
    /// `recurrent_dropout`). Each sequence and gate has its own mask. It has no fused operator: a
    /// training step is several times slower.
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Whether the layer reads time backwards (Keras `go_backwards`). The last time step comes
    /// first in the output.
    #[config(default = false)]
    pub go_backwards: bool,
    /// Whether the reset gate acts after the recurrent product (Keras `reset_after`). Otherwise
    /// there is no recurrent bias and no fused operator.
    #[config(default = true)]
    pub reset_after: bool,
    /// Penalty on the kernel (Keras `kernel_regularizer`).
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the recurrent kernel (Keras `recurrent_regularizer`).
    pub recurrent_regularizer: Option<Regularizer>,
    /// Penalty on the bias (Keras `bias_regularizer`).
    pub bias_regularizer: Option<Regularizer>,
    /// Constraint on the kernel (Keras `kernel_constraint`).
    pub kernel_constraint: Option<Constraint>,
    /// Constraint on the recurrent kernel (Keras `recurrent_constraint`).
    pub recurrent_constraint: Option<Constraint>,
    /// Constraint on the bias (Keras `bias_constraint`).
    pub bias_constraint: Option<Constraint>,
}

/// A gated recurrent unit (GRU) layer. Its weights hold the gates `z, r, h` (update, reset,
/// candidate) side by side.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::GruConfig;
///
/// let device = Device::flex();
/// let layer = GruConfig::new(3, 16).with_dropout(0.1).init(&device);
/// let output = layer.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.sequence.dims(), [2, 5, 16]); // all hidden states
/// assert_eq!(output.state.dims(), [2, 16]); // the last one
///
/// // The next batch continues from that state.
/// layer.forward(Tensor::ones([2, 5, 3], &device), Some(output.state));
/// ```
///
/// # References
///
/// Cho et al. (2014); Keras `GRU`.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Gru {
    /// Input weights, `[I, 3*H]`.
    pub kernel: Param<Tensor<2>>,
    /// Recurrent weights, `[H, 3*H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// Bias of the input product, `[3*H]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Bias of the recurrent product, `[3*H]`.
    pub recurrent_bias: Option<Param<Tensor<1>>>,
    /// Activation of the candidate.
    pub activation: Activation,
    /// Activation of the gates.
    pub recurrent_activation: Activation,
    /// Whether the reset gate acts after the recurrent product.
    pub reset_after: bool,
    /// Options of the layer besides its weights.
    #[module(skip)]
    pub(super) options: LayerOptions,
}

impl GruConfig {
    /// Creates the layer on a device. Weights are drawn in the order of the fields.
    ///
    /// # Panics
    ///
    /// Panics if a size is zero or a dropout rate is not in [0, 1). It panics if a regularizer's
    /// factor is negative or not finite. It panics if a constraint's largest norm is not positive
    /// and finite, or if the bias initialiser is orthogonal. The message names the field.
    pub fn init(&self, device: &Device) -> Gru {
        let options = self.options();
        let rows = if self.reset_after { 2 } else { 1 };
        let bias = |wanted: bool| {
            wanted.then(|| vector(&self.bias_initializer, rows, 3 * self.units, device))
        };
        Gru {
            kernel: matrix(&self.kernel_initializer, [self.input_size, 3 * self.units], device),
            recurrent_kernel: matrix(
                &self.recurrent_initializer,
                [self.units, 3 * self.units],
                device,
            ),
            bias: bias(self.bias),
            recurrent_bias: bias(self.bias && self.reset_after),
            activation: self.activation.init(device),
            recurrent_activation: self.recurrent_activation.init(device),
            reset_after: self.reset_after,
            options,
        }
    }
}

impl Gru {
    /// Runs the layer over a batch of sequences. The input is a tensor, or [`Sequences`] with a
    /// mask.
    ///
    /// The fused operator runs if the activations are tanh and sigmoid, `reset_after` is set, and
    /// no recurrent dropout is active. Otherwise separate tensor operations run, several times
    /// slower.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: `[B, H]`, zeros if `None`
    /// - output: all hidden states `[B, T, H]` and the final state `[B, H]`
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape; the message names it.
    pub fn forward(&self, input: impl Into<Sequences>, initial: Option<Tensor<2>>) -> HiddenOutput {
        let sequences = self.options.prepare(input.into());
        let masks = self.options.masks(&sequences, 3, self.recurrent_kernel.shape()[0]);
        let weights = GruWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
            recurrent_bias: self.recurrent_bias.as_ref().map(Param::val),
        };
        let (mask, has_initial) = (sequences.mask.clone(), initial.is_some());
        let steps = sequences.steps();
        let mut output = if self.reset_after
            && has_default_activations(&self.activation, &self.recurrent_activation)
            && masks.recurrent.is_none()
        {
            gru(sequences.values, weights, initial, steps)
        } else {
            let activation = activate(&self.activation);
            let recurrent_activation = activate(&self.recurrent_activation);
            let variant = Variant {
                reset_after: self.reset_after,
                ..variant(&activation, &recurrent_activation, &sequences, masks)
            };
            gru_reference(sequences.values, weights, initial, &variant)
        };
        output.sequence = zero_before_start(output.sequence, mask, has_initial);
        output
    }

    /// Runs one step, for streaming inference. Takes an input `[B, I]` and the previous state,
    /// zeros if `None`; returns the next state.
    ///
    /// Calling it for each step gives the same result as [`Self::forward`] over the sequence. With
    /// dropout in training, each step draws its own masks.
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape, or the layer has `go_backwards` set.
    pub fn step(&self, input: Tensor<2>, state: Option<Tensor<2>>) -> Tensor<2> {
        refuse_backwards("step", "call `forward` instead", [self]);
        self.forward(input.unsqueeze_dim::<3>(1), state).state
    }
}

impl RecurrentLayer for Gru {
    type State = Tensor<2>;

    fn run(&self, input: Sequences, initial: Option<Tensor<2>>) -> (Tensor<3>, Tensor<2>) {
        let output = self.forward(input, initial);
        (output.sequence, output.state)
    }

    fn hidden(state: &Tensor<2>) -> Tensor<2> {
        state.clone()
    }

    fn detached(state: Tensor<2>) -> Tensor<2> {
        state.detach()
    }

    fn goes_backwards(&self) -> bool {
        self.options.go_backwards
    }

    fn penalty(&self) -> Option<Tensor<1>> {
        self.options.penalty(&LayerWeights {
            kernel: &self.kernel,
            recurrent_kernel: &self.recurrent_kernel,
            biases: [self.bias.as_ref(), self.recurrent_bias.as_ref()],
        })
    }

    fn constrained(self) -> Self {
        let limits = self.options.constraints;
        let (bias, recurrent_bias) = match (self.bias, self.recurrent_bias, limits.bias) {
            // Keras keeps both biases in one tensor of two rows and takes the norm of each column.
            (Some(bias), Some(recurrent_bias), Some(limit)) => {
                let rows = Tensor::stack::<2>(vec![bias.val(), recurrent_bias.val()], 0)
                    .set_require_grad(false);
                let kept = limit.apply(rows);
                let row = |bias: Param<Tensor<1>>, index| {
                    let kept = kept.clone().narrow(0, index, 1).squeeze_dim::<1>(0);
                    bias.map(|bias| kept.set_require_grad(bias.is_require_grad()))
                };
                (Some(row(bias, 0)), Some(row(recurrent_bias, 1)))
            }
            (bias, recurrent_bias, limit) => {
                (bias.map(|bias| constrain(bias, limit)), recurrent_bias)
            }
        };
        Self {
            kernel: constrain(self.kernel, limits.kernel),
            recurrent_kernel: constrain(self.recurrent_kernel, limits.recurrent_kernel),
            bias,
            recurrent_bias,
            ..self
        }
    }
}

layer!(Gru, GruConfig);
