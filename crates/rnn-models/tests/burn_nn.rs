//! Tests of the conversions from and to `burn::nn`: outputs, states, gradients and errors.
//!
//! This is a separate test program, because flex computes in `F64` here. A process can set that
//! type only once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(deprecated, reason = "burn-ndarray is deprecated since Burn 0.22")]

use std::{fmt::Debug, sync::Once};

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::{
        self, BiGruConfig, BiLstmConfig, BiRnnConfig,
        activation::{ActivationConfig, HardSigmoidConfig},
    },
    tensor::{DType, Device, Distribution, FloatDType, Tensor, TensorData},
};
use rnn_models::{
    Bidirectional, BidirectionalConfig, Constraint, ConversionError, Gru, GruConfig, Lstm,
    LstmConfig, LstmState, MergeMode, Regularizer, SimpleRnn, SimpleRnnConfig,
};

/// Both layers add up the same products, in a different order.
const TOLERANCE_F64: f64 = 1e-12;
const TOLERANCE_F32: f64 = 1e-6;

const BATCH: usize = 3;
const TIME: usize = 7;
const INPUT: usize = 2;
const UNITS: usize = 5;

/// Devices and tolerances: flex in `F64`, ndarray in `F32`.
fn devices() -> [(Device, f64); 2] {
    static CONFIGURED: Once = Once::new();
    let mut flex = Device::flex();
    CONFIGURED.call_once(|| flex.configure(FloatDType::F64).unwrap());
    [(flex, TOLERANCE_F64), (Device::ndarray(), TOLERANCE_F32)]
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// Initial states: hidden and cell state of an LSTM, then those of the backward direction.
type Initial = [Tensor<2>; 4];

/// A layer of either crate. It returns the hidden states of all steps, then the final states.
trait Layer: Clone {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>);
}

impl Layer for nn::Rnn {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let (sequence, state) =
            self.forward(input, initial.map(|[hidden, ..]| nn::RnnState::new(hidden)));
        (sequence, vec![state.hidden])
    }
}

impl Layer for SimpleRnn {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let output = self.forward(input, initial.map(|[hidden, ..]| hidden));
        (output.sequence, vec![output.state])
    }
}

impl Layer for nn::Lstm {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let (sequence, state) =
            self.forward(input, initial.map(|[hidden, cell, ..]| nn::LstmState::new(cell, hidden)));
        (sequence, vec![state.hidden, state.cell])
    }
}

impl Layer for Lstm {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let output =
            self.forward(input, initial.map(|[hidden, cell, ..]| LstmState { hidden, cell }));
        (output.sequence, vec![output.state.hidden, output.state.cell])
    }
}

impl Layer for nn::Gru {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let sequence = self.forward(input, initial.map(|[hidden, ..]| hidden));
        let last = sequence.clone().narrow(1, TIME - 1, 1).squeeze_dim(1);
        (sequence, vec![last])
    }
}

impl Layer for Gru {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let output = self.forward(input, initial.map(|[hidden, ..]| hidden));
        (output.sequence, vec![output.state])
    }
}

/// States of both directions stacked as Burn takes them, `[2, B, H]`.
fn stacked(forward: Tensor<2>, reverse: Tensor<2>) -> Tensor<3> {
    Tensor::stack(vec![forward, reverse], 0)
}

fn apart(states: Tensor<3>) -> [Tensor<2>; 2] {
    [0, 1].map(|index| states.clone().narrow(0, index, 1).squeeze_dim(0))
}

impl Layer for nn::BiRnn {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let initial =
            initial.map(|[forward, _, reverse, _]| nn::RnnState::new(stacked(forward, reverse)));
        let (sequence, state) = self.forward(input, initial);
        (sequence, apart(state.hidden).into())
    }
}

impl Layer for nn::BiGru {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let (sequence, states) =
            self.forward(input, initial.map(|[forward, _, reverse, _]| stacked(forward, reverse)));
        (sequence, apart(states).into())
    }
}

impl Layer for nn::BiLstm {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let initial = initial.map(|[hidden, cell, reverse_hidden, reverse_cell]| {
            nn::LstmState::new(stacked(cell, reverse_cell), stacked(hidden, reverse_hidden))
        });
        let (sequence, state) = self.forward(input, initial);
        (sequence, [apart(state.hidden), apart(state.cell)].concat())
    }
}

