mod arguments;
mod initial;
mod misuse;
mod resets;
mod wrappers;

use burn::{
    module::Module,
    nn::activation::ActivationConfig,
    tensor::{Device, Distribution, Tensor, Tolerance},
};

use super::*;
use crate::{Cell, LettersModelConfig, LstmState, SeriesModelConfig};

fn random(shape: [usize; 3]) -> Tensor<3> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

#[test]
fn parameter_counts_are_those_of_keras() {
    let device = Device::flex();
    assert_eq!(SimpleRnnConfig::new(1, 80).init(&device).num_params(), 6_560);
    assert_eq!(SimpleRnnConfig::new(80, 100).init(&device).num_params(), 18_100);
    assert_eq!(LstmConfig::new(1, 80).init(&device).num_params(), 26_240);
    assert_eq!(LstmConfig::new(80, 100).init(&device).num_params(), 72_400);
    assert_eq!(GruConfig::new(1, 80).init(&device).num_params(), 19_920);
    assert_eq!(GruConfig::new(80, 100).init(&device).num_params(), 54_600);
    assert_eq!(LstmConfig::new(3, 5).with_bias(false).init(&device).num_params(), 3 * 20 + 5 * 20);
}

#[test]
fn the_models_of_the_course_have_its_parameter_counts() {
    let device = Device::flex();
    let letters = |classes, window, units, embedding| {
        let model = LettersModelConfig::new(classes, units).with_embedding(embedding).init(&device);
        assert_eq!(model.summary(window).total(), model.num_params());
        model.num_params()
    };
    assert_eq!(letters(5, 1, 3, None), 47);
    assert_eq!(letters(5, 4, 3, None), 47);
    assert_eq!(letters(5, 1, 3, Some(2)), 48);
    assert_eq!(letters(26, 4, 10, Some(2)), 468);
    for (cell, parameters) in [(Cell::SimpleRnn, 24_761), (Cell::Lstm, 98_741), (Cell::Gru, 74_621)]
    {
        let model = SeriesModelConfig::new(cell).init(&device);
        assert_eq!(
            (model.num_params(), model.summary(60).total()),
            (parameters, parameters),
            "{cell:?}"
        );
    }
}

#[test]
fn shapes_with_sequences_and_without() {
    let device = Device::flex();
    for (batch, time, input, units) in [(3, 7, 2, 5), (1, 1, 1, 1), (17, 2, 1, 16)] {
        let x = random([batch, time, input]);
        let rnn = SimpleRnnConfig::new(input, units).init(&device).forward(x.clone(), None);
        let lstm = LstmConfig::new(input, units).init(&device).forward(x.clone(), None);
        let gru = GruConfig::new(input, units).init(&device).forward(x, None);
        for sequence in [&rnn.sequence, &lstm.sequence, &gru.sequence] {
            assert_eq!(sequence.dims(), [batch, time, units]);
        }
        for last in [rnn.last(), lstm.last(), gru.last(), lstm.state.cell] {
            assert_eq!(last.dims(), [batch, units]);
        }
    }
}

#[test]
fn two_halves_with_the_state_passed_on_equal_the_whole_sequence() {
    let layer = LstmConfig::new(3, 4).init(&Device::flex());
    let x = random([2, 6, 3]);
    let whole = layer.forward(x.clone(), None);
    let first = layer.forward(x.clone().narrow(1, 0, 3), None);
    let state = LstmState { hidden: first.state.hidden, cell: first.state.cell };
    let second = layer.forward(x.narrow(1, 3, 3), Some(state));
    second
        .state
        .cell
        .into_data()
        .assert_approx_eq::<f32>(&whole.state.cell.into_data(), Tolerance::absolute(1e-6));
    second.sequence.into_data().assert_approx_eq::<f32>(
        &whole.sequence.narrow(1, 3, 3).into_data(),
        Tolerance::absolute(1e-6),
    );
}

