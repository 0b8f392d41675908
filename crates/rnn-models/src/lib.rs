//! SimpleRNN, LSTM and GRU as Burn modules with the defaults of the Keras layers, and the two model
//! families of the course.
//!
//! Modules are generic over backends through Burn's `Device`: the device given to `init` decides
//! where they live.
//!
//! # From Keras
//!
//! `SimpleRNN(units)`, `LSTM(units)` and `GRU(units)` are `SimpleRnnConfig::new(input_size, units)`
//! and so on; the input size is given, not inferred at the first call. Arguments are fields of the
//! configuration, with Keras's defaults, unless said otherwise.
//!
//! | Keras | here | differs |
//! |---|---|---|
//! | `units` | `units` | beside it `input_size` |
//! | `activation` = tanh | `activation` | Burn's activations: tanh, sigmoid, relu, identity, hard sigmoid, softsign, elu, selu, gelu and more. Keras 3's hard sigmoid is Burn's with `alpha` 1/6 |
//! | `recurrent_activation` = sigmoid | `recurrent_activation` | likewise |
//! | `use_bias` | `bias` | |
//! | `kernel_initializer` = glorot_uniform | `kernel_initializer` | Burn's initialisers |
//! | `recurrent_initializer` = orthogonal | `recurrent_initializer` | Burn's initialisers |
//! | `bias_initializer` = zeros | `bias_initializer` | Burn's initialisers but the orthogonal one; fans are those of Keras's shape |
//! | `unit_forget_bias` = True | `unit_forget_bias` | |
//! | `kernel_`, `recurrent_`, `bias_regularizer` = `L1L2` | the same, [`Regularizer`] | added to the loss by the caller: `layer.penalty()` ([`RecurrentLayer`]) |
//! | `activity_regularizer` | a term of the loss from `output.sequence` | no argument of its own |
//! | `kernel_`, `recurrent_`, `bias_constraint` = `MaxNorm`, `NonNeg` | the same, [`Constraint`] | applied by the caller after an optimizer's step: `layer.constrained()` |
//! | `dropout` | `dropout` | other random numbers; drawn for inputs on an autodiff device, as Burn's dropout does, also in a frozen layer |
//! | `recurrent_dropout` | `recurrent_dropout` | other random numbers; LSTM and GRU draw a mask for each gate, as in Keras |
//! | `seed` | `Device::seed` | one generator for all layers of a device; weights are drawn when a layer is made, in the order of its fields; the masks of dropout on GPUs come from `Device::flex()`, to be the CPU's |
//! | `return_sequences=True` | `output.sequence`, `[B, T, H]` | a field, not a flag: the rank of a Rust tensor is part of its type |
//! | `return_sequences=False` | `output.last()`, `[B, H]` | a sequence of which no step counts gives its initial state, in Keras zeros |
//! | `return_state=True` | `output.state` | always there |
//! | `initial_state` | second argument of `forward` | |
//! | outputs before the first step that counts | zeros, as in Keras, also with an initial state | the operators of `rnn-kernels` give that state |
//! | `go_backwards` | `go_backwards` | not for layers of a [`Bidirectional`] or [`Stack`], which refuse it |
//! | `stateful`, `reset_state()` | [`Stateful`], `reset()` | a wrapper: a layer itself never changes |
//! | `training` | the input's device | dropout works on an autodiff device; `layer.valid()` is the layer for inference |
//! | `trainable=False` | `layer.no_grad()` | |
//! | `dtype` | the type of the weights and inputs | f32 unless they are cast; half precision is computed in f32 (`rnn-kernels`) |
//! | `name` | | a module has the name of its field |
//! | `mask` | [`Sequences::with_mask`], [`Sequences::with_lengths`] | goes into `forward` with the values |
//! | `zero_output_for_mask` | `output.sequence.mask_fill(..)` | only [`Bidirectional`] does it by itself, as in Keras |
//! | `unroll`, `use_cudnn` | | nothing to choose |
//! | `GRU(reset_after=True)` | `reset_after` | |
//! | `Bidirectional(layer, merge_mode)` | [`BidirectionalConfig`], [`MergeMode`] | `merge_mode=None` is calling its two layers; it is no layer of a [`Stack`] or [`Stateful`] |
//! | `Bidirectional(backward_layer=)` | `Bidirectional { forward, backward, merge }` | made without `go_backwards` |
//! | `Bidirectional(weights=)` | `layer.load_record` | |
//! | `LSTMCell` and so on, called step by step | `layer.step(input, state)` | |
//! | `RNN([cell, cell])` | [`StackConfig`] | PyTorch's `num_layers` and `dropout`; instead of `go_backwards`, flip input and mask. Cells of one's own are no argument |
//!
//! Fused, on CPUs and GPUs: tanh and sigmoid (the defaults), with or without bias, masks, states,
//! dropout, regularizers and constraints. Composed of tensor operations, and several times slower:
//! other activations, recurrent dropout while training, and a GRU whose reset gate acts before the
//! product.
//!
//! # From `burn::nn`
//!
//! `burn::nn`'s `Rnn`, `Lstm` and `Gru` become [`SimpleRnn`], [`Lstm`] and [`Gru`] by `TryFrom`,
//! and back; `BiRnn`, `BiLstm` and `BiGru` become [`Bidirectional`]. Outputs, states and gradients
//! stay the same but for rounding, and weights stay parameters on their device. A setting without a
//! counterpart, such as `clip`, is refused with a [`ConversionError`].
//!
//! ```
//! use burn::{nn, tensor::Device};
//! use rnn_models::Lstm;
//!
//! let layer = nn::LstmConfig::new(3, 4, true).init(&Device::flex());
//! let faster = Lstm::try_from(layer)?;
//! assert_eq!(faster.kernel.dims(), [3, 16]);
//! # Ok::<(), rnn_models::ConversionError>(())
//! ```
//!
//! # Shapes
//!
//! `B` batch, `T` time, `I` input features, `H` hidden units; see `rnn-kernels` for the layout of
//! the weights.

mod dropout;
mod initializers;
mod layers;
mod letters;
mod recurrent;
mod series;
mod summary;

pub use layers::{
    Bidirectional, BidirectionalConfig, BidirectionalOutput, Constraint, ConversionError, Gru,
    GruConfig, Lstm, LstmConfig, MergeMode, RecurrentLayer, RecurrentLayerConfig, Regularizer,
    Sequences, SimpleRnn, SimpleRnnConfig, Stack, StackConfig, StackOutput, Stateful,
};
pub use letters::{LettersModel, LettersModelConfig};
pub use recurrent::{Recurrent, RecurrentConfig, RecurrentOutput};
pub use rnn_kernels::{
    Cell, GpuLimits, HiddenOutput, LstmOutput, LstmState, ParseCellError, Route, gpu_limits, route,
};
pub use series::{SeriesModel, SeriesModelConfig};
pub use summary::{LayerSummary, ModelSummary};
