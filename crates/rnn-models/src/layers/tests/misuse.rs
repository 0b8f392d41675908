//! Tests of the panics of configurations and wrappers, with their messages.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::{
    nn::Initializer,
    tensor::{Device, Tensor},
};

use super::super::*;
use crate::{Cell, LettersModelConfig, RecurrentConfig};

/// The message of a panic.
fn refusal<T>(call: impl FnOnce() -> T) -> String {
    let panic =
        catch_unwind(AssertUnwindSafe(|| drop(call()))).expect_err("it should have panicked");
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Runs a check for the configuration of every cell.
macro_rules! for_each_config {
    ($config:ident => $check:expr) => {{
        {
            type $config = SimpleRnnConfig;
            $check;
        }
        {
            type $config = LstmConfig;
            $check;
        }
        {
            type $config = GruConfig;
            $check;
        }
    }};
}

#[test]
fn sizes_of_zero_are_refused_by_every_layer() {
    let device = Device::flex();
    for (input_size, units, field) in [(0, 3, "input_size"), (3, 0, "units")] {
        let expected = |config: &str| format!("{config}: {field} is 0 (expected at least 1)");
        assert_eq!(
            refusal(|| SimpleRnnConfig::new(input_size, units).init(&device)),
            expected("SimpleRnnConfig")
        );
        assert_eq!(
            refusal(|| LstmConfig::new(input_size, units).init(&device)),
            expected("LstmConfig")
        );
        assert_eq!(
            refusal(|| GruConfig::new(input_size, units).init(&device)),
            expected("GruConfig")
        );
        assert_eq!(
            refusal(|| RecurrentConfig::new(Cell::Gru, input_size, units).init(&device)),
            expected("GruConfig")
        );
        assert_eq!(
            refusal(|| StackConfig::new(LstmConfig::new(input_size, units), 2).init(&device)),
            expected("LstmConfig")
        );
    }
    assert_eq!(
        refusal(|| StackConfig::new(LstmConfig::new(1, 1), 0).init(&device)),
        "StackConfig: num_layers is 0 (expected at least 1)"
    );
}

#[test]
fn sizes_of_zero_are_refused_by_the_letters_model() {
    let refused = |classes, embedding| {
        refusal(|| {
            LettersModelConfig::new(classes, 3).with_embedding(embedding).init(&Device::flex())
        })
    };
    assert_eq!(refused(0, Some(2)), "LettersModelConfig: classes is 0 (expected at least 1)");
    assert_eq!(refused(5, Some(0)), "LettersModelConfig: embedding is 0 (expected at least 1)");
}

#[test]
fn factors_of_a_regularizer_are_finite_and_not_negative() {
    let device = Device::flex();
    for (l1, l2, problem) in
        [(-0.5, 0.0, "l1 is -0.5"), (0.0, f64::NAN, "l2 is NaN"), (f64::INFINITY, 0.0, "l1 is inf")]
    {
        let some = Some(Regularizer { l1, l2 });
        let expected = |field: &str| {
            format!("{field}_regularizer: {problem} (expected a finite factor of at least 0)")
        };
        for_each_config!(Config => {
            let init = || Config::new(1, 2).with_kernel_regularizer(some).init(&device);
            assert_eq!(refusal(init), expected("kernel"));
            let init = || Config::new(1, 2).with_recurrent_regularizer(some).init(&device);
            assert_eq!(refusal(init), expected("recurrent"));
            let init = || Config::new(1, 2).with_bias_regularizer(some).init(&device);
            assert_eq!(refusal(init), expected("bias"));
        });
    }
}

#[test]
fn the_largest_norm_of_a_constraint_is_finite_and_above_zero() {
    let device = Device::flex();
    for (max_value, shown) in [(0.0, "0"), (-2.0, "-2"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")]
    {
        let some = Some(Constraint::MaxNorm { max_value });
        let expected = |field: &str| {
            format!("{field}_constraint: max_value is {shown} (expected a finite norm above 0)")
        };
        for_each_config!(Config => {
            let init = || Config::new(1, 2).with_kernel_constraint(some).init(&device);
            assert_eq!(refusal(init), expected("kernel"));
            let init = || Config::new(1, 2).with_recurrent_constraint(some).init(&device);
            assert_eq!(refusal(init), expected("recurrent"));
            let init = || Config::new(1, 2).with_bias_constraint(some).init(&device);
            assert_eq!(refusal(init), expected("bias"));
        });
    }
}

#[test]
fn a_bias_cannot_be_orthogonal() {
    let initializer = Initializer::Orthogonal { gain: 1.0 };
    for_each_config!(Config => {
        let config = Config::new(1, 2).with_bias_initializer(initializer.clone());
        let text = refusal(|| config.init(&Device::flex()));
        let expected = "bias_initializer: orthogonal is for matrices only (use another one";
        assert!(text.starts_with(expected), "{text}");
    });
}

#[test]
fn step_refuses_a_layer_with_go_backwards() {
    let device = Device::flex();
    for_each_config!(Config => {
        let layer = Config::new(1, 2).with_go_backwards(true).init(&device);
        let text = refusal(|| layer.step(Tensor::zeros([1, 1], &device), None));
        assert_eq!(text, "step: layer 0 has go_backwards set (call `forward` instead)");
    });
}

#[test]
fn wrappers_refuse_go_backwards_in_init_and_in_forward() {
    let device = Device::flex();
    let backwards = GruConfig::new(2, 2).with_go_backwards(true);
    let input = || Tensor::<3>::zeros([1, 3, 2], &device);

    let expected = |layer| {
        let remedy = "turn it off and flip the input in time instead";
        format!("stack: layer {layer} has go_backwards set ({remedy})")
    };
    assert_eq!(refusal(|| StackConfig::new(backwards.clone(), 2).init(&device)), expected(0));
    let mut stack = StackConfig::new(GruConfig::new(2, 2), 2).init(&device);
    stack.layers[1] = backwards.init(&device);
    assert_eq!(refusal(|| stack.forward(input(), None)), expected(1));

    let expected = |layer| {
        let remedy = "turn it off: this layer reverses time itself";
        format!("bidirectional: layer {layer} has go_backwards set ({remedy})")
    };
    assert_eq!(
        refusal(|| BidirectionalConfig::new(backwards.clone())
            .with_merge(MergeMode::Sum)
            .init(&device)),
        expected(0)
    );
    let mut both =
        BidirectionalConfig::new(GruConfig::new(2, 2)).with_merge(MergeMode::Sum).init(&device);
    both.backward = backwards.init(&device);
    assert_eq!(refusal(|| both.forward(input(), None)), expected(1));
}
