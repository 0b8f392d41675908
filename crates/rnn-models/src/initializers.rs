//! The default initialisers of Keras, in Burn's terms.

use burn::{
    module::Param,
    nn::{Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig},
    tensor::{Device, Tensor},
};

/// Glorot uniform: Keras's default for every kernel.
pub(crate) fn glorot_uniform() -> Initializer {
    Initializer::XavierUniform { gain: 1.0 }
}

/// Orthogonal: Keras's default for every recurrent kernel.
pub(crate) fn orthogonal() -> Initializer {
    Initializer::Orthogonal { gain: 1.0 }
}

/// Draws a `[rows, columns]` parameter; Keras takes the fans of a kernel from its shape.
pub(crate) fn matrix(initializer: &Initializer, [rows, columns]: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    initializer.init_with([rows, columns], Some(rows), Some(columns), device)
}

/// A dense layer as Keras starts it: glorot-uniform kernel, zero bias.
///
/// Burn's `LinearConfig` has one initialiser for both and no zero bias, so the bias is set afterwards.
pub(crate) fn dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    let linear = LinearConfig::new(inputs, outputs).with_initializer(glorot_uniform()).with_bias(false).init(device);
    Linear { bias: Some(Initializer::Zeros.init([outputs], device)), ..linear }
}

/// An embedding as Keras starts it: uniform in [-0.05, 0.05].
pub(crate) fn embedding(count: usize, size: usize, device: &Device) -> Embedding {
    EmbeddingConfig::new(count, size).with_initializer(Initializer::Uniform { min: -0.05, max: 0.05 }).init(device)
}
