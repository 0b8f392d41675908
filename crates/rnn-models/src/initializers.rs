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
pub(crate) fn matrix(
    initializer: &Initializer,
    [rows, columns]: [usize; 2],
    device: &Device,
) -> Param<Tensor<2>> {
    drawn(initializer.init_with([rows, columns], Some(rows), Some(columns), device))
}

/// Draws a bias of `size` numbers, one of `rows` that Keras keeps in one tensor: it takes the fans
/// from that tensor's shape, which are both the size of a single row.
///
/// # Panics
///
/// When the initialiser is orthogonal, which is one of matrices.
pub(crate) fn vector(
    initializer: &Initializer,
    rows: usize,
    size: usize,
    device: &Device,
) -> Param<Tensor<1>> {
    let orthogonal = matches!(initializer, Initializer::Orthogonal { .. });
    assert!(
        !orthogonal,
        "bias_initializer is orthogonal, which only a matrix can be; expected another one for a \
         bias of shape [{size}]"
    );
    let fan_in = if rows == 1 { size } else { rows };
    drawn(initializer.init_with([size], Some(fan_in), Some(size), device))
}

/// A parameter with its numbers drawn. Burn draws them at their first use, so that with one seed
/// they would depend on what is done first: running a layer, printing it, drawing a dropout mask.
fn drawn<const D: usize>(parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
    drop(parameter.val());
    parameter
}

/// A dense layer as Keras starts it: glorot-uniform kernel, zero bias.
///
/// Burn's `LinearConfig` has one initialiser for both and no zero bias, so the bias is set
/// afterwards.
pub(crate) fn dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    let linear = LinearConfig::new(inputs, outputs)
        .with_initializer(glorot_uniform())
        .with_bias(false)
        .init(device);
    Linear {
        weight: drawn(linear.weight),
        bias: Some(vector(&Initializer::Zeros, 1, outputs, device)),
    }
}

/// A dense layer of zeros.
pub(crate) fn zero_dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    let zeros = Initializer::Zeros;
    Linear {
        weight: matrix(&zeros, [inputs, outputs], device),
        bias: Some(vector(&zeros, 1, outputs, device)),
    }
}

/// An embedding as Keras starts it: uniform in [-0.05, 0.05].
pub(crate) fn embedding(count: usize, size: usize, device: &Device) -> Embedding {
    let initializer = Initializer::Uniform { min: -0.05, max: 0.05 };
    Embedding {
        weight: drawn(
            EmbeddingConfig::new(count, size).with_initializer(initializer).init(device).weight,
        ),
    }
}
