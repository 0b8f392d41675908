use burn::tensor::{Device, Tensor, Tolerance};

use super::*;

fn weights(device: &Device) -> SimpleRnnWeights {
    SimpleRnnWeights {
        kernel: Tensor::from_data([[0.3, -0.2], [0.1, 0.4], [-0.5, 0.6]], device),
        recurrent_kernel: Tensor::from_data([[0.2, 0.7], [-0.3, 0.5]], device),
        bias: Some(Tensor::from_data([0.1, -0.1], device)),
    }
}

/// The same recurrence in scalar arithmetic.
fn scalar_reference(input: &[[[f32; 3]; 3]; 2], initial: &[[f32; 2]; 2]) -> Vec<f32> {
    let (kernel, recurrent, bias) =
        ([[0.3, -0.2], [0.1, 0.4], [-0.5, 0.6]], [[0.2, 0.7], [-0.3, 0.5]], [0.1, -0.1]);
    let mut all = Vec::new();
    for (sequence, initial) in input.iter().zip(initial) {
        let mut hidden = *initial;
        for step in sequence {
            let next = [0, 1].map(|unit| {
                let input: f32 = (0..3).map(|feature| step[feature] * kernel[feature][unit]).sum();
                let recurrent: f32 = (0..2).map(|from| hidden[from] * recurrent[from][unit]).sum();
                (input + recurrent + bias[unit]).tanh()
            });
            hidden = next;
            all.extend(next);
        }
    }
    all
}

#[test]
fn the_course_example_gives_its_printed_values() {
    // Course, section 6.3: h = tanh([-2.3, 0.8, 1.1] + [0.5, 0.3, -0.2]). The first vector is the
    // input product.
    let device = Device::flex();
    let weights = SimpleRnnWeights {
        kernel: Tensor::from_data([[-2.3, 0.8, 1.1]], &device),
        recurrent_kernel: Tensor::zeros([3, 3], &device),
        bias: Some(Tensor::from_data([0.5, 0.3, -0.2], &device)),
    };
    let output =
        simple_rnn_reference(Tensor::ones([1, 1, 1], &device), weights, None, &Variant::default());
    let rounded: Vec<f32> =
        output.state.into_data().iter::<f32>().map(|value| (value * 10.0).round() / 10.0).collect();
    assert_eq!(rounded, [-0.9, 0.8, 0.7]);
}

#[test]
fn sequence_and_state_agree_with_scalars_from_a_nonzero_state() {
    let device = Device::flex();
    let input = [
        [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [0.0, 0.2, 0.1]],
        [[-0.4, 0.6, 0.8], [1.0, 1.0, 1.0], [-2.0, 0.5, 0.25]],
    ];
    let initial = [[0.3, -0.6], [-0.1, 0.9]];
    let output = simple_rnn_reference(
        Tensor::from_data(input, &device),
        weights(&device),
        Some(Tensor::from_data(initial, &device)),
        &Variant::default(),
    );
    let expected = scalar_reference(&input, &initial);
    assert_eq!(output.sequence.dims(), [2, 3, 2]);
    let got: Vec<f32> = output.sequence.clone().into_data().iter::<f32>().collect();
    got.iter()
        .zip(&expected)
        .for_each(|(got, expected)| assert!((got - expected).abs() < 1e-6, "{got} {expected}"));
    let last = output.sequence.narrow(1, 2, 1).squeeze_dim::<2>(1);
    output.state.into_data().assert_approx_eq::<f32>(&last.into_data(), Tolerance::absolute(0.0));
}

#[test]
fn the_activation_of_a_variant_is_used() {
    let device = Device::flex();
    let output = simple_rnn_reference(
        Tensor::ones([1, 2, 3], &device),
        weights(&device),
        None,
        &Variant { activation: &|hidden| hidden, ..Variant::default() },
    );
    let first = output.sequence.narrow(1, 0, 1).into_data();
    first.assert_approx_eq::<f32>(&[[[0.0f32, 0.7]]].into(), Tolerance::absolute(1e-6));
}

#[test]
#[should_panic(expected = "simple_rnn: recurrent kernel has shape [2, 3] (expected [2, 2])")]
fn a_wrong_shape_is_named() {
    let device = Device::flex();
    let weights =
        SimpleRnnWeights { recurrent_kernel: Tensor::zeros([2, 3], &device), ..weights(&device) };
    simple_rnn_reference(Tensor::ones([1, 2, 3], &device), weights, None, &Variant::default());
}

#[test]
#[should_panic(expected = "simple_rnn: initial hidden state has shape [2, 2] (expected [1, 2])")]
fn a_state_with_a_wrong_batch_size_is_named() {
    let device = Device::flex();
    simple_rnn_reference(
        Tensor::ones([1, 2, 3], &device),
        weights(&device),
        Some(Tensor::zeros([2, 2], &device)),
        &Variant::default(),
    );
}
