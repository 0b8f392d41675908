use burn::tensor::{Device, Tensor};

use super::*;

fn sigmoid(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

#[test]
fn one_unit_follows_the_course_equations() {
    // Course, section 6.5: i, f, o = sigmoid(W [h, x] + b), candidate = tanh(W [h, x] + b), C =
    // f*C' + i*candidate, h = o*tanh(C).
    let (kernel, recurrent, bias) =
        ([0.5, -0.4, 0.9, 0.3], [0.2, 0.6, -0.7, 0.8], [0.1, 1.0, -0.2, 0.4]);
    let (inputs, mut hidden, mut cell) = ([1.5, -0.8, 0.6], 0.3, -0.5);
    let device = Device::flex();
    let weights = LstmWeights {
        kernel: Tensor::from_data([kernel], &device),
        recurrent_kernel: Tensor::from_data([recurrent], &device),
        bias: Some(Tensor::from_data(bias, &device)),
    };
    let state = LstmState {
        hidden: Tensor::from_data([[hidden]], &device),
        cell: Tensor::from_data([[cell]], &device),
    };
    let output = lstm_reference(
        Tensor::from_data([inputs.map(|input| [input])], &device),
        weights,
        Some(state),
        &Variant::default(),
    );

    let mut expected = Vec::new();
    for input in inputs {
        let gate = |index: usize| kernel[index] * input + recurrent[index] * hidden + bias[index];
        cell = sigmoid(gate(1)) * cell + sigmoid(gate(0)) * gate(2).tanh();
        hidden = sigmoid(gate(3)) * cell.tanh();
        expected.push(hidden);
    }
    let got: Vec<f64> = output.sequence.into_data().iter::<f64>().collect();
    got.iter()
        .zip(&expected)
        .for_each(|(got, expected)| assert!((got - expected).abs() < 1e-6, "{got} {expected}"));
    let states = [output.state.hidden, output.state.cell].map(|state| state.into_scalar::<f64>());
    assert!((states[0] - hidden).abs() < 1e-6 && (states[1] - cell).abs() < 1e-6, "{states:?}");
}

#[test]
#[should_panic(expected = "lstm: bias has shape [4] (expected [8])")]
fn a_wrong_shape_is_named() {
    let device = Device::flex();
    let weights = LstmWeights {
        kernel: Tensor::zeros([1, 8], &device),
        recurrent_kernel: Tensor::zeros([2, 8], &device),
        bias: Some(Tensor::zeros([4], &device)),
    };
    lstm_reference(Tensor::zeros([1, 1, 1], &device), weights, None, &Variant::default());
}
