//! SimpleRNN, LSTM and GRU layers for Burn, with the options and defaults of the Keras layers. The
//! crate also has the two model families of the course.
//!
//! Layers are Burn modules. They run on the device that is passed to `init`, on any backend.
//!
//! | item | what it is |
//! |---|---|
//! | [`SimpleRnn`], [`Lstm`], [`Gru`] | the layers |
//! | [`Bidirectional`], [`Stack`], [`Stateful`] | wrappers of a layer |
//! | [`Sequences`] | input with padding |
//! | [`Regularizer`], [`Constraint`] | penalties and limits of weights |
//! | [`Recurrent`] | a layer whose cell is chosen at run time |
//! | [`SeriesModel`], [`LettersModel`] | the course's models |
//!
//! # From Keras
//!
//! `LSTM(units)` becomes `LstmConfig::new(input_size, units)`; the other layers follow the same
//! pattern. The input size is given, not inferred at the first call. Keras's arguments are fields
//! of the configuration, with the same defaults unless the table says otherwise.
//!
//! | Keras | here | difference |
//! |---|---|---|
//! | `units` | `units` | `input_size` comes before it |
//! | `activation` = tanh | `activation` | Burn's activations; see below |
//! | `recurrent_activation` = sigmoid | `recurrent_activation` | Burn's activations |
//! | `use_bias` | `bias` | |
//! | `kernel_initializer` = glorot_uniform | `kernel_initializer` | Burn's initialisers |
//! | `recurrent_initializer` = orthogonal | `recurrent_initializer` | Burn's initialisers |
//! | `bias_initializer` = zeros | `bias_initializer` | not orthogonal; fans as in Keras |
//! | `unit_forget_bias` = True | `unit_forget_bias` | |
//! | `*_regularizer` = `L1L2` | the same, [`Regularizer`] | add `layer.penalty()` to the loss |
//! | `activity_regularizer` | | add a term of `output.sequence` to the loss |
//! | `*_constraint` = `MaxNorm`, `NonNeg` | the same, [`Constraint`] | call `layer.constrained()` |
//! | `dropout`, `recurrent_dropout` | the same | other random numbers; see below |
//! | `seed` | `Device::seed` | one generator per device; see below |
//! | `return_sequences=True` | `output.sequence`, `[B, T, H]` | always returned |
//! | `return_sequences=False` | `output.last()`, `[B, H]` | see below for empty sequences |
//! | `return_state=True` | `output.state` | always returned |
//! | `initial_state` | second argument of `forward` | |
//! | `go_backwards` | `go_backwards` | not inside [`Bidirectional`] and [`Stack`] |
//! | `stateful`, `reset_state()` | [`Stateful`], `reset()` | a wrapper |
//! | `training` | the input's device | dropout is active on an autodiff device |
//! | `trainable=False` | `layer.no_grad()` | |
//! | `dtype` | the type of weights and input | f32 unless you cast them |
//! | `name` | the name of the module's field | |
//! | `mask` | [`Sequences::with_mask`], [`Sequences::with_lengths`] | passed to `forward` |
//! | `zero_output_for_mask` | `output.sequence.mask_fill(..)` | automatic in [`Bidirectional`] |
//! | `unroll`, `use_cudnn` | | not needed |
//! | `GRU(reset_after=True)` | `reset_after` | |
//! | `Bidirectional(layer, merge_mode)` | [`BidirectionalConfig`], [`MergeMode`] | see below |
//! | `Bidirectional(backward_layer=)` | `Bidirectional { forward, backward, merge }` | |
//! | `Bidirectional(weights=)` | `layer.load_record` | |
//! | `LSTMCell` and so on | `layer.step(input, state)` | |
//! | `RNN([cell, cell])` | [`StackConfig`] | no custom cells |
//!
//! - **Activations.** Burn has tanh, sigmoid, relu, identity, hard sigmoid, softsign, elu, selu,
//!   gelu and more. The hard sigmoid of Keras 3 is Burn's with `alpha` 1/6.
//! - **Regularizers and constraints.** Call `layer.constrained()` after each step of the optimizer.
//!   Both methods are on [`RecurrentLayer`].
//! - **Dropout.** LSTM and GRU draw a recurrent mask for each gate, as in Keras. Masks are drawn if
//!   the input is on an autodiff device, even in a frozen layer. `layer.valid()` is the layer for
//!   inference.
//! - **Seed.** Weights are drawn by `init`, in the order of the fields. Dropout masks for GPUs come
//!   from the generator of `Device::flex()`, so that they equal those of the CPU.
//! - **Masks.** Outputs before the first valid step are zero, as in Keras, even with an initial
//!   state; the operators of `rnn-kernels` return that state there. If all steps are masked,
//!   `last()` is the initial state, while Keras returns zeros.
//! - **Bidirectional.** For `merge_mode=None`, call its two layers. It cannot go into a [`Stack`]
//!   or [`Stateful`]. Its layers must not have `go_backwards` set.
//! - **Stack.** Layers and `dropout` between them work as PyTorch's `num_layers` and `dropout`.
//!   Instead of `go_backwards`, flip the input and the mask.
//! - **Half precision.** It is computed in f32; see `rnn-kernels`.
//!
//! Tanh and sigmoid, the defaults, run as fused operators on CPUs and GPUs. Biases, masks, states,
//! dropout, regularizers and constraints keep them fused. Three options run as separate tensor
//! operations, several times slower: other activations, recurrent dropout in training, and
//! `reset_after=false`.
//!
//! # From `burn::nn`
//!
//! The layers `Rnn`, `Lstm` and `Gru` of `burn::nn` convert to [`SimpleRnn`], [`Lstm`] and [`Gru`]
//! with `TryFrom`, and back. `BiRnn`, `BiLstm` and `BiGru` convert to [`Bidirectional`]. Outputs,
//! states and gradients stay the same up to rounding. A setting without a counterpart, such as
//! `clip`, gives a [`ConversionError`]. The README compares both interfaces.
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
//! `B` is the batch, `T` time, `I` input features and `H` hidden units. `rnn-kernels` documents the
//! layout of the weights.

mod dropout;
mod initializers;
mod layers;
mod letters;
mod orthogonal;
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
    Cell, GpuLimits, HiddenOutput, LstmOutput, LstmState, ParseCellError, ResetState, Resets,
    Route, gpu_limits, route,
};
pub use series::{SeriesModel, SeriesModelConfig};
pub use summary::{LayerSummary, ModelSummary, thousands};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
