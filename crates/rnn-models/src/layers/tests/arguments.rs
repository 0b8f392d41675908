//! Tests of the layers' arguments beyond the golden vectors: randomness, streaming and misuse.

use burn::{
    module::{Module, Param},
    nn::{Initializer, activation::ActivationConfig},
    optim::{GradientsParams, SgdConfig},
    tensor::{Bool, DType, Device, Distribution, Tensor, Tolerance},
};

use super::super::*;
use crate::LstmState;

fn random(shape: [usize; 3], device: &Device) -> Tensor<3> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// True for each value of a tensor that is zero.
fn zeros<const D: usize>(tensor: Tensor<D>) -> Vec<bool> {
    tensor.into_data().iter::<f32>().map(|value| value == 0.0).collect()
}

#[test]
fn steps_one_by_one_equal_the_sequence() {
    fn check<S: Clone>(
        whole: &Tensor<3>,
        x: &Tensor<3>,
        step: impl Fn(Tensor<2>, Option<S>) -> S,
        hidden: fn(&S) -> &Tensor<2>,
    ) -> S {
        let mut state = None;
        for (t, input) in x.clone().iter_dim(1).enumerate() {
            let next = step(input.squeeze_dim(1), state);
            let expected = whole.clone().narrow(1, t, 1).squeeze_dim::<2>(1).into_data();
            hidden(&next)
                .clone()
                .into_data()
                .assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-6));
            state = Some(next);
        }
        state.unwrap()
    }
    for device in [Device::flex(), Device::ndarray()] {
        let x = random([3, 7, 2], &device);
        // The default cells have fused operators; the others are composed of tensor operations.
        for activation in [ActivationConfig::Tanh, ActivationConfig::Softsign] {
            let rnn = SimpleRnnConfig::new(2, 5).with_activation(activation.clone()).init(&device);
            check(
                &rnn.forward(x.clone(), None).sequence,
                &x,
                |input, state| rnn.step(input, state),
                |state| state,
            );
            for reset_after in [true, false] {
                let gru = GruConfig::new(2, 5)
                    .with_activation(activation.clone())
                    .with_reset_after(reset_after)
                    .init(&device);
                check(
                    &gru.forward(x.clone(), None).sequence,
                    &x,
                    |input, state| gru.step(input, state),
                    |state| state,
                );
            }
            let lstm = LstmConfig::new(2, 5).with_activation(activation).init(&device);
            let whole = lstm.forward(x.clone(), None);
            let last: LstmState = check(
                &whole.sequence,
                &x,
                |input, state| lstm.step(input, state),
                |state| &state.hidden,
            );
            last.cell
                .into_data()
                .assert_approx_eq::<f32>(&whole.state.cell.into_data(), Tolerance::absolute(1e-6));
        }
    }
}

/// A SimpleRNN that passes its inputs through, so that dropped values are visible.
fn transparent(recurrent: f32, config: SimpleRnnConfig, device: &Device) -> SimpleRnn {
    let units = config.units;
    let mut layer =
        config.with_activation(ActivationConfig::Identity).with_bias(false).init(device);
    layer.kernel = Param::from_tensor(Tensor::eye(units, device));
    layer.recurrent_kernel = Param::from_tensor(Tensor::eye(units, device) * recurrent);
    layer
}

#[test]
fn dropout_draws_one_mask_a_sequence_and_only_while_training() {
    let device = Device::flex().autodiff();
    let layer = transparent(0.0, SimpleRnnConfig::new(50, 50).with_dropout(0.4), &device);
    let x = Tensor::<3>::ones([4, 6, 50], &device);
    let output = layer.forward(x.clone(), None).sequence;
    let first = zeros(output.clone().narrow(1, 0, 1));
    for t in 1..6 {
        assert_eq!(
            zeros(output.clone().narrow(1, t, 1)),
            first,
            "step {t} has the mask of the first"
        );
    }
    let dropped = first.iter().filter(|&&zero| zero).count();
    assert!((50..110).contains(&dropped), "{dropped} of 200 values dropped at a rate of 0.4");
    assert_ne!(
        zeros(output.clone().narrow(0, 0, 1)),
        zeros(output.clone().narrow(0, 1, 1)),
        "each sequence has its own mask"
    );
    let largest = output.max().into_scalar::<f32>();
    assert!((largest - 1.0 / 0.6).abs() < 1e-4, "kept values are scaled by 1 / 0.6: {largest}");
    let kept = layer.forward(x.inner(), None).sequence;
    assert!(zeros(kept).iter().all(|&zero| !zero), "nothing is dropped in inference");
}

