use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    nn::{
        Initializer,
        activation::{Activation, ActivationConfig},
    },
    tensor::{Device, Tensor, TensorData},
};
use rnn_kernels::{LstmOutput, LstmState, LstmWeights, lstm};

use crate::initializers::{glorot_uniform, matrix, orthogonal};

/// Configuration of an [`Lstm`]; the defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the candidate and of the output (Keras `activation`).
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Activation of the gates (Keras `recurrent_activation`).
    #[config(default = "ActivationConfig::Sigmoid")]
    pub recurrent_activation: ActivationConfig,
    /// Whether a bias is added (Keras `use_bias`).
    #[config(default = true)]
    pub bias: bool,
    /// Whether the forget gate's bias starts at one, whatever `bias_initializer` says (Keras `unit_forget_bias`).
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
}

impl LstmConfig {
    /// Creates the layer on a device.
    pub fn init(&self, device: &Device) -> Lstm {
        Lstm {
            kernel: matrix(&self.kernel_initializer, [self.input_size, 4 * self.units], device),
            recurrent_kernel: matrix(&self.recurrent_initializer, [self.units, 4 * self.units], device),
            bias: self.bias.then(|| self.init_bias(device)),
            activation: self.activation.init(device),
            recurrent_activation: self.recurrent_activation.init(device),
        }
    }

    fn init_bias(&self, device: &Device) -> Param<Tensor<1>> {
        let bias = self.bias_initializer.init([4 * self.units], device);
        if !self.unit_forget_bias {
            return bias;
        }
        let mut values: Vec<f64> = bias.val().into_data().iter::<f64>().collect();
        values[self.units..2 * self.units].fill(1.0);
        Param::from_data(TensorData::new(values, [4 * self.units]), device)
    }
}

impl Lstm {
    /// Runs the layer over a batch of sequences.
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
    pub fn forward(&self, input: Tensor<3>, initial: Option<LstmState>) -> LstmOutput {
        let weights = LstmWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
        };
        lstm(input, weights, initial, None)
    }
}

impl ModuleDisplay for Lstm {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [input_size, gates] = self.kernel.shape().dims();
        content.add("input_size", &input_size).add("units", &(gates / 4)).add("bias", &self.bias.is_some()).optional()
    }
}
