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
        LayerOptions, LayerWeights, activate, constrain, is_usual, layer, variant,
        zero_before_start,
    },
    sequences::Sequences,
    weights::{ByWeight, Constraint, Regularizer},
};
use crate::initializers::{glorot_uniform, matrix, orthogonal, vector};

/// Configuration of an [`Lstm`]; the defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the candidate and of the output (Keras `activation`). Any but tanh is composed
    /// of tensor operations, which is several times slower.
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Activation of the gates (Keras `recurrent_activation`). Any but sigmoid is composed of
    /// tensor operations.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub recurrent_activation: ActivationConfig,
    /// Whether a bias is added (Keras `use_bias`).
    #[config(default = true)]
    pub bias: bool,
    /// Whether the forget gate's bias starts at one, whatever `bias_initializer` says (Keras
    /// `unit_forget_bias`).
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
    /// Fraction of the inputs dropped while training; one mask a sequence (Keras `dropout`).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Fraction of the hidden states dropped before the recurrent product while training; one mask
    /// a sequence and gate (Keras `recurrent_dropout`). Without a fused operator: a training step
    /// is several times slower.
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Whether time runs backwards; outputs come in the order they are computed in (Keras
    /// `go_backwards`).
    #[config(default = false)]
    pub go_backwards: bool,
    /// Penalty on the kernel (Keras `kernel_regularizer`).
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the recurrent kernel (Keras `recurrent_regularizer`).
    pub recurrent_regularizer: Option<Regularizer>,
    /// Penalty on the bias (Keras `bias_regularizer`).
    pub bias_regularizer: Option<Regularizer>,
    /// Limit of the kernel (Keras `kernel_constraint`).
    pub kernel_constraint: Option<Constraint>,
    /// Limit of the recurrent kernel (Keras `recurrent_constraint`).
    pub recurrent_constraint: Option<Constraint>,
    /// Limit of the bias (Keras `bias_constraint`).
    pub bias_constraint: Option<Constraint>,
}

/// A long short-term memory layer with the gates `i, f, c, o` side by side in its weights.
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
    /// Settings that are not weights.
    #[module(skip)]
    pub(super) options: LayerOptions,
}

impl LstmConfig {
    /// Creates the layer on a device, and draws its weights in the order of its fields.
    ///
    /// # Panics
    ///
    /// When a size is zero, a dropout rate is not in [0, 1), a regularizer's factor is negative or
    /// not finite, the largest norm of a constraint is not positive or not finite, or the bias is
    /// to be orthogonal; the message names the field.
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
        // As Keras draws them: the input gate's, and the last two together, each with the fans of
        // its own size.
        let [input, rest] = [self.units, 2 * self.units]
            .map(|size| draw(size).val().into_data().iter::<f64>().collect::<Vec<_>>());
        let values = [input, vec![1.0; self.units], rest].concat();
        Param::from_data(TensorData::new(values, [4 * self.units]), device)
    }
}

impl Lstm {
    /// Runs the layer over a batch of sequences: a tensor, or [`Sequences`] with a mask.
    ///
    /// With activations tanh and sigmoid and no recurrent dropout in training, the operator is
    /// fused on CPUs; otherwise it is composed of tensor operations and several times slower.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: hidden and cell state, `[B, H]` each, zeros when absent
    /// - output: all hidden states `[B, T, H]` and both final states `[B, H]`
    ///
    /// # Panics
    ///
    /// When the shapes disagree; the message says which.
    pub fn forward(&self, input: impl Into<Sequences>, initial: Option<LstmState>) -> LstmOutput {
        let sequences = self.options.prepare(input.into());
        let masks = self.options.masks(&sequences, 4, self.recurrent_kernel.shape()[0]);
        let weights = LstmWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
        };
        let (mask, has_initial) = (sequences.mask.clone(), initial.is_some());
        let mut output = if is_usual(&self.activation, &self.recurrent_activation)
            && masks.recurrent.is_none()
        {
            lstm(sequences.values, weights, initial, sequences.mask)
        } else {
            let activation = activate(&self.activation);
            let recurrent_activation = activate(&self.recurrent_activation);
            let variant = variant(&activation, &recurrent_activation, &sequences, masks);
            lstm_reference(sequences.values, weights, initial, &variant)
        };
        output.sequence = zero_before_start(output.sequence, mask, has_initial);
        output
    }

    /// One step of streaming inference: the next states from one input `[B, I]` and the states
    /// before, zeros when absent.
    ///
    /// Steps one by one give what [`Self::forward`] gives for the sequence; while training with
    /// dropout, each step draws masks of its own.
    ///
    /// # Panics
    ///
    /// When the shapes disagree, or the layer goes backwards; the message says which.
    pub fn step(&self, input: Tensor<2>, state: Option<LstmState>) -> LstmState {
        refuse_backwards("step", "it reads what comes first, first", [self]);
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