#[test]
fn recurrent_dropout_drops_the_same_states_at_every_step() {
    let device = Device::flex().autodiff();
    let layer = transparent(1.0, SimpleRnnConfig::new(40, 40).with_recurrent_dropout(0.5), &device);
    let mut input = Tensor::<3>::zeros([2, 5, 40], &device);
    input = input.slice_assign([0..2, 0..1, 0..40], Tensor::ones([2, 1, 40], &device));
    let output = layer.forward(input, None).sequence;
    assert!(
        zeros(output.clone().narrow(1, 0, 1)).iter().all(|&zero| !zero),
        "the first step has no state to drop"
    );
    let second = zeros(output.clone().narrow(1, 1, 1));
    assert!(second.iter().any(|&zero| zero) && second.iter().any(|&zero| !zero));
    for t in 2..5 {
        assert_eq!(zeros(output.clone().narrow(1, t, 1)), second, "step {t}");
    }
    // The gated cells have a mask for each gate.
    let x = random([2, 5, 3], &device);
    let lstm = LstmConfig::new(3, 4).with_recurrent_dropout(0.5).with_dropout(0.5).init(&device);
    let gru = GruConfig::new(3, 4).with_recurrent_dropout(0.5).init(&device);
    let run = |x: &Tensor<3>| {
        (
            lstm.forward(x.clone(), None).sequence.into_data(),
            gru.forward(x.clone(), None).sequence.into_data(),
        )
    };
    assert!(run(&x).0 != run(&x).0 && run(&x).1 != run(&x).1, "every batch has its own masks");
    let data = x.clone().inner();
    assert_eq!(run(&data), run(&data), "nothing is dropped in inference");
    let gradients = gru.forward(x, None).sequence.sum().backward();
    assert!(gru.recurrent_kernel.val().grad(&gradients).is_some());
}

#[test]
fn both_dropouts_together_follow_the_equation() {
    let device = Device::flex().autodiff();
    let layer = transparent(
        1.0,
        SimpleRnnConfig::new(150, 150).with_dropout(0.5).with_recurrent_dropout(0.2),
        &device,
    );
    let output = layer.forward(Tensor::<3>::ones([2, 4, 150], &device), None).sequence;
    let steps: Vec<Vec<f32>> =
        output.iter_dim(1).map(|step| step.into_data().iter::<f32>().collect()).collect();
    let mut seen = [0; 4];
    for unit in 0..steps[0].len() {
        // h_t = m x_t + r h_(t-1), with m of 0 or 1 / 0.5 and r of 0 or 1 / 0.8.
        let input = steps[0][unit];
        assert!(input == 0.0 || (input - 2.0).abs() < 1e-3, "{input}");
        let factor = if input == 0.0 { 0.0 } else { steps[1][unit] / input - 1.0 };
        assert!(factor.abs() < 1e-3 || (factor - 1.25).abs() < 1e-3, "{factor}");
        for t in 1..steps.len() {
            let expected = input + factor * steps[t - 1][unit];
            assert!(
                (steps[t][unit] - expected).abs() < 1e-3,
                "unit {unit}, step {t}: {} {expected}",
                steps[t][unit]
            );
        }
        seen[usize::from(input > 0.0) * 2 + usize::from(factor > 0.0)] += 1;
    }
    assert!(
        seen[0] > 0 && seen[2] > 0 && seen[3] > 0,
        "dropped by the input, by the recurrence, and kept: {seen:?}"
    );
}

