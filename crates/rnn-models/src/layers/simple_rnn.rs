use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    nn::{
        Initializer,
        activation::{Activation, ActivationConfig},
    },
    tensor::{Device, Tensor},
};
use rnn_kernels::{HiddenOutput, SimpleRnnWeights, simple_rnn, simple_rnn_reference};

use super::{
    layer::{RecurrentLayer, RecurrentLayerConfig, at_least_one, refuse_backwards},
    options::{LayerOptions, LayerWeights, activate, constrain, layer, variant, zero_before_start},
    sequences::Sequences,
    weights::{ByWeight, Constraint, Regularizer},
};
use crate::initializers::{glorot_uniform, matrix, orthogonal, vector};

/// Configuration of a [`SimpleRnn`]; its defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct SimpleRnnConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the hidden state (Keras `activation`). Other activations than tanh run as
    /// separate tensor operations, several times slower.
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Whether the layer has a bias (Keras `use_bias`).
    #[config(default = true)]
    pub bias: bool,
    /// Initialiser of the kernel (Keras `kernel_initializer`).
    #[config(default = "glorot_uniform()")]
    pub kernel_initializer: Initializer,
    /// Initialiser of the recurrent kernel (Keras `recurrent_initializer`).
    #[config(default = "orthogonal()")]
    pub recurrent_initializer: Initializer,
    /// Initialiser of the bias (Keras `bias_initializer`).
    #[config(default = "Initializer::Zeros")]
    pub bias_initializer: Initializer,
    /// Fraction of the inputs dropped while training (Keras `dropout`). Each sequence has its own
    /// mask.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Fraction of the hidden states dropped before the recurrent product while training (Keras
    /// `recurrent_dropout`). Each sequence has its own mask. It has no fused operator: a training
    /// step is several times slower.
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Whether the layer reads time backwards (Keras `go_backwards`). The last time step comes
    /// first in the output.
    #[config(default = false)]
    pub go_backwards: bool,
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

/// A fully connected recurrent layer: `h_t = activation(x_t K + h_(t-1) R + b)`.
///
/// # References
///
/// Keras `SimpleRNN`.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct SimpleRnn {
    /// Input weights, `[I, H]`.
    pub kernel: Param<Tensor<2>>,
    /// Recurrent weights, `[H, H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// Bias, `[H]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Activation of the hidden state.
    pub activation: Activation,
    /// Options of the layer besides its weights.
    #[module(skip)]
    pub(super) options: LayerOptions,
}

impl SimpleRnnConfig {
    /// Creates the layer on a device. Weights are drawn in the order of the fields.
    ///
    /// # Panics
    ///
    /// Panics if a size is zero or a dropout rate is not in [0, 1). It panics if a regularizer's
    /// factor is negative or not finite. It panics if a constraint's largest norm is not positive
    /// and finite, or if the bias initialiser is orthogonal. The message names the field.
    ///
    /// # Examples
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use rnn_models::SimpleRnnConfig;
    ///
    /// let device = Device::flex();
    /// let layer = SimpleRnnConfig::new(1, 80).init(&device);
    /// let output = layer.forward(Tensor::zeros([64, 60, 1], &device), None);
    /// assert_eq!(output.sequence.dims(), [64, 60, 80]);
    /// assert_eq!(output.last().dims(), [64, 80]);
    /// ```
    pub fn init(&self, device: &Device) -> SimpleRnn {
        let options = self.options();
        SimpleRnn {
            kernel: matrix(&self.kernel_initializer, [self.input_size, self.units], device),
            recurrent_kernel: matrix(&self.recurrent_initializer, [self.units, self.units], device),
            bias: self.bias.then(|| vector(&self.bias_initializer, 1, self.units, device)),
            activation: self.activation.init(device),
            options,
        }
    }
}

impl SimpleRnn {
    /// Runs the layer over a batch of sequences. The input is a tensor, or [`Sequences`] with a
    /// mask.
    ///
    /// The fused operator runs if the activation is tanh and no recurrent dropout is active.
    /// Otherwise separate tensor operations run, several times slower.
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
        let masks = self.options.masks(&sequences, 1, self.recurrent_kernel.shape()[0]);
        let weights = SimpleRnnWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
        };
        let (mask, has_initial) = (sequences.mask.clone(), initial.is_some());
        let steps = sequences.steps();
        let mut output =
            if matches!(self.activation, Activation::Tanh(_)) && masks.recurrent.is_none() {
                simple_rnn(sequences.values, weights, initial, steps)
            } else {
                let activation = activate(&self.activation);
                let variant = variant(&activation, &rnn_kernels::sigmoid, &sequences, masks);
                simple_rnn_reference(sequences.values, weights, initial, &variant)
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

impl RecurrentLayer for SimpleRnn {
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
            biases: [self.bias.as_ref(), None],
        })
    }

    fn constrained(self) -> Self {
        let limits = self.options.constraints;
        Self {
            kernel: constrain(self.kernel, limits.kernel),
            recurrent_kernel: constrain(self.recurrent_kernel, limits.recurrent_kernel),
            bias: self.bias.map(|bias| constrain(bias, limits.bias)),
            ..self
        }
    }
}

layer!(SimpleRnn, SimpleRnnConfig);
