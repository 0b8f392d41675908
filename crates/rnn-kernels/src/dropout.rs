use burn::tensor::{DType, Device, Distribution, Int, Shape, Tensor, TensorData};
use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Draws a dropout mask: 0 for dropped values, `1 / (1 - rate)` for the others.
///
/// # Examples
///
/// ```
/// use burn::tensor::{DType, Device};
/// use rnn_kernels::dropout_mask;
///
/// let device = Device::flex();
/// device.seed(1);
/// let mask = dropout_mask([8, 100], 0.5, &device, DType::F32);
/// assert!(mask.into_data().iter::<f32>().all(|factor| factor == 0.0 || factor == 2.0));
/// ```
///
/// # Random numbers
///
/// The numbers come from our own generator, which is seeded from the device's generator. Burn draws
/// numbers one by one, which took a sixth of the time of an LSTM's epoch. Seeding the device
/// repeats the mask.
///
/// Sixteen random bits decide each value. The rate is rounded to a multiple of 1/65,536, at most
/// 65,535/65,536, and the factor uses the rounded rate. A rate below half of 1/65,536 drops
/// nothing.
///
/// A GPU's mask is drawn on `Device::flex()` and uploaded; seed that device to repeat it. The
/// mask then equals that of the CPU. A GPU's own generator would give other numbers, and another
/// model after the first step. An upload does not wait for the GPU.
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
        "dropout mask: rate is {rate} (expected at least 0 and below 1)"
    );
    #[cfg(feature = "gpu")]
    if let burn::backend::DispatchDevice::Cube(_) = crate::operator::computing(device) {
        let mask = drawn(Shape::new(shape), rate, &Device::flex(), dtype);
        return Tensor::from_data(mask, (device, dtype));
    }
    Tensor::from_data(drawn(Shape::new(shape), rate, device, dtype), (device, dtype))
}

/// Draws a mask. It is not generic, so it is compiled in this crate, which dev builds optimise.
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
    // This many of 65,536 equally likely numbers are dropped; the factor compensates for exactly
    // that fraction.
    let dropped_below = (rate * 65_536.0).round().min(65_535.0);
    let kept = 65_536.0 / (65_536.0 - dropped_below);
    let dropped_below = dropped_below as u16;
    // Pairs have a length known at compile time. Only then does this become a vector comparison
    // instead of a branch that is often mispredicted.
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

    /// One test, because the CPU backends' generators are global to the process.
    #[test]
    #[allow(deprecated, reason = "the CPU backend this project was asked for")]
    fn a_mask_depends_on_seed_and_rate_but_not_on_the_backend() {
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
            // Five standard deviations of a fraction of 100,000 values.
            assert!(
                (kept as f64 / 1e5 - 0.8).abs() < 5.0 * (0.16f64 / 1e5).sqrt(),
                "{kept} of 100000"
            );
            masks.push(first);
        }
        assert!(masks.iter().all(|mask| *mask == masks[0]));
    }
}
