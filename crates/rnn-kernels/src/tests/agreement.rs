use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::{DType, Device, Tensor, TensorData},
};

use super::{KINDS, Loss, Path, Problem, assert_close, data, numbers};
use crate::{
    Cell, ResetState, composed,
    extension::{Operands, Optional, RecurrentOps, Upstream},
};

/// The fused and the reference operators add up the same products in different orders.
const TOLERANCE_F64: f64 = 1e-12;
const TOLERANCE_F32: f64 = 1e-5;

/// Sizes that are and are not multiples of vectors and tiles, one at a time and together.
fn shapes() -> Vec<[usize; 4]> {
    let mut shapes: Vec<[usize; 4]> =
        [1, 15, 16, 17, 80, 100, 128, 257].map(|units| [3, 2, 5, units]).to_vec();
    shapes.extend([
        [1, 1, 1, 1],
        [1, 60, 1, 16],
        [17, 3, 1, 15],
        [64, 2, 3, 17],
        [9, 1, 4, 33],
        [8, 131, 2, 3],
        [33, 9, 80, 20],
        [2, 3, 100, 7],
    ]);
    let random = numbers(4 * 12, 5);
    shapes.extend(random.chunks_exact(4).map(|four| {
        let size = |number: f64, most: f64| 1 + ((number + 1.0) / 2.0 * most) as usize;
        [size(four[0], 40.0), size(four[1], 12.0), size(four[2], 20.0), size(four[3], 50.0)]
    }));
    shapes
}

