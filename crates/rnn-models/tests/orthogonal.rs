//! Orthogonal initial weights beside those of Burn's initialiser. It is a program of its own with
//! one test, since a process has one generator of random numbers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::{
    nn::Initializer,
    tensor::{Device, Tensor},
};
use rnn_models::{GruConfig, LstmConfig, SimpleRnnConfig};

/// Recurrent kernel of a layer whose kernel draws no random numbers.
fn recurrent(gates: usize, units: usize, device: &Device) -> Tensor<2> {
    device.seed(7);
    let zeros = Initializer::Zeros;
    let kernel = match gates {
        1 => {
            let config = SimpleRnnConfig::new(1, units).with_kernel_initializer(zeros);
            config.init(device).recurrent_kernel
        }
        3 => GruConfig::new(1, units).with_kernel_initializer(zeros).init(device).recurrent_kernel,
        _ => LstmConfig::new(1, units).with_kernel_initializer(zeros).init(device).recurrent_kernel,
    };
    kernel.val()
}

#[test]
fn recurrent_kernels_are_those_of_burn_for_the_same_seed() {
    let device = Device::flex();
    // Small kernels have Burn's bits, larger ones its values up to rounding.
    for (gates, units, most) in [
        (4, 128, 0.0),
        (4, 132, 1e-4),
        (3, 152, 0.0),
        (3, 160, 1e-4),
        (1, 160, 0.0),
        (1, 330, 1e-3),
    ] {
        let ours = recurrent(gates, units, &device);
        device.seed(7);
        let shape = [units, gates * units];
        let burn: Tensor<2> =
            Initializer::Orthogonal { gain: 1.0 }.init(shape, &device).into_value();
        let difference = (ours.clone() - burn).abs().max().into_scalar::<f32>();
        assert!(difference <= most, "{shape:?}: {difference}");

        let again = recurrent(gates, units, &device);
        assert!(ours.clone().equal(again).all().into_scalar::<bool>(), "{shape:?}: other bits");
        let gram = ours.clone().matmul(ours.transpose()) - Tensor::eye(units, &device);
        let error = gram.abs().max().into_scalar::<f32>();
        assert!(error < 1e-5, "{shape:?}: {error}");
    }
}