#[test]
fn initial_weights_are_those_of_keras() {
    let device = Device::flex();
    let lstm = LstmConfig::new(2, 3).init(&device);
    let bias: Vec<f32> = lstm.bias.as_ref().unwrap().val().into_data().iter::<f32>().collect();
    assert_eq!(
        bias,
        [0., 0., 0., 1., 1., 1., 0., 0., 0., 0., 0., 0.],
        "forget bias one, the rest zero"
    );
    let recurrent = lstm.recurrent_kernel.val();
    let product = recurrent.clone().matmul(recurrent.transpose());
    product.into_data().assert_approx_eq::<f32>(
        &Tensor::<2>::eye(3, &device).into_data(),
        Tolerance::absolute(1e-5),
    );
    let kernel: Vec<f32> =
        GruConfig::new(80, 100).init(&device).kernel.val().into_data().iter::<f32>().collect();
    let limit = (6.0f32 / (80.0 + 300.0)).sqrt();
    let largest = kernel.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!(
        largest <= limit && largest > 0.95 * limit,
        "glorot uniform reaches to {limit}, got {largest}"
    );
}

#[test]
fn the_activation_is_configurable() {
    let device = Device::flex();
    let layer = SimpleRnnConfig::new(2, 3).with_activation(ActivationConfig::Relu).init(&device);
    let smallest = layer.forward(random([4, 5, 2]), None).sequence.min().into_scalar::<f32>();
    assert!(smallest >= 0.0, "relu gave {smallest}");
    // With the identity as both activations, gates and states are linear. One step from zero states
    // gives h = o * i * c.
    let layer = LstmConfig::new(1, 1)
        .with_activation(ActivationConfig::Identity)
        .with_recurrent_activation(ActivationConfig::Identity)
        .init(&device);
    let kernel: Vec<f32> = layer.kernel.val().into_data().iter::<f32>().collect();
    let hidden =
        layer.forward(Tensor::ones([1, 1, 1], &device), None).state.hidden.into_scalar::<f32>();
    assert!((hidden - kernel[0] * kernel[2] * kernel[3]).abs() < 1e-6, "{hidden} {kernel:?}");
    let gru = GruConfig::new(2, 3).with_activation(ActivationConfig::Relu).init(&device);
    assert!(
        gru.forward(random([4, 5, 2]), None).sequence.min().into_scalar::<f32>() >= 0.0,
        "a weighted mean of relu outputs and zero"
    );
}

#[test]
fn gradients_reach_every_parameter() {
    let device = Device::flex().autodiff();
    for cell in [Cell::SimpleRnn, Cell::Lstm, Cell::Gru] {
        let model = SeriesModelConfig::new(cell).with_units(vec![4, 3]).init(&device);
        let x = Tensor::random([2, 5, 1], Distribution::Normal(0.0, 1.0), &device);
        let loss = model.forward(x).powi_scalar(2).mean();
        let mut counter = Counter { gradients: loss.backward(), with_gradient: 0 };
        model.visit(&mut counter);
        assert_eq!(counter.with_gradient, model.num_params(), "{cell:?}");
    }
}

struct Counter {
    gradients: burn::tensor::Gradients,
    with_gradient: usize,
}

impl burn::module::ModuleVisitor for Counter {
    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(&self.gradients) {
            let largest = gradient.clone().abs().max().into_scalar::<f32>();
            assert!(largest > 0.0 && largest.is_finite(), "a gradient is all {largest}");
            self.with_gradient += gradient.shape().num_elements();
        }
    }
}

#[test]
fn display_shows_sizes_and_parameter_counts() {
    let text = LstmConfig::new(80, 100).init(&Device::flex()).to_string();
    assert_eq!(text, "Lstm {input_size: 80, units: 100, bias: true, params: 72400}");
    let text = SeriesModelConfig::new(Cell::Gru).init(&Device::flex()).to_string();
    assert!(
        text.contains("Gru {input_size: 1, units: 80") && text.contains("params: 74621"),
        "{text}"
    );
}