#[test]
fn fused_agrees_with_the_reference_and_its_autodiff() {
    for (backend, dtype, tolerance) in [
        (Device::flex(), DType::F64, TOLERANCE_F64),
        (Device::flex(), DType::F32, TOLERANCE_F32),
        (Device::ndarray(), DType::F64, TOLERANCE_F64),
        (Device::ndarray(), DType::F32, TOLERANCE_F32),
    ] {
        let device = backend.autodiff();
        for kind in KINDS {
            for (index, shape) in shapes().into_iter().enumerate() {
                let mut problem = Problem::new(kind, shape);
                problem.has_states = index % 3 != 0;
                let problem = if index % 2 == 0 { problem.with_mask() } else { problem };
                let problem = match index % 5 {
                    1 => problem.with_resets(ResetState::Zeros),
                    2 | 3 => problem.with_resets(ResetState::Initial),
                    _ => problem,
                };
                let what = format!("{kind:?} {shape:?} on {device:?} in {dtype:?}");
                let run = |path| {
                    let (found, leaves) = problem.run(path, &device, dtype);
                    let gradients = leaves.gradients(&Loss::ALL.of(&found).backward());
                    (
                        [
                            data(found.sequence),
                            data(found.hidden),
                            found.cell.map(data).unwrap_or_default(),
                        ],
                        gradients,
                    )
                };
                let ((fused, fused_gradients), (reference, reference_gradients)) =
                    (run(Path::Fused), run(Path::Reference));
                for (name, (fused, reference)) in
                    ["sequence", "hidden", "cell"].into_iter().zip(fused.iter().zip(&reference))
                {
                    assert_close(&format!("{what}: {name}"), fused, reference, tolerance);
                }
                for (name, (fused, reference)) in
                    Problem::NAMES.into_iter().zip(fused_gradients.iter().zip(&reference_gradients))
                {
                    assert_eq!(fused.is_some(), reference.is_some(), "{what}: gradient of {name}");
                    if let (Some(fused), Some(reference)) = (fused, reference) {
                        assert_close(
                            &format!("{what}: gradient of {name}"),
                            fused,
                            reference,
                            tolerance * 10.0,
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn inputs_and_gradients_need_not_be_contiguous() {
    for device in [Device::flex().autodiff(), Device::ndarray().autodiff()] {
        for kind in KINDS {
            let problem = Problem::new(kind, [4, 6, 3, 5]);
            let (expected, leaves) = problem.run(Path::Fused, &device, DType::F64);
            // The input is a batch-first view of time-major data. Kernels are stored transposed;
            // states and biases are slices of larger tensors.
            let transposed = |matrix: Tensor<2>| {
                Tensor::from_data(matrix.transpose().into_data(), (&device, DType::F64))
                    .require_grad()
            };
            let cut = |state: Tensor<2>| {
                let [rows, units] = state.dims();
                Tensor::cat(vec![state.zeros_like(), state], 1)
                    .narrow(1, units, units)
                    .narrow(0, 0, rows)
            };
            let time_major = Tensor::<3>::from_data(
                leaves.input.clone().swap_dims(0, 1).into_data(),
                (&device, DType::F64),
            )
            .require_grad();
            let matrices = leaves.matrices.clone().map(transposed);
            let biases = leaves.biases.clone().map(|bias| {
                let [length] = bias.dims();
                Tensor::cat(vec![bias.zeros_like(), bias], 0).narrow(0, length, length)
            });
            let found = problem.call(
                Path::Fused,
                time_major.clone().swap_dims(0, 1),
                matrices.clone().map(Tensor::transpose),
                biases,
                leaves.states.clone().map(cut),
            );
            assert_eq!(
                data(found.sequence.clone()),
                data(expected.sequence.clone()),
                "{kind:?} on {device:?}"
            );
            // The gradients of the outputs arrive transposed too.
            let weights = TensorData::new(numbers(6 * 4 * 5, 1), [6, 4, 5]);
            let loss = |sequence: Tensor<3>| {
                let time_major = sequence.swap_dims(0, 1);
                (time_major * Tensor::from_data(weights.clone(), (&device, DType::F64)))
                    .sum()
                    .backward()
            };
            let (gradients, expected) = (loss(found.sequence), loss(expected.sequence));
            let of_input = data(time_major.grad(&gradients).unwrap().swap_dims(0, 1));
            assert_eq!(
                of_input,
                data(leaves.input.grad(&expected).unwrap()),
                "{kind:?} on {device:?}: input"
            );
            for (matrix, leaf) in matrices.iter().zip(&leaves.matrices) {
                let of_matrix = data(matrix.grad(&gradients).unwrap().transpose());
                assert_eq!(
                    of_matrix,
                    data(leaf.grad(&expected).unwrap()),
                    "{kind:?} on {device:?}: a kernel"
                );
            }
        }
    }
}

#[test]
fn numbers_of_half_precision_are_computed_in_f32() {
    let device = Device::flex().autodiff();
    // The types have eleven and eight bits of mantissa.
    for (kind, (dtype, tolerance)) in KINDS
        .into_iter()
        .flat_map(|kind| [(DType::F16, 2e-3), (DType::BF16, 1.6e-2)].map(|of| (kind, of)))
    {
        let problem = Problem::new(kind, [3, 5, 2, 4]).with_mask();
        let (half, leaves) = problem.run(Path::Fused, &device, dtype);
        assert_eq!(
            [
                half.sequence.dtype(),
                half.hidden.dtype(),
                half.cell.as_ref().map_or(dtype, Tensor::dtype)
            ],
            [dtype; 3]
        );
        let gradients = leaves.gradients(&Loss::ALL.of(&half).backward());
        let (full, full_leaves) = problem.run(Path::Fused, &device, DType::F32);
        let full_gradients = full_leaves.gradients(&Loss::ALL.of(&full).backward());
        assert_close("sequence", &data(half.sequence), &data(full.sequence), tolerance);
        assert_close("hidden", &data(half.hidden), &data(full.hidden), tolerance);
        for (got, expected) in gradients.iter().zip(&full_gradients) {
            assert_eq!(got.is_some(), expected.is_some());
            if let (Some(got), Some(expected)) = (got, expected) {
                assert_close("gradient", got, expected, 5.0 * tolerance);
            }
        }
    }
}

/// Tensors of a problem as operands of the extension.
fn operands(problem: &Problem) -> Operands<Flex> {
    let units = problem.shapes[2][0];
    let tensor = |index: usize| {
        FlexTensor::from_data(TensorData::new(
            problem.values[index].clone(),
            problem.shapes[index].clone(),
        ))
    };
    let bias = numbers(problem.kind.sums() * units, 3);
    let mask = problem.mask.as_ref().map(|mask| {
        let numbers: Vec<f64> = mask.iter().map(|&counts| f64::from(u8::from(counts))).collect();
        FlexTensor::from_data(TensorData::new(numbers, problem.shapes[0][..2].to_vec()))
    });
    let resets = problem.resets.as_ref().map(|(before, to)| {
        let code = if *to == ResetState::Zeros { 1.0 } else { 2.0 };
        let codes: Vec<f64> =
            before.iter().map(|&resets| if resets { code } else { 0.0 }).collect();
        FlexTensor::from_data(TensorData::new(codes, problem.shapes[0][..2].to_vec()))
    });
    Operands {
        input: tensor(0),
        kernel: tensor(1),
        recurrent_kernel: tensor(2),
        bias: FlexTensor::from_data(TensorData::new(bias, [problem.kind.sums() * units])),
        mask: mask.into(),
        resets: resets.into(),
        hidden: problem.has_states.then(|| tensor(5)).into(),
        cell: problem.has_states.then(|| tensor(6)).into(),
    }
}

fn primitive(tensor: FlexTensor) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Compares the composed operators, for backends without kernels, with those of flex.
#[test]
fn composed_operators_agree_with_fused_ones() {
    for kind in KINDS {
        for (index, shape) in
            [[3, 5, 2, 4], [1, 1, 1, 1], [17, 4, 3, 16], [2, 30, 7, 9]].into_iter().enumerate()
        {
            let mut problem = Problem::new(kind, shape);
            problem.has_states = index != 2;
            let problem = if index % 2 == 0 { problem.with_mask() } else { problem };
            let problem = match index {
                0 => problem.with_resets(ResetState::Zeros),
                3 => problem.with_resets(ResetState::Initial),
                _ => problem,
            };
            let operands = operands(&problem);
            let weights = |seed: u64, shape: Vec<usize>| {
                Optional::<Flex>::Present(FlexTensor::from_data(TensorData::new(
                    numbers(shape.iter().product(), seed),
                    shape,
                )))
            };
            let [batch, time, _, units] = shape;
            let upstream = Upstream {
                sequence: if index == 1 {
                    Optional::Absent
                } else {
                    weights(1, vec![batch, time, units])
                },
                hidden: weights(2, vec![batch, units]),
                cell: if kind == Cell::Lstm {
                    weights(3, vec![batch, units])
                } else {
                    Optional::Absent
                },
            };
            let (fused, fused_saved) = Flex::recurrent_saving(operands.clone(), kind);
            let (composed, composed_saved) = composed::forward_saving(&operands, kind);
            let inferred = composed::forward(&operands, kind);
            let what = |name: &str| format!("{kind:?} {shape:?}: {name}");
            assert_eq!(
                primitive(inferred.sequence),
                primitive(composed.sequence.clone()),
                "{}",
                what("inference")
            );
            let compare = |name: &str, got: FlexTensor, expected: FlexTensor| {
                assert_close(&what(name), &primitive(got), &primitive(expected), TOLERANCE_F64);
            };
            compare("sequence", composed.sequence, fused.sequence);
            compare("hidden", composed.hidden, fused.hidden);
            compare("cell", composed.cell, fused.cell);
            let fused = Flex::recurrent_backward(
                operands.clone(),
                fused_saved,
                upstream.clone(),
                kind,
                true,
            );
            let composed = composed::backward(&operands, &composed_saved, &upstream, kind, true);
            let input = |gradient: Optional<Flex>| gradient.as_ref().cloned().unwrap();
            compare("gradient of the input", input(composed.input), input(fused.input));
            compare("gradient of the kernel", composed.kernel, fused.kernel);
            compare(
                "gradient of the recurrent kernel",
                composed.recurrent_kernel,
                fused.recurrent_kernel,
            );
            compare("gradient of the bias", composed.bias, fused.bias);
            compare("gradient of the hidden state", composed.hidden, fused.hidden);
            compare("gradient of the cell state", composed.cell, fused.cell);
        }
    }
}
