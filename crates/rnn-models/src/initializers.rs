//! The default initialisers of Keras, in Burn's terms.

use burn::{
    module::Param,
    nn::{Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig},
    tensor::{Device, Distribution, Tensor, TensorData},
};
use rnn_kernels::gpu_limits;

/// Glorot uniform: Keras's default for every kernel.
pub(crate) fn glorot_uniform() -> Initializer {
    Initializer::XavierUniform { gain: 1.0 }
}

/// Orthogonal: Keras's default for every recurrent kernel.
pub(crate) fn orthogonal() -> Initializer {
    Initializer::Orthogonal { gain: 1.0 }
}

/// Draws a `[rows, columns]` parameter; Keras takes the fans of a kernel from its shape.
///
/// An orthogonal matrix is made on the CPU: for a GPU by [`Device::ndarray()`], which is to be seeded for it.
pub(crate) fn matrix(initializer: &Initializer, [rows, columns]: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    let Initializer::Orthogonal { gain } = initializer else {
        return drawn(initializer.init_with([rows, columns], Some(rows), Some(columns), device));
    };
    let on_gpu = gpu_limits(device).is_some();
    if !on_gpu && rows.min(columns) <= MOST_BY_BURN {
        return drawn(initializer.init([rows, columns], device));
    }
    #[allow(deprecated, reason = "the CPU backend this project was asked for")]
    let cpu = if on_gpu { Device::ndarray() } else { device.clone() };
    let values = if rows.min(columns) <= MOST_BY_BURN {
        let made: Param<Tensor<2>> = initializer.init([rows, columns], &cpu);
        made.val().into_data()
    } else {
        let random = Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), &cpu);
        let random: Vec<f64> = random.into_data().iter::<f64>().collect();
        TensorData::new(orthonormal(random, [rows, columns], *gain), [rows, columns])
    };
    Param::from_data(values, device)
}

/// The rows of an orthogonal matrix that Burn makes, at most. Its time grows with the third power, and on a GPU by some 25 launches a row: 512 units of
/// an LSTM took 20 seconds on a CPU, and 1024 all memory of a GPU.
const MOST_BY_BURN: usize = 128;

/// Rows, or columns if there are fewer, made orthogonal to all before them and as long as `gain`: by Gram and Schmidt, as Burn's own would be but for
/// rounding.
fn orthonormal(mut values: Vec<f64>, [rows, columns]: [usize; 2], gain: f64) -> Vec<f64> {
    let transposed = |values: &[f64], [rows, columns]: [usize; 2]| -> Vec<f64> {
        (0..rows * columns).map(|index| values[index % rows * columns + index / rows]).collect()
    };
    if rows > columns {
        let columns_first = orthonormal(transposed(&values, [rows, columns]), [columns, rows], gain);
        return transposed(&columns_first, [columns, rows]);
    }
    for index in 0..rows {
        let (done, rest) = values.split_at_mut((index + 1) * columns);
        let vector = &mut done[index * columns..];
        let length = product(vector, vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
        for other in rest.chunks_exact_mut(columns) {
            let along = product(vector, other);
            other.iter_mut().zip(&*vector).for_each(|(value, of_vector)| *value -= along * of_vector);
        }
    }
    values.iter().map(|value| value * gain).collect()
}

/// The sum of products, in several sums side by side: so it is a vector's work.
fn product(left: &[f64], right: &[f64]) -> f64 {
    const SUMS: usize = 16;
    let mut sums = [0.0; SUMS];
    let (left, left_rest) = left.as_chunks::<SUMS>();
    let (right, right_rest) = right.as_chunks::<SUMS>();
    for (left, right) in left.iter().zip(right) {
        for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
            *sum += left * right;
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f64>() + rest
}

/// Draws a bias of `size` numbers, one of `rows` that Keras keeps in one tensor: it takes the fans from that tensor's shape, which are
/// both the size of a single row.
///
/// # Panics
///
/// When the initialiser is orthogonal, which is one of matrices.
pub(crate) fn vector(initializer: &Initializer, rows: usize, size: usize, device: &Device) -> Param<Tensor<1>> {
    let orthogonal = matches!(initializer, Initializer::Orthogonal { .. });
    assert!(!orthogonal, "bias_initializer is orthogonal, which only a matrix can be; expected another one for a bias of shape [{size}]");
    let fan_in = if rows == 1 { size } else { rows };
    drawn(initializer.init_with([size], Some(fan_in), Some(size), device))
}

/// A parameter with its numbers drawn. Burn draws them at their first use, so that with one seed they would depend on what is done first:
/// running a layer, printing it, drawing a dropout mask.
fn drawn<const D: usize>(parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
    drop(parameter.val());
    parameter
}

/// A dense layer as Keras starts it: glorot-uniform kernel, zero bias.
///
/// Burn's `LinearConfig` has one initialiser for both and no zero bias, so the bias is set afterwards.
pub(crate) fn dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    let linear = LinearConfig::new(inputs, outputs).with_initializer(glorot_uniform()).with_bias(false).init(device);
    Linear { weight: drawn(linear.weight), bias: Some(vector(&Initializer::Zeros, 1, outputs, device)) }
}

/// A dense layer of zeros.
pub(crate) fn zero_dense(inputs: usize, outputs: usize, device: &Device) -> Linear {
    let zeros = Initializer::Zeros;
    Linear { weight: matrix(&zeros, [inputs, outputs], device), bias: Some(vector(&zeros, 1, outputs, device)) }
}

/// An embedding as Keras starts it: uniform in [-0.05, 0.05].
pub(crate) fn embedding(count: usize, size: usize, device: &Device) -> Embedding {
    let initializer = Initializer::Uniform { min: -0.05, max: 0.05 };
    Embedding { weight: drawn(EmbeddingConfig::new(count, size).with_initializer(initializer).init(device).weight) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_matrix_is_as_orthogonal_as_one_that_burn_makes() {
        let device = Device::flex();
        device.seed(3);
        for [rows, columns] in [[130, 150], [150, 130], [129, 129]] {
            let gain = 2.0;
            let matrix = matrix(&Initializer::Orthogonal { gain }, [rows, columns], &device).val();
            let short = if rows <= columns { matrix.clone().matmul(matrix.transpose()) } else { matrix.clone().transpose().matmul(matrix) };
            let size = rows.min(columns);
            let error = (short - Tensor::eye(size, &device).mul_scalar(gain * gain)).abs().max().into_scalar::<f32>();
            assert!(error < 1e-5, "{rows} x {columns}: {error}");
        }
    }

    #[test]
    fn gram_and_schmidt_give_what_burn_gives() {
        let device = Device::flex();
        for shape @ [rows, columns] in [[6, 9], [9, 6], [7, 7]] {
            let draw = || {
                device.seed(5);
            };
            draw();
            let burns: Param<Tensor<2>> = Initializer::Orthogonal { gain: 1.5 }.init(shape, &device);
            let burns = burns.val().into_data();
            draw();
            let random = Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), &device).into_data();
            let ours = orthonormal(random.iter::<f64>().collect(), shape, 1.5);
            for (ours, burns) in ours.iter().zip(burns.iter::<f64>()) {
                assert!((ours - burns).abs() < 1e-4, "{ours} {burns}");
            }
        }
    }
}