impl Layer for Bidirectional<SimpleRnn> {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let output =
            self.forward(input, initial.map(|[forward, _, backward, _]| (forward, backward)));
        (output.sequence, vec![output.states.0, output.states.1])
    }
}

impl Layer for Bidirectional<Gru> {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let output =
            self.forward(input, initial.map(|[forward, _, backward, _]| (forward, backward)));
        (output.sequence, vec![output.states.0, output.states.1])
    }
}

impl Layer for Bidirectional<Lstm> {
    fn outputs(&self, input: Tensor<3>, initial: Option<Initial>) -> (Tensor<3>, Vec<Tensor<2>>) {
        let state = |hidden, cell| LstmState { hidden, cell };
        let output = self
            .forward(input, initial.map(|[hidden, cell, h, c]| (state(hidden, cell), state(h, c))));
        let (forward, backward) = output.states;
        (output.sequence, vec![forward.hidden, backward.hidden, forward.cell, backward.cell])
    }
}

/// Compares numbers. The tolerance is absolute below 1 and relative above.
fn assert_close(got: TensorData, expected: TensorData, tolerance: f64, what: &str) {
    assert_eq!(got.shape(), expected.shape(), "{what}");
    for (index, (got, expected)) in got.iter::<f64>().zip(expected.iter::<f64>()).enumerate() {
        assert!(
            (got - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{what}: number {index} is {got}, expected {expected}"
        );
    }
}

/// Checks that two layers give the same outputs, from zero and from random states.
fn assert_same(
    got: &impl Layer,
    expected: &impl Layer,
    device: &Device,
    tolerance: f64,
    what: &str,
) {
    let input = random([BATCH, TIME, INPUT], device);
    let states: Initial = std::array::from_fn(|_| random([BATCH, UNITS], device));
    for initial in [None, Some(states)] {
        let (got, got_states) = got.outputs(input.clone(), initial.clone());
        let (expected, expected_states) = expected.outputs(input.clone(), initial);
        assert_close(got.into_data(), expected.into_data(), tolerance, what);
        assert_eq!(got_states.len(), expected_states.len(), "{what}");
        for (got, expected) in got_states.into_iter().zip(expected_states) {
            assert_close(
                got.into_data(),
                expected.into_data(),
                tolerance,
                &format!("{what}: state"),
            );
        }
    }
}

/// Converts a layer and the result back, and checks that all three give the same outputs.
fn check<From, To>(layer: From, device: &Device, tolerance: f64, what: &str) -> (To, From)
where
    From: Layer + TryFrom<To, Error = ConversionError>,
    To: Layer + TryFrom<From, Error = ConversionError>,
{
    let converted = To::try_from(layer.clone()).unwrap();
    assert_same(&converted, &layer, device, tolerance, what);
    let back = From::try_from(converted.clone()).unwrap();
    assert_same(&back, &layer, device, tolerance, &format!("{what}, converted back"));
    (converted, back)
}

#[test]
fn converted_layers_keep_outputs_and_states_in_both_directions() {
    for (device, tolerance) in devices() {
        for bias in [true, false] {
            let rnn = nn::RnnConfig::new(INPUT, UNITS, bias);
            check::<_, SimpleRnn>(rnn.init(&device), &device, tolerance, "Rnn");
            let relu = rnn.with_hidden_activation(ActivationConfig::Relu);
            check::<_, SimpleRnn>(relu.init(&device), &device, tolerance, "Rnn with relu");

            let lstm = nn::LstmConfig::new(INPUT, UNITS, bias);
            check::<_, Lstm>(lstm.init(&device), &device, tolerance, "Lstm");
            let other = lstm
                .with_gate_activation(ActivationConfig::HardSigmoid(HardSigmoidConfig::new()))
                .with_cell_activation(ActivationConfig::Softsign)
                .with_hidden_activation(ActivationConfig::Softsign);
            check::<_, Lstm>(
                other.init(&device),
                &device,
                tolerance,
                "Lstm with other activations",
            );

            for reset_after in [true, false] {
                let gru = nn::GruConfig::new(INPUT, UNITS, bias).with_reset_after(reset_after);
                check::<_, Gru>(gru.init(&device), &device, tolerance, "Gru");
                let relu = gru.with_hidden_activation(ActivationConfig::Relu);
                check::<_, Gru>(relu.init(&device), &device, tolerance, "Gru with relu");
            }
        }
    }
}

#[test]
fn bidirectional_layers_are_converted() {
    for (device, tolerance) in devices() {
        let rnn = BiRnnConfig::new(INPUT, UNITS, true).init(&device);
        check::<_, Bidirectional<SimpleRnn>>(rnn, &device, tolerance, "BiRnn");
        let lstm = BiLstmConfig::new(INPUT, UNITS, true).init(&device);
        check::<_, Bidirectional<Lstm>>(lstm, &device, tolerance, "BiLstm");
        let gru = BiGruConfig::new(INPUT, UNITS, true).init(&device);
        check::<_, Bidirectional<Gru>>(gru, &device, tolerance, "BiGru");
    }
}

#[test]
fn our_layers_converted_to_burn_nn_give_the_same_outputs() {
    for (device, tolerance) in devices() {
        for bias in [true, false] {
            let rnn = SimpleRnnConfig::new(INPUT, UNITS).with_bias(bias).init(&device);
            check::<_, nn::Rnn>(rnn, &device, tolerance, "SimpleRnn");
            let lstm = LstmConfig::new(INPUT, UNITS).with_bias(bias).init(&device);
            check::<_, nn::Lstm>(lstm, &device, tolerance, "Lstm");
            for reset_after in [true, false] {
                let gru = GruConfig::new(INPUT, UNITS)
                    .with_bias(bias)
                    .with_reset_after(reset_after)
                    .init(&device);
                check::<_, nn::Gru>(gru, &device, tolerance, "Gru");
            }
            let both = BidirectionalConfig::new(LstmConfig::new(INPUT, UNITS).with_bias(bias))
                .init(&device);
            check::<_, nn::BiLstm>(both, &device, tolerance, "Bidirectional");
        }
    }
}

/// Values of all parameters of a module, in its order.
fn numbers(module: &impl Module) -> Vec<TensorData> {
    struct Numbers(Vec<TensorData>);
    impl ModuleVisitor for Numbers {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            self.0.push(parameter.val().into_data());
        }
    }
    let mut numbers = Numbers(Vec::new());
    module.visit(&mut numbers);
    numbers.0
}

