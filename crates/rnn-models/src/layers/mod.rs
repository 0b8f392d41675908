//! The recurrent layers and their wrappers.

mod bidirectional;
mod conversion_error;
mod from_burn;
mod gru;
mod layer;
mod lstm;
mod options;
mod sequences;
mod simple_rnn;
mod stack;
mod stateful;
#[cfg(test)]
#[allow(deprecated, reason = "burn-ndarray is deprecated since Burn 0.22")]
mod tests;
mod weights;

pub use bidirectional::{Bidirectional, BidirectionalConfig, BidirectionalOutput, MergeMode};
pub use conversion_error::ConversionError;
pub use gru::{Gru, GruConfig};
pub(crate) use layer::at_least_one;
pub use layer::{RecurrentLayer, RecurrentLayerConfig};
pub use lstm::{Lstm, LstmConfig};
pub use sequences::Sequences;
pub use simple_rnn::{SimpleRnn, SimpleRnnConfig};
pub use stack::{Stack, StackConfig, StackOutput};
pub use stateful::Stateful;
pub use weights::{Constraint, Regularizer};
