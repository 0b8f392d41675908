//! The default initialisers of Keras, in Burn's terms.

use burn::{
    module::Param,
    nn::{Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use crate::orthogonal;

/// Most operations of an orthogonal matrix that Burn draws: the shorter side times the square of
/// the longer one. It is the recurrent kernel of an LSTM of 128 units and takes a tenth of a
/// second.
const BURN_WORK: usize = 128 * 512 * 512;

/// Glorot uniform: Keras's default for every kernel.
pub(crate) fn glorot_uniform() -> Initializer {
    Initializer::XavierUniform { gain: 1.0 }
}

/// Orthogonal: Keras's default for every recurrent kernel.
pub(crate) fn orthogonal() -> Initializer {
    Initializer::Orthogonal { gain: 1.0 }
}

/// Draws a `[rows, columns]` parameter. As in Keras, the fans of a kernel are its shape.
///
/// Burn draws orthogonal matrices in a time that grows with the square of the longer side. Larger
/// ones are drawn by [`orthogonal::draw`]. Smaller ones stay with Burn, so that a seed keeps its
/// weights.
pub(crate) fn matrix(
    initializer: &Initializer,
    [rows, columns]: [usize; 2],
    device: &Device,
) -> Param<Tensor<2>> {
    let longer = rows.max(columns);
    let work = rows.min(columns).saturating_mul(longer.saturating_mul(longer));
    if let &Initializer::Orthogonal { gain } = initializer
        && work > BURN_WORK
    {
        return Param::from_tensor(orthogonal::draw([rows, columns], gain, device));
    }
    drawn(initializer.init_with([rows, columns], Some(rows), Some(columns), device))
}

/// Draws a bias of `size` values. Keras keeps `rows` such biases in one tensor and takes the fans
/// from its shape; for a single row, both fans are its size.
///
/// # Panics
///
/// Panics if the initialiser is orthogonal: it is defined for matrices only.
pub(crate) fn vector(
    initializer: &Initializer,
    rows: usize,
    size: usize,
    device: &Device,
) -> Param<Tensor<1>> {
    let orthogonal = matches!(initializer, Initializer::Orthogonal { .. });
    assert!(
        !orthogonal,
        "bias_initializer: orthogonal is for matrices only (use another one for a bias of shape \
         [{size}])"
    );
    let fan_in = if rows == 1 { size } else { rows };
    drawn(initializer.init_with([size], Some(fan_in), Some(size), device))
}

/// Draws the values of a parameter now. Burn draws them at their first use; with a given seed, they
/// would then depend on what runs first: a forward pass, printing, or a dropout mask.
fn drawn<const D: usize>(parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
    drop(parameter.val());
    parameter
}

/// A dense layer with Keras's initial weights: glorot-uniform kernel, zero bias.
///
/// Burn's `LinearConfig` has one initialiser for kernel and bias, so the bias is set afterwards.
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

/// A dense layer with zero kernel and zero bias.
pub(crate) fn zero_dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    let zeros = Initializer::Zeros;
    Linear {
        weight: matrix(&zeros, [inputs, outputs], device),
        bias: Some(vector(&zeros, 1, outputs, device)),
    }
}

/// An embedding with Keras's initial weights: uniform in [-0.05, 0.05].
pub(crate) fn embedding(count: usize, size: usize, device: &Device) -> Embedding {
    let initializer = Initializer::Uniform { min: -0.05, max: 0.05 };
    Embedding {
        weight: drawn(
            EmbeddingConfig::new(count, size).with_initializer(initializer).init(device).weight,
        ),
    }
}