#[test]
fn weights_convert_back_exactly_and_two_biases_become_their_sum() {
    for (device, tolerance) in devices() {
        let gru = nn::GruConfig::new(INPUT, UNITS, true).init(&device);
        let (_, back) = check::<_, Gru>(gru.clone(), &device, tolerance, "Gru");
        assert_eq!(numbers(&back), numbers(&gru), "a GRU keeps both biases");

        let lstm = nn::LstmConfig::new(INPUT, UNITS, true).init(&device);
        let (_, back) = check::<_, Lstm>(lstm.clone(), &device, tolerance, "Lstm");
        let gates = |lstm: &nn::Lstm| {
            let forget_gate = lstm.forget_gate.clone().unwrap();
            [lstm.input_gate.clone(), forget_gate, lstm.cell_gate.clone(), lstm.output_gate.clone()]
        };
        for (before, after) in gates(&lstm).into_iter().zip(gates(&back)) {
            assert_eq!(
                after.input_transform.weight.to_data(),
                before.input_transform.weight.to_data()
            );
            assert_eq!(
                after.hidden_transform.weight.to_data(),
                before.hidden_transform.weight.to_data()
            );
            let biases = [before.input_transform, before.hidden_transform]
                .map(|layer| layer.bias.unwrap().val());
            let [input, hidden] = biases;
            assert_eq!(
                after.input_transform.bias.unwrap().to_data(),
                (input + hidden.clone()).into_data()
            );
            assert_eq!(
                after.hidden_transform.bias.unwrap().to_data(),
                hidden.zeros_like().into_data()
            );
        }

        let ours = LstmConfig::new(INPUT, UNITS).init(&device);
        let (_, back) = check::<_, nn::Lstm>(ours.clone(), &device, tolerance, "ours");
        assert_eq!(numbers(&back), numbers(&ours), "a single bias converts back exactly");
    }
}

