//! SimpleRNN, LSTM and GRU as Burn modules with the defaults of the Keras layers, and the two model families of the course.
//!
//! Modules are generic over backends through Burn's `Device`: the device given to `init` decides where they live.
//!
//! # From Keras
//!
//! | Keras | here | differs |
//! |---|---|---|
//! | `SimpleRNN(units)`, `LSTM(units)`, `GRU(units)` | `SimpleRnnConfig::new(input_size, units)`, ... | the input size is given, not inferred at the first call |
//! | `activation` = tanh | `activation` | Burn's activations |
//! | `recurrent_activation` = sigmoid | `recurrent_activation` | Burn's activations |
//! | `use_bias` | `bias` | |
//! | `kernel_initializer` = glorot_uniform | `kernel_initializer` | |
//! | `recurrent_initializer` = orthogonal | `recurrent_initializer` | |
//! | `bias_initializer` = zeros | `bias_initializer` | |
//! | `unit_forget_bias` = True | `unit_forget_bias` | |
//! | `return_sequences=True` | `output.sequence`, `[B, T, H]` | a field, not a flag: the rank of a Rust tensor is part of its type |
//! | `return_sequences=False` | `output.last()`, `[B, H]` | |
//! | `return_state=True` | `output.state` | always there |
//! | `initial_state` | second argument of `forward` | |
//! | `GRU(reset_after=True)` | the only form | |
//!
//! # Shapes
//!
//! `B` batch, `T` time, `I` input features, `H` hidden units; see `rnn-kernels` for the layout of the weights.

mod dropout;
mod initializers;
mod layers;
mod letters;
mod recurrent;
mod stock;
mod summary;

pub use layers::{
    Bidirectional, BidirectionalOutput, Constraint, Gru, GruConfig, Lstm, LstmConfig, MergeMode, RecurrentLayer, RecurrentLayerConfig,
    Regularizer, Sequences, SimpleRnn, SimpleRnnConfig, Stack, StackOutput, Stateful,
};
pub use letters::{LettersModel, LettersModelConfig};
pub use recurrent::{Cell, Recurrent, RecurrentConfig, RecurrentOutput};
pub use rnn_kernels::{HiddenOutput, LstmOutput, LstmState};
pub use stock::{StockModel, StockModelConfig};
pub use summary::{LayerSummary, ModelSummary};