#[test]
fn a_frozen_layer_does_not_learn_and_lets_gradients_through() {
    let device = Device::flex().autodiff();
    let frozen = LstmConfig::new(2, 3).init(&device).no_grad();
    let before = frozen.kernel.val().into_data();
    let first = GruConfig::new(2, 2).init(&device);
    let gradients = frozen
        .forward(first.forward(random([2, 4, 2], &device), None).sequence, None)
        .last()
        .sum()
        .backward();
    assert!(
        frozen.kernel.val().grad(&gradients).is_none()
            && frozen.recurrent_kernel.val().grad(&gradients).is_none()
    );
    assert!(first.kernel.val().grad(&gradients).unwrap().abs().max().into_scalar::<f32>() > 0.0);
    let gradients = GradientsParams::from_grads(gradients, &frozen);
    let mut optimizer = SgdConfig::new().init();
    let after = optimizer.step(1.0, frozen, gradients).kernel.val().into_data();
    assert_eq!(before, after);
}

#[test]
#[should_panic(expected = "recurrent_dropout: rate is 1 (expected at least 0 and below 1)")]
fn a_rate_of_one_is_refused() {
    GruConfig::new(1, 1).with_recurrent_dropout(1.0).init(&Device::flex());
}

#[test]
fn with_lengths_the_state_is_that_of_the_last_unpadded_step() {
    let device = Device::flex();
    let x = random([2, 6, 3], &device);
    let batch = || Sequences::with_lengths(x.clone(), &[6, 2]);
    let short = || x.clone().narrow(0, 1, 1).narrow(1, 0, 2);
    let (rnn, gru) = (SimpleRnnConfig::new(3, 4).init(&device), GruConfig::new(3, 4).init(&device));
    for (padded, alone) in [
        (rnn.forward(batch(), None).state, rnn.forward(short(), None).state),
        (gru.forward(batch(), None).state, gru.forward(short(), None).state),
    ] {
        padded
            .narrow(0, 1, 1)
            .into_data()
            .assert_approx_eq::<f32>(&alone.into_data(), Tolerance::absolute(1e-6));
    }
    let layer = LstmConfig::new(3, 4).init(&device);
    let padded = layer.forward(Sequences::with_lengths(x.clone(), &[6, 2]), None);
    let short = layer.forward(x.narrow(0, 1, 1).narrow(1, 0, 2), None);
    let row = |state: Tensor<2>| state.narrow(0, 1, 1).into_data();
    row(padded.state.cell)
        .assert_approx_eq::<f32>(&short.state.cell.into_data(), Tolerance::absolute(1e-6));
    row(padded.state.hidden.clone())
        .assert_approx_eq::<f32>(&short.state.hidden.into_data(), Tolerance::absolute(1e-6));
    let after = padded.sequence.narrow(0, 1, 1).narrow(1, 5, 1).squeeze_dim::<2>(1).into_data();
    assert_eq!(after, row(padded.state.hidden), "padding repeats the last output");
}

#[test]
#[should_panic(expected = "sequences: length of sequence 1 is 0 (expected 1 to 6)")]
fn a_length_of_zero_is_refused() {
    Sequences::with_lengths(Tensor::zeros([2, 6, 1], &Device::flex()), &[6, 0]);
}

#[test]
#[should_panic(expected = "sequences: got 1 lengths for 2 sequences (expected one per sequence)")]
fn a_missing_length_is_refused() {
    Sequences::with_lengths(Tensor::zeros([2, 6, 1], &Device::flex()), &[6]);
}

#[test]
fn go_backwards_equals_forwards_over_the_reversed_sequence() {
    let device = Device::flex();
    let x = random([2, 5, 3], &device);
    let layer = GruConfig::new(3, 4).with_go_backwards(true).init(&device);
    let mut forwards = GruConfig::new(3, 4).init(&device);
    (forwards.kernel, forwards.recurrent_kernel) =
        (layer.kernel.clone(), layer.recurrent_kernel.clone());
    assert_eq!(
        layer.forward(x.clone(), None).sequence.into_data(),
        forwards.forward(x.flip([1]), None).sequence.into_data()
    );
}

