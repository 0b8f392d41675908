use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Bool, DType, Device, Tensor, quantization::QuantScheme};

use crate::{
    GruWeights, LstmState, LstmWeights, Resets, SimpleRnnWeights, Steps, gru, lstm, simple_rnn,
};

type Call = Box<dyn Fn()>;

/// The message of a panic.
fn message(call: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("it should have panicked");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &Device::flex())
}

fn weights() -> LstmWeights {
    LstmWeights {
        kernel: zeros([2, 12]),
        recurrent_kernel: zeros([3, 12]),
        bias: Some(zeros([12])),
    }
}

#[test]
fn sizes_of_zero_are_refused_by_every_operator() {
    for (shape, units) in [([0, 4, 2], 3), ([1, 0, 2], 3), ([1, 4, 0], 3), ([1, 4, 2], 0)] {
        let [batch, time, input] = shape;
        let expected = format!(
            "input is [batch {batch}, time {time}, features {input}] with {units} hidden units \
             (every size must be at least 1)"
        );
        let calls: [(&str, Call); 3] = [
            (
                "simple_rnn",
                Box::new(move || {
                    let weights = SimpleRnnWeights {
                        kernel: zeros([input, units]),
                        recurrent_kernel: zeros([units, units]),
                        bias: None,
                    };
                    simple_rnn(zeros(shape), weights, None, None);
                }),
            ),
            (
                "lstm",
                Box::new(move || {
                    let weights = LstmWeights {
                        kernel: zeros([input, 4 * units]),
                        recurrent_kernel: zeros([units, 4 * units]),
                        bias: None,
                    };
                    lstm(zeros(shape), weights, None, None);
                }),
            ),
            (
                "gru",
                Box::new(move || {
                    let (kernel, recurrent_kernel) =
                        (zeros([input, 3 * units]), zeros([units, 3 * units]));
                    let weights =
                        GruWeights { kernel, recurrent_kernel, bias: None, recurrent_bias: None };
                    gru(zeros(shape), weights, None, None);
                }),
            ),
        ];
        for (op, call) in calls {
            assert_eq!(message(call), format!("{op}: {expected}"));
        }
    }
}

#[test]
fn wrong_shapes_name_the_tensor_and_both_shapes() {
    let input = || zeros([4, 5, 2]);
    let state = |hidden, cell| Some(LstmState { hidden: zeros(hidden), cell: zeros(cell) });
    assert_eq!(
        message(|| drop(lstm(
            input(),
            LstmWeights { kernel: zeros([3, 12]), ..weights() },
            None,
            None
        ))),
        "lstm: kernel has shape [3, 12] (expected [2, 12])"
    );
    assert_eq!(
        message(|| drop(lstm(
            input(),
            LstmWeights { recurrent_kernel: zeros([3, 9]), ..weights() },
            None,
            None
        ))),
        "lstm: recurrent kernel has shape [3, 9] (expected [3, 12])"
    );
    assert_eq!(
        message(|| drop(lstm(
            input(),
            LstmWeights { bias: Some(zeros([3])), ..weights() },
            None,
            None
        ))),
        "lstm: bias has shape [3] (expected [12])"
    );
    assert_eq!(
        message(|| drop(lstm(input(), weights(), state([4, 3], [5, 3]), None))),
        "lstm: initial cell state has shape [5, 3] (expected [4, 3])"
    );
    let mask = Tensor::<2, Bool>::from_data([[true, false]], &Device::flex());
    assert_eq!(
        message(|| drop(lstm(input(), weights(), None, Some(mask.clone())))),
        "lstm: mask has shape [1, 2] (expected [4, 5])"
    );
    let steps = Steps { mask: None, resets: Some(Resets::to_zeros(mask)) };
    assert_eq!(
        message(|| drop(lstm(input(), weights(), None, steps))),
        "lstm: resets has shape [1, 2] (expected [4, 5])"
    );
}

#[test]
fn types_and_devices_must_agree() {
    let double = Tensor::<2>::zeros([2, 12], (&Device::flex(), DType::F64));
    let text = message(|| {
        drop(lstm(zeros([1, 2, 2]), LstmWeights { kernel: double, ..weights() }, None, None))
    });
    assert_eq!(text, "lstm: kernel is F64, the input F32");
    let elsewhere = Tensor::<2>::zeros([2, 12], &Device::ndarray());
    let text = message(|| {
        drop(lstm(zeros([1, 2, 2]), LstmWeights { kernel: elsewhere, ..weights() }, None, None))
    });
    assert!(text.starts_with("lstm: kernel is on ") && text.contains("the input on"), "{text}");
}

#[test]
fn quantised_numbers_are_refused() {
    let scheme = QuantScheme::default();
    let text = message(|| {
        drop(lstm(zeros::<3>([1, 2, 2]).quantize_dynamic(&scheme), weights(), None, None))
    });
    assert!(
        text.starts_with("lstm: input is QFloat(")
            && text.ends_with("(expected F32, F64, F16, BF16 or Flex32)"),
        "{text}"
    );
}

#[test]
fn tensors_of_two_checkpointing_strategies_are_refused() {
    let (plain, saving) =
        (Device::flex().autodiff(), Device::flex().autodiff().gradient_checkpointing());
    let weights = |kernel: &Device, bias: &Device| LstmWeights {
        kernel: Tensor::zeros([2, 12], kernel),
        recurrent_kernel: Tensor::zeros([3, 12], &plain),
        bias: Some(Tensor::zeros([12], bias)),
    };
    // The input has no strategy, so the weights are compared with each other.
    for (kernel, bias, name) in [(&plain, &saving, "bias"), (&saving, &plain, "recurrent kernel")] {
        let text = message(|| drop(lstm(zeros([1, 2, 2]), weights(kernel, bias), None, None)));
        assert!(
            text.starts_with(&format!("lstm: gradient checkpointing of {name} is "))
                && text.contains("of the other tensors"),
            "{text}"
        );
    }
    let output = lstm(Tensor::zeros([1, 2, 2], &plain), weights(&plain, &plain), None, None);
    assert_eq!(output.sequence.dims(), [1, 2, 3]);
}

#[test]
fn an_input_without_autodiff_works_with_tracked_weights() {
    let device = Device::flex().autodiff();
    let tracked = LstmWeights {
        kernel: Tensor::ones([2, 12], &device).require_grad(),
        recurrent_kernel: Tensor::ones([3, 12], &device),
        bias: None,
    };
    let kernel = tracked.kernel.clone();
    let output = lstm(Tensor::ones([1, 2, 2], &Device::flex()), tracked, None, None);
    assert!(kernel.grad(&output.state.hidden.sum().backward()).is_some());
}
