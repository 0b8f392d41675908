use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    nn::{
        Initializer,
        activation::{Activation, ActivationConfig},
    },
    tensor::{Device, Tensor},
};
use rnn_kernels::{GruWeights, HiddenOutput, gru};

use crate::initializers::{glorot_uniform, matrix, orthogonal};

/// Configuration of a [`Gru`]; the defaults are those of the Keras layer.
#[derive(Config, Debug)]
pub struct GruConfig {
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units (Keras `units`).
    pub units: usize,
    /// Activation of the candidate (Keras `activation`).
    #[config(default = "ActivationConfig::Tanh")]
    pub activation: ActivationConfig,
    /// Activation of the gates (Keras `recurrent_activation`).
    #[config(default = "ActivationConfig::Sigmoid")]
    pub recurrent_activation: ActivationConfig,
    /// Whether biases are added, one to the input product and one to the recurrent product (Keras `use_bias`).
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
}

/// A gated recurrent unit layer with the gates `z, r, h` side by side in its weights; the reset gate acts after the
/// recurrent product.
///
/// # References
///
/// Cho et al. (2014); Keras `GRU` with `reset_after=True`.
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
}

impl GruConfig {
    /// Creates the layer on a device.
    pub fn init(&self, device: &Device) -> Gru {
        let bias = || self.bias.then(|| self.bias_initializer.init([3 * self.units], device));
        Gru {
            kernel: matrix(&self.kernel_initializer, [self.input_size, 3 * self.units], device),
            recurrent_kernel: matrix(&self.recurrent_initializer, [self.units, 3 * self.units], device),
            bias: bias(),
            recurrent_bias: bias(),
            activation: self.activation.init(device),
            recurrent_activation: self.recurrent_activation.init(device),
        }
    }
}

impl Gru {
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
        let weights = GruWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
            recurrent_bias: self.recurrent_bias.as_ref().map(Param::val),
        };
        gru(input, weights, initial, None)
    }
}

impl ModuleDisplay for Gru {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [input_size, gates] = self.kernel.shape().dims();
        content.add("input_size", &input_size).add("units", &(gates / 3)).add("bias", &self.bias.is_some()).optional()
    }
}