#[test]
fn go_backwards_with_a_mask_and_a_state_equals_forwards_over_reversed_input_and_mask() {
    let device = Device::flex();
    let (x, state) = (random([2, 4, 3], &device), random([2, 1, 5], &device).squeeze_dim::<2>(1));
    let mask = Tensor::<2, Bool>::from_data(
        [[true, true, false, true], [false, true, true, false]],
        &device,
    );
    for reset_after in [true, false] {
        let layer = GruConfig::new(3, 5)
            .with_go_backwards(true)
            .with_reset_after(reset_after)
            .init(&device);
        let mut forwards = GruConfig::new(3, 5).with_reset_after(reset_after).init(&device);
        (forwards.kernel, forwards.recurrent_kernel) =
            (layer.kernel.clone(), layer.recurrent_kernel.clone());
        let got = layer.forward(Sequences::with_mask(x.clone(), mask.clone()), Some(state.clone()));
        let reversed = Sequences::with_mask(x.clone().flip([1]), mask.clone().flip([1]));
        let expected = forwards.forward(reversed, Some(state.clone()));
        assert_eq!(got.sequence.into_data(), expected.sequence.into_data());
        assert_eq!(got.state.into_data(), expected.state.into_data());
    }
}

#[test]
fn a_stack_returns_states_and_applies_dropout_only_between_layers() {
    let device = Device::flex().autodiff();
    let stack = StackConfig::new(GruConfig::new(3, 8), 3).with_dropout(0.5).init(&device);
    assert_eq!(
        stack.layers.iter().map(|layer| layer.kernel.shape()[0]).collect::<Vec<_>>(),
        [3, 8, 8]
    );
    let inference = stack.clone().valid();
    let x = random([2, 6, 3], &device.clone().inner());
    let whole = inference.forward(x.clone(), None);
    let first = inference.forward(x.clone().narrow(1, 0, 2), None);
    let rest = inference.forward(x.narrow(1, 2, 4), Some(first.states));
    let [got, expected] = [rest.states, whole.states].map(|states| states[2].clone().into_data());
    got.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-6));
    let one = StackConfig::new(GruConfig::new(3, 8), 1).with_dropout(0.5).init(&device);
    let x = random([2, 4, 3], &device);
    let run = || one.forward(x.clone(), None).sequence.into_data();
    assert_eq!(run(), run(), "one layer has no dropout after it");
    let run = || stack.forward(x.clone(), None).sequence.into_data();
    assert_ne!(run(), run(), "every batch has its own masks");
}

#[test]
#[should_panic(expected = "stack: got 1 initial states for 2 layers (expected one per layer)")]
fn a_stack_needs_a_state_for_each_layer() {
    let device = Device::flex();
    let stack = StackConfig::new(GruConfig::new(1, 2), 2).init(&device);
    stack.forward(
        Tensor::<3>::zeros([1, 1, 1], &device),
        Some(vec![Tensor::zeros([1, 2], &device)]),
    );
}

#[test]
fn layers_without_regularizers_have_no_penalty() {
    let device = Device::flex();
    assert!(LstmConfig::new(2, 3).init(&device).penalty().is_none());
    let some = Some(Regularizer::new().with_l2(0.5));
    let layer =
        SimpleRnnConfig::new(2, 3).with_bias(false).with_bias_regularizer(some).init(&device);
    assert!(layer.penalty().is_none(), "there is no bias");
    let layer = SimpleRnnConfig::new(2, 3).with_kernel_regularizer(some).init(&device);
    let expected = layer.kernel.val().square().sum().into_scalar::<f32>() * 0.5;
    assert!((layer.penalty().unwrap().into_scalar::<f32>() - expected).abs() < 1e-6);
}

