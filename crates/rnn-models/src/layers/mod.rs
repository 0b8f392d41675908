//! The recurrent layers.

mod gru;
mod lstm;
mod simple_rnn;
#[cfg(test)]
mod tests;

pub use gru::{Gru, GruConfig};
pub use lstm::{Lstm, LstmConfig};
pub use simple_rnn::{SimpleRnn, SimpleRnnConfig};

