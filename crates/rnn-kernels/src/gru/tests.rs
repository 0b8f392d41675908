use burn::tensor::{Device, Tensor};

use super::*;

fn sigmoid(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

#[test]
fn one_unit_agrees_with_scalar_arithmetic() {
    let (kernel, recurrent) = ([0.5, -0.4, 0.9], [0.2, 0.6, -0.7]);
    let (bias, recurrent_bias) = ([0.1, 1.0, -0.2], [-0.3, 0.2, 0.5]);
    let (inputs, mut hidden) = ([1.5, -0.8, 0.6], 0.3);
    let device = Device::flex();
    let weights = GruWeights {
        kernel: Tensor::from_data([kernel], &device),
        recurrent_kernel: Tensor::from_data([recurrent], &device),
        bias: Some(Tensor::from_data(bias, &device)),
        recurrent_bias: Some(Tensor::from_data(recurrent_bias, &device)),
    };
    let initial = Tensor::from_data([[hidden]], &device);
    let output = gru_reference(
        Tensor::from_data([inputs.map(|input| [input])], &device),
        weights,
        Some(initial),
        &Variant::default(),
    );

    let mut expected = Vec::new();
    for input in inputs {
        let from_input = |gate: usize| kernel[gate] * input + bias[gate];
        let from_state = |gate: usize| recurrent[gate] * hidden + recurrent_bias[gate];
        let update = sigmoid(from_input(0) + from_state(0));
        let reset = sigmoid(from_input(1) + from_state(1));
        let candidate = (from_input(2) + reset * from_state(2)).tanh();
        hidden = update * hidden + (1.0 - update) * candidate;
        expected.push(hidden);
    }
    let got: Vec<f64> = output.sequence.into_data().iter::<f64>().collect();
    got.iter()
        .zip(&expected)
        .for_each(|(got, expected)| assert!((got - expected).abs() < 1e-6, "{got} {expected}"));
}

#[test]
#[should_panic(
    expected = "gru: input is [batch 1, time 0, features 1] with 2 hidden units (every size must \
                be at least 1)"
)]
fn an_empty_sequence_is_refused() {
    let device = Device::flex();
    let weights = GruWeights {
        kernel: Tensor::zeros([1, 6], &device),
        recurrent_kernel: Tensor::zeros([2, 6], &device),
        bias: None,
        recurrent_bias: None,
    };
    gru_reference(Tensor::zeros([1, 0, 1], &device), weights, None, &Variant::default());
}
