use burn::{
    config::Config,
    module::Module,
    nn::Initializer,
    tensor::{Device, Tensor},
};

use rnn_kernels::{Cell, HiddenOutput};

use crate::layers::{Gru, GruConfig, Lstm, LstmConfig, SimpleRnn, SimpleRnnConfig};

/// Configuration of a [`Recurrent`] layer. All other options have the defaults of its cell.
#[derive(Config, Debug)]
pub struct RecurrentConfig {
    /// Recurrent cell of the layer.
    pub cell: Cell,
    /// Number of input features.
    pub input_size: usize,
    /// Number of hidden units.
    pub units: usize,
}

/// A recurrent layer whose cell is chosen at run time.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{Cell, RecurrentConfig};
///
/// let device = Device::flex();
/// for cell in Cell::ALL {
///     let layer = RecurrentConfig::new(cell, 3, 16).init(&device);
///     let output = layer.forward(Tensor::ones([2, 5, 3], &device));
///     assert_eq!(output.sequence.dims(), [2, 5, 16]);
///     assert_eq!(output.last.dims(), [2, 16]);
/// }
/// ```
#[derive(Module, Debug)]
pub enum Recurrent {
    /// A SimpleRNN layer; see [`SimpleRnn`].
    SimpleRnn(SimpleRnn),
    /// An LSTM layer; see [`Lstm`].
    Lstm(Lstm),
    /// A GRU layer; see [`Gru`].
    Gru(Gru),
}

/// Hidden states of a [`Recurrent`] layer.
#[derive(Debug, Clone)]
pub struct RecurrentOutput {
    /// Hidden states of all steps, `[B, T, H]` (Keras `return_sequences=True`).
    pub sequence: Tensor<3>,
    /// Hidden state of the last step, `[B, H]` (Keras `return_sequences=False`).
    pub last: Tensor<2>,
}

impl RecurrentConfig {
    /// Creates the layer on a device.
    ///
    /// # Panics
    ///
    /// Panics if a size is zero; the message names it.
    pub fn init(&self, device: &Device) -> Recurrent {
        let &Self { cell, input_size, units } = self;
        match cell {
            Cell::SimpleRnn => {
                Recurrent::SimpleRnn(SimpleRnnConfig::new(input_size, units).init(device))
            }
            Cell::Lstm => Recurrent::Lstm(LstmConfig::new(input_size, units).init(device)),
            Cell::Gru => Recurrent::Gru(GruConfig::new(input_size, units).init(device)),
        }
    }

    /// Returns the number of parameters of the layer, or `None` if it exceeds `usize`.
    pub fn num_params(&self) -> Option<usize> {
        let &Self { cell, input_size, units } = self;
        // Input kernel, recurrent kernel and bias of each gate. A GRU has two biases.
        let (gates, biases) = match cell {
            Cell::SimpleRnn => (1, 1),
            Cell::Lstm => (4, 1),
            Cell::Gru => (3, 2),
        };
        let rows = input_size.checked_add(units)?.checked_add(biases)?;
        rows.checked_mul(units)?.checked_mul(gates)
    }

    /// Creates the layer with kernels of zeros, to load weights into. Nothing is drawn: drawing an
    /// orthogonal kernel takes time that grows with the cube of `units`.
    ///
    /// # Panics
    ///
    /// Panics if a size is zero; the message names it.
    pub fn init_zeros(&self, device: &Device) -> Recurrent {
        let &Self { cell, input_size, units } = self;
        let zeros = Initializer::Zeros;
        macro_rules! layer {
            ($config:ident) => {
                $config::new(input_size, units)
                    .with_kernel_initializer(zeros.clone())
                    .with_recurrent_initializer(zeros)
                    .init(device)
            };
        }
        match cell {
            Cell::SimpleRnn => Recurrent::SimpleRnn(layer!(SimpleRnnConfig)),
            Cell::Lstm => Recurrent::Lstm(layer!(LstmConfig)),
            Cell::Gru => Recurrent::Gru(layer!(GruConfig)),
        }
    }
}

impl Recurrent {
    /// Runs the layer over a batch of sequences, starting from zero states.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - output: all hidden states `[B, T, H]` and the last one `[B, H]`
    ///
    /// # Panics
    ///
    /// Panics if the input's number of features is not that of the layer; the message gives both.
    pub fn forward(&self, input: Tensor<3>) -> RecurrentOutput {
        match self {
            Self::SimpleRnn(layer) => layer.forward(input, None).into(),
            Self::Gru(layer) => layer.forward(input, None).into(),
            Self::Lstm(layer) => {
                let output = layer.forward(input, None);
                RecurrentOutput { sequence: output.sequence, last: output.state.hidden }
            }
        }
    }

    /// Recurrent cell of the layer.
    pub fn cell(&self) -> Cell {
        match self {
            Self::SimpleRnn(_) => Cell::SimpleRnn,
            Self::Lstm(_) => Cell::Lstm,
            Self::Gru(_) => Cell::Gru,
        }
    }

    /// Number of hidden units.
    pub fn units(&self) -> usize {
        let recurrent_kernel = match self {
            Self::SimpleRnn(layer) => &layer.recurrent_kernel,
            Self::Lstm(layer) => &layer.recurrent_kernel,
            Self::Gru(layer) => &layer.recurrent_kernel,
        };
        recurrent_kernel.shape()[0]
    }
}

impl From<HiddenOutput> for RecurrentOutput {
    fn from(output: HiddenOutput) -> Self {
        Self { sequence: output.sequence, last: output.state }
    }
}
