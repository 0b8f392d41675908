use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    nn::{
        Initializer,
        activation::{Activation, ActivationConfig},
    },
    tensor::{Device, Tensor},
};
use rnn_kernels::{HiddenOutput, SimpleRnnWeights, simple_rnn};

use crate::initializers::{glorot_uniform, matrix, orthogonal};

/// Configuration of a [`SimpleRnn`]; the defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct SimpleRnnConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the hidden state (Keras `activation`).
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Whether a bias is added (Keras `use_bias`).
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
}

impl SimpleRnnConfig {
    /// Creates the layer on a device.
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
        SimpleRnn {
            kernel: matrix(&self.kernel_initializer, [self.input_size, self.units], device),
            recurrent_kernel: matrix(&self.recurrent_initializer, [self.units, self.units], device),
            bias: self.bias.then(|| self.bias_initializer.init([self.units], device)),
            activation: self.activation.init(device),
        }
    }
}

impl SimpleRnn {
    /// Runs the layer over a batch of sequences.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: `[B, H]`, zeros when absent
    /// - output: all hidden states `[B, T, H]` and the final state `[B, H]`
    ///
    /// # Panics
    ///
    /// When the shapes disagree; the message says which.
    pub fn forward(&self, input: Tensor<3>, initial: Option<Tensor<2>>) -> HiddenOutput {
        let weights = SimpleRnnWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
        };
        simple_rnn(input, weights, initial, None)
    }
}

impl ModuleDisplay for SimpleRnn {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [input_size, units] = self.kernel.shape().dims();
        content.add("input_size", &input_size).add("units", &units).add("bias", &self.bias.is_some()).optional()
    }
}
