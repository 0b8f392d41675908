use burn::{
    backend::DispatchDevice,
    tensor::{DType, Device, Distribution, Int, Shape, Tensor, TensorData},
};
use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::operator::computing;

/// A dropout mask: zero where something is dropped, and elsewhere the factor that makes up for it,
/// `1 / (1 - rate)`.
///
/// Numbers come from a generator of our own, seeded from the device's: Burn's draws them one by
/// one, which took a sixth of the time of an LSTM's epoch. Seeding the device repeats the mask. The
/// rate is rounded to a multiple of 1/65,536 (sixteen random bits decide a value), at most 65,535
/// of them, and the factor makes up for the rounded rate: a rate below half of that drops nothing.
///
/// A GPU's mask is drawn by [`Device::ndarray()`], which is to be seeded for it, and uploaded, so
/// that it is the CPU's: a GPU's own generator gives other numbers, and with them another model
/// after the first step. An upload does not wait for the GPU.
///
/// # Panics
///
/// Panics if `rate` is not in [0, 1).
///
/// # References
///
/// Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15
/// (2014).
pub fn dropout_mask<const D: usize>(
    shape: [usize; D],
    rate: f64,
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    assert!(
        (0.0..1.0).contains(&rate),
        "dropout mask: the rate is the share that is dropped, at least 0 and below 1, got {rate}"
    );
    #[allow(deprecated, reason = "the CPU backend this project was asked for")]
    let mask = match computing(device) {
        DispatchDevice::Flex(_) | DispatchDevice::NdArray(_) => {
            drawn(Shape::new(shape), rate, device, dtype)
        }
        #[allow(unreachable_patterns, reason = "Burn's features decide which backends there are")]
        _ => drawn(Shape::new(shape), rate, &Device::ndarray(), dtype),
    };
    Tensor::from_data(mask, (device, dtype))
}

/// Not generic, so that it is compiled here, optimised also in a dev build, and not where it is
/// used.
fn drawn(shape: Shape, rate: f64, device: &Device, dtype: DType) -> TensorData {
    let mut seed = [0; 32];
    let words = Tensor::<1, Int>::random(
        [seed.len() / 4],
        Distribution::Uniform(0.0, f64::from(i32::MAX)),
        (device, DType::I64),
    );
    for (bytes, word) in seed.chunks_exact_mut(4).zip(words.into_data().iter::<i32>()) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    let mut random = vec![0; 2 * shape.num_elements()];
    ChaCha8Rng::from_seed(seed).fill_bytes(&mut random);
    // Of 65,536 equally likely numbers, so many are dropped; what is kept makes up for exactly
    // that.
    let dropped_below = (rate * 65_536.0).round().min(65_535.0);
    let kept = 65_536.0 / (65_536.0 - dropped_below);
    let dropped_below = dropped_below as u16;
    // Pairs of a length known when compiling: only so is this a vector's comparison, and not a
    // branch that is often mispredicted.
    let numbers = random.as_chunks().0.iter().map(|&pair| u16::from_le_bytes(pair));
    if dtype == DType::F64 {
        TensorData::new(
            numbers
                .map(|number| if number < dropped_below { 0.0 } else { kept })
                .collect::<Vec<f64>>(),
            shape,
        )
    } else {
        let kept = kept as f32;
        TensorData::new(
            numbers
                .map(|number| if number < dropped_below { 0.0 } else { kept })
                .collect::<Vec<f32>>(),
            shape,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test: the CPU backends' generators are the process's.
    #[test]
    #[allow(deprecated, reason = "the CPU backend this project was asked for")]
    fn a_mask_repeats_with_the_seed_keeps_its_share_and_is_the_same_on_all_backends() {
        let mut masks = Vec::new();
        for device in [Device::flex(), Device::flex().autodiff(), Device::ndarray()] {
            let draw = || dropout_mask([100, 1000], 0.2, &device, DType::F64).into_data();
            device.seed(7);
            let (first, second) = (draw(), draw());
            device.seed(7);
            assert_eq!(first, draw());
            assert_ne!(first, second);
            let kept = first
                .iter::<f64>()
                .filter(|&value| value != 0.0)
                .inspect(|value| assert!((value - 1.25).abs() < 1e-4))
                .count();
            // Five standard deviations of a share of 100,000 values.
            assert!(
                (kept as f64 / 1e5 - 0.8).abs() < 5.0 * (0.16f64 / 1e5).sqrt(),
                "{kept} of 100000"
            );
            masks.push(first);
        }
        assert!(masks.iter().all(|mask| *mask == masks[0]));
    }
}
