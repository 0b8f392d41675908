//! The recurrent layers.

mod gru;
mod lstm;
mod simple_rnn;
#[cfg(test)]
mod tests;

use burn::{nn::activation::Activation, tensor::Tensor};
pub use gru::{Gru, GruConfig};
pub use lstm::{Lstm, LstmConfig};
pub use simple_rnn::{SimpleRnn, SimpleRnnConfig};

/// An activation as the operators take it; the sigmoid is theirs, which is exact in f64 on every backend.
fn activate(activation: &Activation) -> impl Fn(Tensor<2>) -> Tensor<2> {
    move |values| match activation {
        Activation::Sigmoid(_) => rnn_kernels::sigmoid(values),
        other => other.forward(values),
    }
}
