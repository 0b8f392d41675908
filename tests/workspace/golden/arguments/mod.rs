//! Compares each argument of the Keras layers with Keras in float64. A file's metadata describe its
//! layer.

mod case;

use burn::tensor::{DType, Tensor};
use case::{Case, Layer, param};
use rnn_kernels::{
    GruWeights, LstmState, LstmWeights, SimpleRnnWeights, Variant, gru, gru_reference, lstm,
    lstm_reference, simple_rnn, simple_rnn_reference,
};
use rnn_models::{
    Bidirectional, Constraint, Gru, GruConfig, Lstm, LstmConfig, MergeMode, RecurrentLayer,
    Regularizer, SimpleRnn, SimpleRnnConfig, Stateful,
};
use safetensors::SafeTensors;

use super::{CELLS, for_each_file, golden_folder, on_backends};

/// Cases: the part of the file names after the cell, and the number of files. Each case has a test.
const CASES: [(&str, usize); 14] = [
    ("plain", 3),
    ("no-bias", 3),
    ("activation-", 24),
    ("recurrent-activation-", 10),
    ("go-backwards", 3),
    ("mask-", 15),
    ("reset-before", 3),
    ("dropout", 3),
    ("recurrent-dropout", 3),
    ("bidirectional-", 18),
    ("stack", 3),
    ("stateful", 3),
    ("regularizer", 3),
    ("constraint", 2),
];

