use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig},
    tensor::{Device, Tensor},
};

use super::{RecurrentLayer, RecurrentLayerConfig, Sequences, refuse_backwards, sum_of_penalties};
use crate::dropout::drop_values;

/// Layers on top of each other with dropout between them (PyTorch `num_layers` and `dropout`).
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{LstmConfig, Stack};
///
/// let device = Device::flex();
/// let stack = Stack::new(&LstmConfig::new(3, 4), 2, 0.2, &device);
/// let output = stack.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.sequence.dims(), [2, 5, 4]);
/// assert_eq!(output.states.len(), 2);
/// ```
#[derive(Module, Debug)]
pub struct Stack<L> {
    /// The layers, first to last; their `go_backwards` must be off.
    pub layers: Vec<L>,
    /// Dropout on the outputs of every layer but the last, drawn for every step.
    pub dropout: Dropout,
}

/// What a [`Stack`] gives.
#[derive(Debug, Clone)]
pub struct StackOutput<S> {
    /// Hidden states of the last layer, `[B, T, H]`.
    pub sequence: Tensor<3>,
    /// The final state of each layer.
    pub states: Vec<S>,
}

impl<L: RecurrentLayer> Stack<L> {
    /// `num_layers` layers of one configuration; all but the first read the hidden states of the one before.
    ///
    /// # Panics
    ///
    /// When `num_layers` is zero, `dropout` is not in [0, 1), or the configuration goes backwards or has a field that makes no sense.
    pub fn new<C: RecurrentLayerConfig<Layer = L>>(config: &C, num_layers: usize, dropout: f64, device: &Device) -> Self {
        assert!(num_layers > 0, "stack: num_layers is 0, expected at least 1");
        let inputs = (0..num_layers).map(|index| if index == 0 { config.input_size() } else { config.units() });
        let layers = inputs.map(|input_size| config.layer(input_size, device)).collect();
        let stack = Self { layers, dropout: DropoutConfig::new(dropout).init() };
        stack.check();
        stack
    }

    fn check(&self) {
        refuse_backwards("stack", "each would turn time around again; flip the input instead", &self.layers);
    }

    /// Runs all layers.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: one state a layer, zeros when absent
    ///
    /// # Panics
    ///
    /// When the shapes disagree, there is not one state a layer, or a layer goes backwards; the message says which.
    pub fn forward(&self, input: impl Into<Sequences>, initial: Option<Vec<L::State>>) -> StackOutput<L::State> {
        self.check();
        let Sequences { values: mut sequence, mask } = input.into();
        if let Some(states) = &initial {
            assert!(states.len() == self.layers.len(), "stack: {} initial states for {} layers", states.len(), self.layers.len());
        }
        let mut initial = initial.into_iter().flatten();
        let mut states = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                sequence = drop_values(&self.dropout, sequence);
            }
            let (output, state) = layer.run(Sequences { values: sequence, mask: mask.clone() }, initial.next());
            sequence = output;
            states.push(state);
        }
        StackOutput { sequence, states }
    }

    /// The penalties of all layers, `[1]`; none without a regularizer.
    pub fn penalty(&self) -> Option<Tensor<1>> {
        sum_of_penalties(&self.layers)
    }

    /// The layers with their weights within their constraints; call it after each step of the optimizer.
    #[must_use]
    pub fn constrained(self) -> Self {
        Self { layers: self.layers.into_iter().map(L::constrained).collect(), ..self }
    }
}
