use burn::tensor::{DType, Device};

use super::{KINDS, Leaves, Loss, Path, Problem, assert_close};
use crate::{Cell, ResetState};

/// Step of the finite differences. The error is its square times a third derivative, plus rounding
/// divided by the step.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-7;

fn losses(kind: Cell) -> Vec<Loss> {
    let none = Loss { sequence: false, hidden: false, cell: false };
    let mut losses =
        vec![Loss { sequence: true, ..none }, Loss { hidden: true, ..none }, Loss::ALL];
    if kind == Cell::Lstm {
        losses.push(Loss { cell: true, ..none });
    }
    losses
}

#[test]
fn gradients_agree_with_finite_differences() {
    for device in [Device::flex(), Device::ndarray()] {
        for kind in KINDS {
            for problem in [
                Problem::new(kind, [2, 4, 3, 5]),
                Problem::new(kind, [3, 3, 1, 2]).with_mask(),
                Problem::new(kind, [1, 1, 2, 1]),
                Problem::new(kind, [3, 5, 2, 3]).with_resets(ResetState::Zeros),
                Problem::new(kind, [3, 5, 2, 3]).with_mask().with_resets(ResetState::Initial),
            ] {
                for loss in losses(kind) {
                    check(&problem, loss, &device);
                }
            }
        }
    }
}

fn check(problem: &Problem, loss: Loss, device: &Device) {
    let (found, leaves) = problem.run(Path::Fused, &device.clone().autodiff(), DType::F64);
    let gradients = leaves.gradients(&loss.of(&found).backward());
    let value = |problem: &Problem| {
        let (found, _) = problem.run(Path::Fused, device, DType::F64);
        loss.of(&found).into_scalar::<f64>()
    };
    for (index, name) in Problem::NAMES.into_iter().enumerate() {
        let Some(gradient) = &gradients[index] else {
            let unused = (name == "recurrent bias" && problem.kind != Cell::Gru)
                || (name == "cell" && problem.kind != Cell::Lstm);
            assert!(unused, "{:?}, {loss:?}: no gradient of {name}", problem.kind);
            continue;
        };
        let mut moved = problem.clone();
        let differences: Vec<f64> = (0..gradient.len())
            .map(|position| {
                let at = problem.values[index][position];
                let mut at_distance = |distance: f64| {
                    moved.values[index][position] = at + distance;
                    value(&moved)
                };
                let difference = (at_distance(STEP) - at_distance(-STEP)) / (2.0 * STEP);
                moved.values[index][position] = at;
                difference
            })
            .collect();
        let what = format!(
            "{:?} {:?}, {loss:?}, mask {}, resets {}: {name}",
            problem.kind,
            problem.shapes[0],
            problem.mask.is_some(),
            problem.resets.is_some()
        );
        assert_close(&what, gradient, &differences, TOLERANCE);
    }
}

#[test]
fn only_tracked_tensors_get_a_gradient() {
    let device = Device::flex().autodiff();
    for kind in KINDS {
        let problem = Problem::new(kind, [2, 3, 2, 3]);
        let (found, leaves) = problem.run(Path::Fused, &device, DType::F64);
        let all = leaves.gradients(&Loss::ALL.of(&found).backward());
        let Leaves { input, matrices, biases, states } = leaves;
        // The input is data and the states are constants; only the recurrent kernel is trained.
        let constants = [matrices[0].clone().inner(), matrices[1].clone().inner()];
        let recurrent = burn::tensor::Tensor::<2>::from_inner(constants[1].clone()).require_grad();
        // A constant that is on the graph anyway.
        let kernel = burn::tensor::Tensor::<2>::from_inner(constants[0].clone());
        let found = problem.call(
            Path::Fused,
            input.inner(),
            [kernel.clone(), recurrent.clone()],
            biases.map(|bias| bias.inner()),
            states.map(|state| state.inner()),
        );
        let gradients = Loss::ALL.of(&found).backward();
        assert_eq!(
            recurrent.grad(&gradients).map(super::data),
            all[2],
            "{kind:?}: the gradient does not depend on which other tensors are trained"
        );
        assert!(kernel.grad(&gradients).is_none(), "{kind:?}: a constant has none");
    }
}

#[test]
fn checkpointing_gives_the_same_gradients() {
    for kind in KINDS {
        let problem = Problem::new(kind, [5, 7, 3, 4]);
        let gradients = |device: Device| {
            let (found, leaves) = problem.run(Path::Fused, &device, DType::F64);
            // Operations before and after the operator, so that checkpointing recomputes something.
            leaves.gradients(&(Loss::ALL.of(&found).tanh() * 2.0).backward())
        };
        let balanced = Device::flex().autodiff().gradient_checkpointing();
        assert_eq!(gradients(Device::flex().autodiff()), gradients(balanced), "{kind:?}");
    }
}

#[test]
fn masked_steps_give_no_gradient_to_their_inputs() {
    let device = Device::ndarray().autodiff();
    for kind in KINDS {
        let problem = Problem::new(kind, [3, 6, 2, 4]).with_mask();
        let (found, leaves) = problem.run(Path::Fused, &device, DType::F64);
        let gradients = leaves.gradients(&Loss::ALL.of(&found).backward());
        let of_input = gradients[0].as_ref().unwrap();
        for (step, counts) in problem.mask.as_ref().unwrap().iter().enumerate() {
            let of_step = &of_input[step * 2..step * 2 + 2];
            assert_eq!(
                of_step.iter().all(|&value| value == 0.0),
                !counts,
                "{kind:?}, step {step}: {of_step:?}"
            );
        }
    }
}

#[test]
fn masked_steps_may_hold_any_values() {
    let device = Device::flex().autodiff();
    for kind in KINDS {
        let problem = Problem::new(kind, [2, 5, 2, 3]).with_mask();
        let mut spoilt = problem.clone();
        for (step, counts) in problem.mask.as_ref().unwrap().iter().enumerate() {
            if !counts {
                spoilt.values[0][step * 2] = f64::NAN;
            }
        }
        for path in [Path::Fused, Path::Reference] {
            let run = |problem: &Problem| {
                let (found, leaves) = problem.run(path, &device, DType::F64);
                (
                    super::data(found.sequence.clone()),
                    leaves.gradients(&Loss::ALL.of(&found).backward()),
                )
            };
            assert_eq!(run(&problem), run(&spoilt), "{kind:?}");
        }
    }
}