/// Runs a check on every file of a case, on both CPU backends in both types. If built in, wgpu is
/// checked too. The check receives the name of the cell.
fn for_each_case(case: &str, check: impl Fn(&str, &Case<'_>)) {
    let (_, files) = CASES
        .into_iter()
        .find(|(name, _)| *name == case)
        .unwrap_or_else(|| panic!("{case} is not among the cases"));
    let mut found = 0;
    for cell in CELLS {
        found += for_each_file(
            &golden_folder().join("arguments"),
            &format!("{cell}-{case}"),
            |bytes, name| {
                let metadata =
                    SafeTensors::read_metadata(bytes).unwrap().1.metadata().clone().unwrap();
                for dtype in [DType::F64, DType::F32] {
                    on_backends(bytes, name, dtype, true, |golden| {
                        check(cell, &Case { golden, metadata: &metadata })
                    });
                }
            },
        );
    }
    assert_eq!(found, files, "golden vectors of {case}");
}

#[test]
fn golden_arguments_files_belong_to_one_case_each() {
    for_each_file(&golden_folder().join("arguments"), "", |_, name| {
        let is_of = |cell: &str, case: &str| name.starts_with(&format!("{cell}-{case}"));
        let read = CELLS
            .iter()
            .flat_map(|cell| CASES.iter().map(move |(case, _)| (cell, case)))
            .filter(|(cell, case)| is_of(cell, case));
        let read: Vec<_> = read.collect();
        assert!(read.len() == 1, "{name}: read as {read:?}, expected one case");
    });
}

/// Checks one layer over `input`, with its states and all gradients.
fn check_layer<L: Layer>(case: &Case<'_>) {
    let golden = case.golden;
    let (layer, leaves) = L::build(case, "");
    let input = golden.leaf::<3>("input");
    let states = ["hidden", "cell"].map(|state| {
        let name = format!("initial_{state}");
        case.has(&name).then(|| golden.leaf::<2>(&name))
    });
    let initial = states[0].clone().map(|hidden| L::initial(hidden, states[1].clone()));
    let (sequence, state) = layer.run(case.sequences(&input), initial);
    golden.check("output", sequence.clone());
    golden.check("final_hidden", L::hidden(&state));
    let mut loss = (sequence * golden.constant("upstream_output")).sum()
        + (L::hidden(&state) * golden.constant("upstream_final_hidden")).sum();
    if let Some(cell) = L::cell(&state) {
        golden.check("final_cell", cell.clone());
        loss = loss + (cell * golden.constant("upstream_final_cell")).sum();
    }
    let gradients = loss.backward();
    golden.check_gradient("input", &input, &gradients);
    for (name, state) in ["initial_hidden", "initial_cell"].into_iter().zip(&states) {
        if let Some(state) = state {
            golden.check_gradient(name, state, &gradients);
        }
    }
    case.check_leaves("", &leaves, &gradients);
}

fn check_any(cell: &str, case: &Case<'_>) {
    match cell {
        "simple_rnn" => check_layer::<SimpleRnn>(case),
        "lstm" => check_layer::<Lstm>(case),
        _ => check_layer::<Gru>(case),
    }
}

#[test]
fn golden_arguments_zero_states_and_no_bias() {
    for_each_case("plain", check_any);
    for_each_case("no-bias", check_any);
}

#[test]
fn golden_arguments_activations() {
    for_each_case("activation-", check_any);
    for_each_case("recurrent-activation-", check_any);
}

#[test]
fn golden_arguments_go_backwards_and_masks() {
    for_each_case("go-backwards", check_any);
    for_each_case("mask-", check_any);
}

#[test]
fn golden_arguments_reset_before() {
    for_each_case("reset-before", check_any);
}

#[test]
fn golden_arguments_dropout_masks() {
    for name in ["dropout", "recurrent-dropout"] {
        for_each_case(name, |cell, case| {
            let golden = case.golden;
            let leaves = case.leaves("");
            let input = golden.leaf::<3>("input");
            let hidden = golden.leaf::<2>("initial_hidden");
            let dropped = if case.has("dropout_mask") {
                input.clone() * golden.constant::<2>("dropout_mask").unsqueeze_dim(1)
            } else {
                input.clone()
            };
            let recurrent_dropout = case.has("recurrent_dropout_mask").then(|| {
                let masks = golden.constant::<3>("recurrent_dropout_mask");
                masks.clone().iter_dim(0).map(|mask| mask.squeeze_dim(0)).collect()
            });
            let variant = Variant { recurrent_dropout, ..Variant::default() };
            let (kernel, recurrent_kernel) =
                (leaves.kernel.clone(), leaves.recurrent_kernel.clone());
            let (bias, recurrent_bias) = (leaves.row(0), leaves.row(1));
            // Recurrent dropout has no fused operator.
            let fused = golden.fused && variant.recurrent_dropout.is_none();
            let initial = Some(hidden.clone());
            let initial_cell = (cell == "lstm").then(|| golden.leaf::<2>("initial_cell"));
            let mut final_cell = None;
            let output = match cell {
                "simple_rnn" => {
                    let weights = SimpleRnnWeights { kernel, recurrent_kernel, bias };
                    if fused {
                        simple_rnn(dropped, weights, initial, None)
                    } else {
                        simple_rnn_reference(dropped, weights, initial, &variant)
                    }
                }
                "gru" => {
                    let weights = GruWeights { kernel, recurrent_kernel, bias, recurrent_bias };
                    if fused {
                        gru(dropped, weights, initial, None)
                    } else {
                        gru_reference(dropped, weights, initial, &variant)
                    }
                }
                _ => {
                    let weights = LstmWeights { kernel, recurrent_kernel, bias };
                    let initial =
                        initial_cell.clone().map(|cell| LstmState { hidden: hidden.clone(), cell });
                    let output = if fused {
                        lstm(dropped, weights, initial, None)
                    } else {
                        lstm_reference(dropped, weights, initial, &variant)
                    };
                    final_cell = Some(output.state.cell);
                    rnn_kernels::HiddenOutput {
                        sequence: output.sequence,
                        state: output.state.hidden,
                    }
                }
            };
            golden.check("output", output.sequence.clone());
            golden.check("final_hidden", output.state.clone());
            if let Some(cell) = &final_cell {
                golden.check("final_cell", cell.clone());
            }
            let gradients = golden.backward(&output, final_cell.as_ref());
            golden.check_gradient("input", &input, &gradients);
            golden.check_gradient("initial_hidden", &hidden, &gradients);
            if let Some(cell) = &initial_cell {
                golden.check_gradient("initial_cell", cell, &gradients);
            }
            case.check_leaves("", &leaves, &gradients);
        });
    }
}

fn check_bidirectional<L: Layer>(case: &Case<'_>) {
    let golden = case.golden;
    let ((forward, forward_leaves), (backward, backward_leaves)) =
        (L::build(case, "forward_"), L::build(case, "backward_"));
    let merge = match case.metadata["merge_mode"].as_str() {
        "concat" => MergeMode::Concat,
        "sum" => MergeMode::Sum,
        "mul" => MergeMode::Mul,
        "ave" => MergeMode::Average,
        other => panic!("{}: merge mode {other}", golden.file),
    };
    let input = golden.leaf::<3>("input");
    let output = Bidirectional { forward, backward, merge }.forward(case.sequences(&input), None);
    let gradients = if case.is("return_sequences") {
        golden.check("output", output.sequence.clone());
        (output.sequence * golden.constant("upstream_output")).sum().backward()
    } else {
        golden.check("output", output.last.clone());
        (output.last * golden.constant("upstream_output")).sum().backward()
    };
    golden.check_gradient("input", &input, &gradients);
    case.check_leaves("forward_", &forward_leaves, &gradients);
    case.check_leaves("backward_", &backward_leaves, &gradients);
}

#[test]
fn golden_arguments_bidirectional() {
    for_each_case("bidirectional-", |cell, case| match cell {
        "simple_rnn" => check_bidirectional::<SimpleRnn>(case),
        "lstm" => check_bidirectional::<Lstm>(case),
        _ => check_bidirectional::<Gru>(case),
    });
}

fn check_stack<L: Layer>(case: &Case<'_>) {
    let golden = case.golden;
    let ((first, first_leaves), (second, second_leaves)) =
        (L::build(case, "first_"), L::build(case, "second_"));
    let input = golden.leaf::<3>("input");
    let stack = rnn_models::Stack {
        layers: vec![first, second],
        dropout: burn::nn::DropoutConfig::new(0.0).init(),
    };
    let output = stack.forward(input.clone(), None);
    golden.check("output", output.sequence.clone());
    let gradients = (output.sequence * golden.constant("upstream_output")).sum().backward();
    golden.check_gradient("input", &input, &gradients);
    case.check_leaves("first_", &first_leaves, &gradients);
    case.check_leaves("second_", &second_leaves, &gradients);
}

#[test]
fn golden_arguments_stack() {
    for_each_case("stack", |cell, case| match cell {
        "simple_rnn" => check_stack::<SimpleRnn>(case),
        "lstm" => check_stack::<Lstm>(case),
        _ => check_stack::<Gru>(case),
    });
}

fn check_stateful<L: Layer>(case: &Case<'_>) {
    let golden = case.golden;
    let (layer, leaves) = L::build(case, "");
    let mut layer = Stateful::new(layer);
    let inputs = ["input_1", "input_2"].map(|name| golden.leaf::<3>(name));
    let mut loss = Tensor::<1>::zeros([1], (&golden.device, golden.dtype));
    for (number, input) in (1..).zip(&inputs) {
        let (output, state) = layer.forward(input.clone());
        golden.check(&format!("output_{number}"), output.clone());
        golden.check(&format!("final_hidden_{number}"), L::hidden(&state));
        loss = loss + (output * golden.constant(&format!("upstream_output_{number}"))).sum();
        loss = loss
            + (L::hidden(&state) * golden.constant(&format!("upstream_final_hidden_{number}")))
                .sum();
        if let Some(cell) = L::cell(&state) {
            golden.check(&format!("final_cell_{number}"), cell.clone());
            loss = loss + (cell * golden.constant(&format!("upstream_final_cell_{number}"))).sum();
        }
    }
    layer.reset();
    golden.check("output_3", layer.forward(inputs[0].clone()).0);
    let gradients = loss.backward();
    golden.check_gradient("input_1", &inputs[0], &gradients);
    golden.check_gradient("input_2", &inputs[1], &gradients);
    case.check_leaves("", &leaves, &gradients);
}

#[test]
fn golden_arguments_stateful() {
    for_each_case("stateful", |cell, case| match cell {
        "simple_rnn" => check_stateful::<SimpleRnn>(case),
        "lstm" => check_stateful::<Lstm>(case),
        _ => check_stateful::<Gru>(case),
    });
}

#[test]
fn golden_arguments_regularizers() {
    for_each_case("regularizer", |cell, case| {
        let golden = case.golden;
        let leaves = case.leaves("");
        let regularizer = |name: &str| {
            Some(Regularizer {
                l1: case.number(&format!("{name}_l1")),
                l2: case.number(&format!("{name}_l2")),
            })
        };
        let ([input, _], [units, _]) = (leaves.kernel.dims(), leaves.recurrent_kernel.dims());
        macro_rules! penalty {
            ($config:ident, |$layer:ident| $fill:expr) => {{
                let mut $layer = $config::new(input, units)
                    .with_kernel_regularizer(regularizer("kernel"))
                    .with_recurrent_regularizer(regularizer("recurrent"))
                    .with_bias_regularizer(regularizer("bias"))
                    .init(&golden.device);
                $layer.kernel = param(&leaves.kernel);
                $layer.recurrent_kernel = param(&leaves.recurrent_kernel);
                $layer.bias = leaves.row(0).as_ref().map(param);
                let () = $fill;
                $layer.penalty().unwrap()
            }};
        }
        let penalty = match cell {
            "simple_rnn" => penalty!(SimpleRnnConfig, |layer| ()),
            "lstm" => penalty!(LstmConfig, |layer| ()),
            _ => penalty!(GruConfig, |layer| layer.recurrent_bias =
                leaves.row(1).as_ref().map(param)),
        };
        golden.check("penalty", penalty.clone());
        case.check_leaves("", &leaves, &penalty.backward());
    });
}

#[test]
fn golden_arguments_constraints() {
    for_each_case("constraint", |_, case| {
        let golden = case.golden;
        let constraint = match case.metadata["constraint"].to_lowercase() {
            name if name.contains("max") => {
                Constraint::MaxNorm { max_value: case.number("max_value") }
            }
            _ => Constraint::NonNeg,
        };
        let kernel = golden.leaf::<2>("kernel");
        let [input, gates] = kernel.dims();
        let mut layer = LstmConfig::new(input, gates / 4)
            .with_kernel_constraint(Some(constraint))
            .init(&golden.device);
        layer.kernel = param(&kernel);
        let (id, recurrent) = (layer.kernel.id, layer.recurrent_kernel.val().into_data());
        let layer = layer.constrained();
        golden.check("constrained_kernel", layer.kernel.val());
        assert_eq!(layer.kernel.id, id, "the optimizer knows a parameter by its id");
        assert!(layer.kernel.val().is_require_grad(), "it is still learnt");
        assert_eq!(layer.recurrent_kernel.val().into_data(), recurrent, "no limit was set on it");
    });
}
