use std::fmt;

use burn::{
    config::{Config, config_to_json},
    module::Module,
    nn::{Dropout, DropoutConfig},
    serde::{Deserialize, Serialize},
    tensor::{Device, Tensor},
};

use super::{
    layer::{
        RecurrentLayer, RecurrentLayerConfig, at_least_one, refuse_backwards, sum_of_penalties,
    },
    sequences::Sequences,
};
use crate::dropout::drop_values;

/// Configuration of a [`Stack`]; all of its layers share one configuration.
///
/// Burn's `#[derive(Config)]` does not support type parameters, so its methods are written out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(crate = "burn::serde", bound = "")]
pub struct StackConfig<C: RecurrentLayerConfig> {
    /// Configuration of each layer. Its `input_size` is that of the first layer; the others read
    /// the hidden states of the previous layer.
    pub layer: C,
    /// Number of layers (PyTorch `num_layers`).
    pub num_layers: usize,
    /// Fraction of values dropped between two layers while training (PyTorch `dropout`); 0 by
    /// default.
    pub dropout: f64,
}

impl<C: RecurrentLayerConfig> Config for StackConfig<C> {}

impl<C: RecurrentLayerConfig> StackConfig<C> {
    /// Creates a configuration without dropout.
    pub fn new(layer: C, num_layers: usize) -> Self {
        Self { layer, num_layers, dropout: 0.0 }
    }

    /// Sets the fraction of values dropped between two layers while training.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Creates the layers on a device, from first to last.
    ///
    /// # Panics
    ///
    /// Panics if `num_layers` is zero, `dropout` is not in [0, 1), or `go_backwards` is set. Panics
    /// if another field of the layer's configuration is invalid. The message names the field.
    pub fn init(&self, device: &Device) -> Stack<C::Layer> {
        at_least_one("StackConfig", "num_layers", self.num_layers);
        let inputs = (0..self.num_layers)
            .map(|index| if index == 0 { self.layer.input_size() } else { self.layer.units() });
        let layers = inputs.map(|input_size| self.layer.layer(input_size, device)).collect();
        let stack = Stack { layers, dropout: DropoutConfig::new(self.dropout).init() };
        stack.check();
        stack
    }
}

impl<C: RecurrentLayerConfig> fmt::Display for StackConfig<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&config_to_json(self))
    }
}

/// Layers on top of each other, with dropout between them (PyTorch `num_layers` and `dropout`).
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{LstmConfig, StackConfig};
///
/// let device = Device::flex();
/// let stack = StackConfig::new(LstmConfig::new(3, 4), 2).with_dropout(0.2).init(&device);
/// let output = stack.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.sequence.dims(), [2, 5, 4]);
/// assert_eq!(output.states.len(), 2);
/// ```
#[derive(Module, Debug)]
pub struct Stack<L> {
    /// The layers, from first to last; their `go_backwards` must be off.
    pub layers: Vec<L>,
    /// Dropout on the outputs of every layer but the last. Each step has its own mask.
    pub dropout: Dropout,
}

/// Output of a [`Stack`].
#[derive(Debug, Clone)]
pub struct StackOutput<S> {
    /// Hidden states of the last layer, `[B, T, H]`.
    pub sequence: Tensor<3>,
    /// Final state of each layer.
    pub states: Vec<S>,
}

impl<L: RecurrentLayer> Stack<L> {
    fn check(&self) {
        refuse_backwards("stack", "turn it off and flip the input in time instead", &self.layers);
    }

    /// Runs all layers.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: one state per layer; zeros if `None`
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape or a layer has `go_backwards` set. Panics if the
    /// number of states is not that of the layers.
    pub fn forward(
        &self,
        input: impl Into<Sequences>,
        initial: Option<Vec<L::State>>,
    ) -> StackOutput<L::State> {
        self.check();
        let Sequences { values: mut sequence, mask, resets } = input.into();
        if let Some(states) = &initial {
            assert!(
                states.len() == self.layers.len(),
                "stack: got {} initial states for {} layers (expected one per layer)",
                states.len(),
                self.layers.len()
            );
        }
        let mut initial = initial.into_iter().flatten();
        let mut states = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                sequence = drop_values(&self.dropout, sequence);
            }
            let (mask, resets) = (mask.clone(), resets.clone());
            let (output, state) =
                layer.run(Sequences { values: sequence, mask, resets }, initial.next());
            sequence = output;
            states.push(state);
        }
        StackOutput { sequence, states }
    }

    /// Sum of the penalties of all layers, `[1]`; `None` without a regularizer.
    pub fn penalty(&self) -> Option<Tensor<1>> {
        sum_of_penalties(&self.layers)
    }

    /// Returns the layers with their constraints applied. Call it after each step of the optimizer.
    #[must_use]
    pub fn constrained(self) -> Self {
        Self { layers: self.layers.into_iter().map(L::constrained).collect(), ..self }
    }
}
