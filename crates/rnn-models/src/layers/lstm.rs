use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    nn::{
        Initializer,
        activation::{Activation, ActivationConfig},
    },
    tensor::{Device, Tensor, TensorData},
};
use rnn_kernels::{LstmOutput, LstmState, LstmWeights, lstm, lstm_reference};

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

/// Configuration of an [`Lstm`]; its defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the candidate and of the output (Keras `activation`). Other activations than
    /// tanh run as separate tensor operations, several times slower.
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Activation of the gates (Keras `recurrent_activation`). Other activations than sigmoid run
    /// as separate tensor operations, several times slower.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub recurrent_activation: ActivationConfig,
    /// Whether the layer has a bias (Keras `use_bias`).
    #[config(default = true)]
    pub bias: bool,
    /// Whether the forget gate's bias starts at one (Keras `unit_forget_bias`). It then overrides
    /// `bias_initializer` for that gate.
    #[config(default = true)]
    pub unit_forget_bias: bool,
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
    /// `recurrent_dropout`). Each sequence and gate has its own mask. It has no fused operator: a
    /// training step is several times slower.
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

/// A long short-term memory (LSTM) layer. Its weights hold the gates `i, f, c, o` (input, forget,
/// candidate, output) side by side.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::LstmConfig;
///
/// let device = Device::flex();
/// let layer = LstmConfig::new(3, 16).init(&device);
/// let output = layer.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.sequence.dims(), [2, 5, 16]); // all hidden states
/// assert_eq!(output.last().dims(), [2, 16]); // the last one
/// assert_eq!(output.state.cell.dims(), [2, 16]);
///
/// // The next batch continues from both states.
/// layer.forward(Tensor::ones([2, 5, 3], &device), Some(output.state));
/// ```
///
/// # References
///
/// Hochreiter and Schmidhuber (1997); Keras `LSTM`.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Lstm {
    /// Input weights, `[I, 4*H]`.
    pub kernel: Param<Tensor<2>>,
    /// Recurrent weights, `[H, 4*H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// Bias, `[4*H]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Activation of the candidate and of the output.
    pub activation: Activation,
    /// Activation of the gates.
    pub recurrent_activation: Activation,
    /// Options of the layer besides its weights.
    #[module(skip)]
    pub(super) options: LayerOptions,
}

impl LstmConfig {
    /// Creates the layer on a device. Weights are drawn in the order of the fields.
    ///
    /// # Panics
    ///
    /// Panics if a size is zero or a dropout rate is not in [0, 1). It panics if a regularizer's
    /// factor is negative or not finite. It panics if a constraint's largest norm is not positive
    /// and finite, or if the bias initialiser is orthogonal. The message names the field.
    pub fn init(&self, device: &Device) -> Lstm {
        let options = self.options();
        Lstm {
            kernel: matrix(&self.kernel_initializer, [self.input_size, 4 * self.units], device),
            recurrent_kernel: matrix(
                &self.recurrent_initializer,
                [self.units, 4 * self.units],
                device,
            ),
            bias: self.bias.then(|| self.init_bias(device)),
            activation: self.activation.init(device),
            recurrent_activation: self.recurrent_activation.init(device),
            options,
        }
    }

    fn init_bias(&self, device: &Device) -> Param<Tensor<1>> {
        let draw = |size: usize| vector(&self.bias_initializer, 1, size, device);
        if !self.unit_forget_bias {
            return draw(4 * self.units);
        }
        // Keras draws the input gate's bias alone and those of the last two gates together. The
        // fans of each draw are its own size.
        let [input, rest] = [self.units, 2 * self.units]
            .map(|size| draw(size).val().into_data().iter::<f64>().collect::<Vec<_>>());
        let values = [input, vec![1.0; self.units], rest].concat();
        Param::from_data(TensorData::new(values, [4 * self.units]), device)
    }
}

impl Lstm {
    /// Runs the layer over a batch of sequences. The input is a tensor, or [`Sequences`] with a
    /// mask.
    ///
    /// The fused operator runs if the activations are tanh and sigmoid and no recurrent dropout is
    /// active. Otherwise separate tensor operations run, several times slower.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: hidden and cell state, `[B, H]` each, zeros if `None`
    /// - output: all hidden states `[B, T, H]` and both final states `[B, H]`
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape; the message names it.
    pub fn forward(&self, input: impl Into<Sequences>, initial: Option<LstmState>) -> LstmOutput {
        let sequences = self.options.prepare(input.into());
        let masks = self.options.masks(&sequences, 4, self.recurrent_kernel.shape()[0]);
        let weights = LstmWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
        };
        let (mask, has_initial) = (sequences.mask.clone(), initial.is_some());
        let steps = sequences.steps();
        let mut output = if has_default_activations(&self.activation, &self.recurrent_activation)
            && masks.recurrent.is_none()
        {
            lstm(sequences.values, weights, initial, steps)
        } else {
            let activation = activate(&self.activation);
            let recurrent_activation = activate(&self.recurrent_activation);
            let variant = variant(&activation, &recurrent_activation, &sequences, masks);
            lstm_reference(sequences.values, weights, initial, &variant)
        };
        output.sequence = zero_before_start(output.sequence, mask, has_initial);
        output
    }

    /// Runs one step, for streaming inference. Takes an input `[B, I]` and the previous states,
    /// zeros if `None`; returns the next states.
    ///
    /// Calling it for each step gives the same result as [`Self::forward`] over the sequence. With
    /// dropout in training, each step draws its own masks.
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape, or the layer has `go_backwards` set.
    pub fn step(&self, input: Tensor<2>, state: Option<LstmState>) -> LstmState {
        refuse_backwards("step", "call `forward` instead", [self]);
        self.forward(input.unsqueeze_dim::<3>(1), state).state
    }
}

impl RecurrentLayer for Lstm {
    type State = LstmState;

    fn run(&self, input: Sequences, initial: Option<LstmState>) -> (Tensor<3>, LstmState) {
        let output = self.forward(input, initial);
        (output.sequence, output.state)
    }

    fn hidden(state: &LstmState) -> Tensor<2> {
        state.hidden.clone()
    }

    fn detached(state: LstmState) -> LstmState {
        LstmState { hidden: state.hidden.detach(), cell: state.cell.detach() }
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

layer!(Lstm, LstmConfig);