#[test]
fn a_layer_of_burn_nn_loads_the_record_of_a_converted_one() {
    let (device, _) = &devices()[0];
    let config = nn::LstmConfig::new(INPUT, UNITS, true);
    let layer = nn::Lstm::try_from(LstmConfig::new(INPUT, UNITS).init(device)).unwrap();
    let loaded = config.init(device).load_record(layer.clone().into_record());
    assert_eq!(numbers(&loaded), numbers(&layer));
}

/// Checks that all parameters are trainable, or that none is.
fn assert_learns(module: &impl Module, learns: bool, device: &Device) {
    struct Learns(bool, Device);
    impl ModuleVisitor for Learns {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            assert_eq!(parameter.val().is_require_grad(), self.0);
            assert_eq!(parameter.val().device(), self.1);
        }
    }
    module.visit(&mut Learns(learns, device.clone()));
}

#[test]
fn gradients_of_a_converted_layer_equal_those_of_the_original() {
    for (device, tolerance) in devices() {
        let device = device.autodiff();
        let burns = nn::LstmConfig::new(INPUT, UNITS, true).init(&device);
        let ours = Lstm::try_from(burns.clone()).unwrap();
        assert_learns(&ours, true, &device);
        assert_learns(&nn::Lstm::try_from(ours.clone()).unwrap(), true, &device);
        let input = random([BATCH, TIME, INPUT], &device);
        let loss = |layer: &dyn Fn(Tensor<3>) -> Tensor<3>| {
            layer(input.clone()).square().mean().backward()
        };
        let got = loss(&|input| ours.forward(input, None).sequence);
        let expected = loss(&|input| burns.forward(input, None).0);
        let forget_gate = burns.forget_gate.as_ref().unwrap();
        let gates = [&burns.input_gate, forget_gate, &burns.cell_gate, &burns.output_gate];
        let gates = |of: fn(&nn::GateController) -> Tensor<2>| {
            Tensor::cat(gates.iter().map(|gate| of(gate).grad(&expected).unwrap()).collect(), 1)
        };
        let kernel = gates(|gate| gate.input_transform.weight.val());
        let recurrent_kernel = gates(|gate| gate.hidden_transform.weight.val());
        let gradient = |weights: &Param<Tensor<2>>| weights.val().grad(&got).unwrap().into_data();
        assert_close(gradient(&ours.kernel), kernel.into_data(), tolerance, "kernel");
        assert_close(
            gradient(&ours.recurrent_kernel),
            recurrent_kernel.into_data(),
            tolerance,
            "recurrent kernel",
        );
    }
}

#[test]
fn a_frozen_layer_stays_frozen_and_an_inference_layer_can_be_trained() {
    let (device, _) = devices()[0].clone();
    let learning = device.clone().autodiff();
    let frozen = nn::GruConfig::new(INPUT, UNITS, true).init(&learning).no_grad();
    let ours = Gru::try_from(frozen).unwrap();
    assert_learns(&ours, false, &learning);
    assert_learns(&nn::Gru::try_from(ours).unwrap(), false, &learning);
    let plain = Gru::try_from(nn::GruConfig::new(INPUT, UNITS, true).init(&device)).unwrap();
    assert_learns(&plain, false, &device);
    assert_learns(&plain.train(), true, &learning);
}

#[test]
fn conversion_keeps_the_number_type() {
    for (device, dtype) in
        devices().into_iter().map(|(device, _)| device).zip([DType::F64, DType::F32])
    {
        let layer =
            SimpleRnn::try_from(nn::RnnConfig::new(INPUT, UNITS, true).init(&device)).unwrap();
        assert!(numbers(&layer).iter().all(|data| data.dtype() == dtype), "{dtype:?}");
    }
}

fn refusal<From, To: TryFrom<From, Error = ConversionError> + Debug>(layer: From) -> String {
    To::try_from(layer).unwrap_err().to_string()
}