#[test]
fn constraints_hold_after_steps_of_an_optimizer() {
    let device = Device::flex().autodiff();
    let config = GruConfig::new(3, 4)
        .with_kernel_constraint(Some(Constraint::MaxNorm { max_value: 0.5 }))
        .with_recurrent_constraint(Some(Constraint::NonNeg))
        .with_bias_constraint(Some(Constraint::MaxNorm { max_value: 0.3 }));
    let mut layer = config.init(&device).constrained();
    let mut optimizer = SgdConfig::new().init();
    let norm = |weights: Tensor<2>| weights.square().sum_dim(0).sqrt().max().into_scalar::<f32>();
    let biases = |layer: &Gru| {
        let rows = [&layer.bias, &layer.recurrent_bias].map(|bias| bias.as_ref().unwrap().val());
        Tensor::stack::<2>(rows.to_vec(), 0)
    };
    for _ in 0..3 {
        // For any weights, the step subtracts 5 from each recurrent weight and adds 5 to the
        // others.
        let others = layer.kernel.val().sum() + biases(&layer).sum();
        let loss = layer.recurrent_kernel.val().sum() - others;
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        let before = layer.kernel.val().into_data();
        layer = optimizer.step(5.0, layer, gradients);
        assert_ne!(before, layer.kernel.val().into_data(), "it still learns");
        assert!(
            norm(layer.kernel.val()) > 0.5 && norm(biases(&layer)) > 0.3,
            "the step goes beyond the limits"
        );
        assert!(layer.recurrent_kernel.val().min().into_scalar::<f32>() < 0.0);
        layer = layer.constrained();
        assert!(norm(layer.kernel.val()) <= 0.5 + 1e-6);
        assert!(norm(biases(&layer)) <= 0.3 + 1e-6);
        assert!(layer.recurrent_kernel.val().min().into_scalar::<f32>() >= 0.0);
    }
}

#[test]
fn every_layer_applies_each_constraint_to_its_own_weight() {
    let limit = |max_value| Some(Constraint::MaxNorm { max_value });
    let norm = |weights: Tensor<2>| weights.square().sum_dim(0).sqrt().max().into_scalar::<f32>();
    macro_rules! check {
        ($config:ident) => {{
            let large = Initializer::Constant { value: 3.0 };
            let config = $config::new(2, 3)
                .with_kernel_initializer(large.clone())
                .with_recurrent_initializer(large.clone());
            let config = config
                .with_bias_initializer(large)
                .with_kernel_constraint(limit(0.25))
                .with_recurrent_constraint(limit(0.5));
            let layer =
                config.with_bias_constraint(limit(0.75)).init(&Device::flex()).constrained();
            let bias = layer.bias.clone().unwrap().val().unsqueeze_dim::<2>(1);
            for (name, got, expected) in [
                ("kernel", norm(layer.kernel.val()), 0.25),
                ("recurrent kernel", norm(layer.recurrent_kernel.val()), 0.5),
            ] {
                assert!(
                    (got - expected).abs() < 1e-5,
                    "{}: {name}: {got}, expected {expected}",
                    stringify!($config)
                );
            }
            bias
        }};
    }
    // The norm of a vector is over all its values. A GRU's constraint is on both bias rows
    // together; the next test checks it.
    for bias in [check!(SimpleRnnConfig), check!(LstmConfig)] {
        assert!((norm(bias) - 0.75).abs() < 1e-5);
    }
    check!(GruConfig);
}

#[test]
fn the_constraint_of_a_gru_bias_covers_both_rows_together() {
    let limit = Some(Constraint::MaxNorm { max_value: 1.0 });
    let mut layer = GruConfig::new(1, 1).with_bias_constraint(limit).init(&Device::flex());
    layer.bias = Some(Param::from_data([3.0f32, 0.3, 0.0], &Device::flex()));
    layer.recurrent_bias = Some(Param::from_data([4.0f32, 0.4, 2.0], &Device::flex()));
    let layer = layer.constrained();
    let row = |bias: &Option<Param<Tensor<1>>>| bias.as_ref().unwrap().val().into_data();
    // Norms of the columns: 5, 0.5 and 2.
    row(&layer.bias).assert_approx_eq::<f32>(&[0.6f32, 0.3, 0.0].into(), Tolerance::absolute(1e-6));
    row(&layer.recurrent_bias)
        .assert_approx_eq::<f32>(&[0.8f32, 0.4, 1.0].into(), Tolerance::absolute(1e-6));
}

