//! Tests of `Stack`, `Bidirectional` and `Stateful`: masks, penalties and constraints.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Tensor, Tolerance};

use super::{super::*, random};

/// Compares row 1 of two states.
fn assert_same_row(got: Tensor<2>, expected: Tensor<2>) {
    got.narrow(0, 1, 1)
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-6));
}

#[test]
fn padding_changes_no_state_of_a_stack() {
    let stack = StackConfig::new(LstmConfig::new(3, 4), 3).with_dropout(0.5).init(&Device::flex());
    let x = random([2, 6, 3]);
    let padded = stack.forward(Sequences::with_lengths(x.clone(), &[6, 2]), None);
    let alone = stack.forward(x.narrow(0, 1, 1).narrow(1, 0, 2), None);
    for (padded, alone) in padded.states.iter().zip(&alone.states) {
        assert_same_row(padded.hidden.clone(), alone.hidden.clone());
        assert_same_row(padded.cell.clone(), alone.cell.clone());
    }
    let sequence = padded.sequence.narrow(1, 0, 2);
    sequence
        .narrow(0, 1, 1)
        .into_data()
        .assert_approx_eq::<f32>(&alone.sequence.into_data(), Tolerance::absolute(1e-6));
}

#[test]
fn a_state_continues_across_padded_batches() {
    let mut layer = Stateful::new(LstmConfig::new(3, 4).init(&Device::flex()));
    let batches = [random([2, 4, 3]), random([2, 5, 3]), random([2, 2, 3])];
    let [first, second, third] = batches.clone();
    let all_padding = Sequences::with_mask(
        second.clone(),
        second.clone().narrow(2, 0, 1).squeeze_dim::<2>(2).greater_elem(f32::MAX),
    );
    layer.forward(Sequences::with_lengths(first.clone(), &[4, 3]));
    let before = layer.state().unwrap().clone();
    let (sequence, kept) = layer.forward(all_padding);
    assert_eq!(
        kept.cell.into_data(),
        before.cell.into_data(),
        "all steps are masked, so the state stays"
    );
    assert_eq!(
        sequence.abs().max().into_scalar::<f32>(),
        0.0,
        "outputs before the first valid step are zero, as in Keras"
    );
    layer.forward(third.clone());
    // Row 1 has seen three steps of the first batch and both of the third.
    let row = |batch: Tensor<3>, steps| batch.narrow(0, 1, 1).narrow(1, 0, steps);
    let alone = layer.layer.forward(Tensor::cat(vec![row(first, 3), row(third, 2)], 1), None).state;
    let state = layer.state().unwrap().clone();
    assert_same_row(state.hidden, alone.hidden);
    assert_same_row(state.cell, alone.cell);
}

#[test]
fn a_refused_batch_leaves_the_state_unchanged() {
    let mut layer = Stateful::new(GruConfig::new(3, 4).init(&Device::flex()));
    let x = random([2, 4, 3]);
    layer.forward(x.clone());
    let before = layer.state().unwrap().to_data();
    let three = random([3, 4, 3]);
    catch_unwind(AssertUnwindSafe(|| layer.forward(three))).expect_err("three sequences after two");
    assert_eq!(layer.state().map(Tensor::to_data), Some(before));
}

/// A configuration with an L2 penalty of 0.5 on the kernel, and with constraints on the weights.
fn limited() -> GruConfig {
    GruConfig::new(3, 4)
        .with_kernel_regularizer(Some(Regularizer::new().with_l2(0.5)))
        .with_kernel_constraint(Some(Constraint::NonNeg))
        .with_recurrent_constraint(Some(Constraint::MaxNorm { max_value: 0.1 }))
}

fn penalty_of<'a>(layers: impl IntoIterator<Item = &'a Gru>) -> f32 {
    layers
        .into_iter()
        .map(|layer| layer.kernel.val().square().sum().into_scalar::<f32>() * 0.5)
        .sum()
}

fn assert_within_limits<'a>(layers: impl IntoIterator<Item = &'a Gru>) {
    for (index, layer) in layers.into_iter().enumerate() {
        let smallest = layer.kernel.val().min().into_scalar::<f32>();
        let norm =
            layer.recurrent_kernel.val().square().sum_dim(0).sqrt().max().into_scalar::<f32>();
        assert!(
            smallest >= 0.0 && norm <= 0.1 + 1e-6,
            "layer {index}: smallest weight {smallest}, largest norm {norm}"
        );
    }
}

#[test]
fn the_penalty_of_a_stack_is_the_sum_of_its_layers() {
    let device = Device::flex();
    let stack = StackConfig::new(limited(), 3).init(&device);
    let got = stack.penalty().unwrap().into_scalar::<f32>();
    assert!((got - penalty_of(&stack.layers)).abs() < 1e-5 * got, "{got}");
    assert!(StackConfig::new(GruConfig::new(3, 4), 3).init(&device).penalty().is_none());
}

#[test]
fn the_penalty_of_both_directions_is_their_sum() {
    let device = Device::flex();
    let both = BidirectionalConfig::new(limited()).init(&device);
    let got = both.penalty().unwrap().into_scalar::<f32>();
    assert!((got - penalty_of([&both.forward, &both.backward])).abs() < 1e-5 * got, "{got}");
    assert!(BidirectionalConfig::new(GruConfig::new(3, 4)).init(&device).penalty().is_none());
}

#[test]
fn wrappers_apply_the_constraints_of_every_layer() {
    let device = Device::flex();
    let stack = StackConfig::new(limited(), 3).init(&device);
    let ids: Vec<_> = stack.layers.iter().map(|layer| layer.kernel.id).collect();
    let stack = stack.constrained();
    assert_within_limits(&stack.layers);
    assert_eq!(
        stack.layers.iter().map(|layer| layer.kernel.id).collect::<Vec<_>>(),
        ids,
        "the optimizer knows a parameter by its id"
    );
    let both =
        BidirectionalConfig::new(limited()).with_merge(MergeMode::Mul).init(&device).constrained();
    assert_within_limits([&both.forward, &both.backward]);
    assert_eq!(both.merge, MergeMode::Mul);
}