#[test]
fn unsupported_settings_of_burn_nn_are_named_in_the_error() {
    let (device, _) = &devices()[0];
    let rnn = nn::RnnConfig::new(INPUT, UNITS, true);
    let refused = |config: nn::RnnConfig| refusal::<_, SimpleRnn>(config.init(device));
    let clip = "`clip` is set (it has no counterpart; set it to `None`)";
    let reverse = "`reverse` is on (flip the input and the outputs in time instead)";
    let time_first =
        "`batch_first` is off (swap the first two dimensions of input and outputs instead)";
    assert_eq!(
        refused(rnn.clone().with_clip(Some(1.0))),
        format!("burn::nn::Rnn cannot be converted: {clip}")
    );
    assert_eq!(
        refused(rnn.clone().with_reverse(true)),
        format!("burn::nn::Rnn cannot be converted: {reverse}")
    );
    assert_eq!(
        refused(rnn.with_batch_first(false)),
        format!("burn::nn::Rnn cannot be converted: {time_first}")
    );

    let lstm = nn::LstmConfig::new(INPUT, UNITS, true);
    let refused = |config: nn::LstmConfig| refusal::<_, Lstm>(config.init(device));
    let is_refused = |config, reason: &str| {
        assert_eq!(refused(config), format!("burn::nn::Lstm cannot be converted: {reason}"))
    };
    is_refused(lstm.clone().with_clip(Some(1.0)), clip);
    is_refused(lstm.clone().with_reverse(true), reverse);
    is_refused(lstm.clone().with_batch_first(false), time_first);
    is_refused(
        lstm.clone().with_input_forget(true),
        "`input_forget` is on (it has no counterpart)",
    );
    let differ = "`cell_activation` and `hidden_activation` differ or have parameters";
    is_refused(lstm.with_hidden_activation(ActivationConfig::Relu), differ);

    let gru = nn::GruConfig::new(INPUT, UNITS, true).with_clip(Some(1.0)).init(device);
    assert_eq!(refusal::<_, Gru>(gru), format!("burn::nn::Gru cannot be converted: {clip}"));
    let both = BiLstmConfig::new(INPUT, UNITS, true);
    let time_first = format!("burn::nn::BiLstm cannot be converted: {time_first}");
    assert_eq!(
        refusal::<_, Bidirectional<Lstm>>(both.clone().with_batch_first(false).init(device)),
        time_first
    );
    let clip = format!("burn::nn::Lstm cannot be converted: {clip}");
    assert_eq!(refusal::<_, Bidirectional<Lstm>>(both.with_clip(Some(1.0)).init(device)), clip);
}

#[test]
fn settings_without_a_counterpart_in_burn_nn_are_named_in_the_error() {
    let (device, _) = &devices()[0];
    let config = LstmConfig::new(INPUT, UNITS);
    let refused = |config: LstmConfig| refusal::<_, nn::Lstm>(config.init(device));
    for (config, reason) in [
        (config.clone().with_dropout(0.1), "`dropout` is set"),
        (config.clone().with_recurrent_dropout(0.1), "`recurrent_dropout` is set"),
        (config.clone().with_go_backwards(true), "`go_backwards` is on"),
        (config.clone().with_kernel_regularizer(Some(Regularizer::new())), "a regularizer is set"),
        (config.clone().with_bias_constraint(Some(Constraint::NonNeg)), "a constraint is set"),
    ] {
        let text = refused(config);
        assert!(
            text.starts_with(&format!("Lstm cannot be converted: {reason} (it has no counterpart")),
            "{text}"
        );
    }
    let learnt = config.clone().with_activation(ActivationConfig::PRelu(nn::PReluConfig::new()));
    let reason = "`activation` has weights (Burn's two activations could not share them)";
    assert_eq!(refused(learnt), format!("Lstm cannot be converted: {reason}"));
    let summed = BidirectionalConfig::new(config).with_merge(MergeMode::Sum).init(device);
    let text = refusal::<_, nn::BiLstm>(summed);
    assert_eq!(
        text,
        "Bidirectional cannot be converted: `merge` is not `Concat` (no other mode has a \
         counterpart)"
    );
}