#[test]
fn initialisers_are_used() {
    let device = Device::flex();
    let all =
        |weights: Tensor<2>, value: f32| weights.into_data().iter::<f32>().all(|got| got == value);
    let [one, two, three] = [1.0, 2.0, 3.0].map(|value| Initializer::Constant { value });
    macro_rules! check {
        ($config:ident) => {{
            let config = $config::new(2, 3)
                .with_kernel_initializer(one.clone())
                .with_recurrent_initializer(two.clone());
            let layer = config.with_bias_initializer(three.clone()).init(&device);
            assert!(all(layer.kernel.val(), 1.0) && all(layer.recurrent_kernel.val(), 2.0));
            layer.bias.unwrap().val().into_data().iter::<f32>().collect::<Vec<_>>()
        }};
    }
    assert_eq!(check!(SimpleRnnConfig), [3.0; 3]);
    assert_eq!(check!(GruConfig), [3.0; 9]);
    assert_eq!(
        check!(LstmConfig),
        [3., 3., 3., 1., 1., 1., 3., 3., 3., 3., 3., 3.],
        "unit_forget_bias is on"
    );
    let bias = LstmConfig::new(2, 1)
        .with_unit_forget_bias(false)
        .with_bias_initializer(three)
        .init(&device)
        .bias
        .unwrap();
    assert_eq!(bias.val().into_data().iter::<f32>().collect::<Vec<_>>(), [3.0; 4]);
}

#[test]
fn both_directions_start_from_their_states() {
    let device = Device::flex();
    let layer = BidirectionalConfig::new(GruConfig::new(2, 3)).init(&device);
    let x = random([2, 1, 2], &device);
    let states = [0.5, -0.5].map(|value| Tensor::<2>::full([2, 3], value, &device));
    let output = layer.forward(x.clone(), Some((states[0].clone(), states[1].clone())));
    let forward = layer.forward.forward(x.clone(), Some(states[0].clone())).state;
    let backward = layer.backward.forward(x, Some(states[1].clone())).state;
    assert_eq!(output.last.into_data(), Tensor::cat(vec![forward, backward], 1).into_data());
}

#[test]
fn a_saved_configuration_is_read_back() {
    use burn::config::Config;

    let config = LstmConfig::new(2, 3)
        .with_dropout(0.1)
        .with_go_backwards(true)
        .with_kernel_constraint(Some(Constraint::MaxNorm { max_value: 2.0 }))
        .with_recurrent_regularizer(Some(Regularizer::new().with_l1(0.25)));
    let read: LstmConfig = LstmConfig::load_binary(config.to_string().as_bytes()).unwrap();
    assert_eq!(read.to_string(), config.to_string());
    assert_eq!((read.dropout, read.kernel_constraint), (0.1, config.kernel_constraint));
}

#[test]
fn layers_compute_in_f64_when_their_weights_are() {
    let device = Device::ndarray();
    let layer = SimpleRnnConfig::new(2, 3).init(&device);
    let mut double = layer.clone();
    let cast = |weights: &Param<Tensor<2>>| {
        Param::from_tensor(weights.val().cast(burn::tensor::FloatDType::F64))
    };
    (double.kernel, double.recurrent_kernel) = (cast(&layer.kernel), cast(&layer.recurrent_kernel));
    double.bias = layer
        .bias
        .as_ref()
        .map(|bias| Param::from_tensor(bias.val().cast(burn::tensor::FloatDType::F64)));
    let x = random([2, 3, 2], &device);
    let (single, double) = (
        layer.forward(x.clone(), None).state,
        double.forward(x.cast(burn::tensor::FloatDType::F64), None).state,
    );
    assert_eq!(double.dtype(), DType::F64);
    single
        .into_data()
        .assert_approx_eq::<f64>(&double.into_data().convert::<f32>(), Tolerance::absolute(1e-6));
}
