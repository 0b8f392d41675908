//! The operators on a GPU, or on what a driver offers in its place, against flex in `F64`.

use burn::tensor::{DType, Device, DeviceKind};

use super::{KINDS, Loss, Path, Problem, assert_close, data};

/// Sums of a few hundred terms in `F32`, over up to 20 steps.
const TOLERANCE: f64 = 2e-5;

fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

#[test]
fn a_gpu_agrees_with_flex_in_values_and_gradients() {
    // On and off the sizes of workgroups, more hidden units than one invocation has, slices of one row and of several, and one unit more than a plan takes.
    let shapes =
        [[1, 1, 1, 1], [3, 5, 2, 15], [17, 4, 3, 33], [64, 3, 1, 80], [2, 20, 5, 100], [5, 3, 4, 257], [3, 2, 3, 1024], [2, 2, 3, 1030]];
    for kind in KINDS {
        for (index, shape) in shapes.into_iter().enumerate() {
            let mut problem = Problem::new(kind, shape);
            problem.has_states = index % 3 != 0;
            let problem = if index % 2 == 0 { problem } else { problem.with_mask() };
            let loss = if index % 4 == 2 { Loss { sequence: false, ..Loss::ALL } } else { Loss::ALL };
            let run = |device: Device, dtype| {
                let (found, leaves) = problem.run(Path::Fused, &device.autodiff(), dtype);
                let gradients = leaves.gradients(&loss.of(&found).backward());
                ([data(found.sequence), data(found.hidden), found.cell.map(data).unwrap_or_default()], gradients)
            };
            let ((outputs, gradients), (expected, expected_gradients)) = (run(gpu(), DType::F32), run(Device::flex(), DType::F64));
            for (name, (got, expected)) in ["sequence", "hidden", "cell"].into_iter().zip(outputs.iter().zip(&expected)) {
                assert_close(&format!("{kind:?} {shape:?}: {name}"), got, expected, TOLERANCE);
            }
            for (name, (got, expected)) in Problem::NAMES.into_iter().zip(gradients.iter().zip(&expected_gradients)) {
                assert_eq!(got.is_some(), expected.is_some(), "{kind:?} {shape:?}: gradient of {name}");
                if let (Some(got), Some(expected)) = (got, expected) {
                    assert_close(&format!("{kind:?} {shape:?}: gradient of {name}"), got, expected, 5.0 * TOLERANCE);
                }
            }
        }
    }
}

#[test]
fn a_gpu_gives_the_same_bytes_again_and_without_gradients() {
    for kind in KINDS {
        let problem = Problem::new(kind, [6, 9, 3, 40]).with_mask();
        let run = |device: Device| {
            let (found, leaves) = problem.run(Path::Fused, &device, DType::F32);
            (data(found.sequence.clone()), device.is_autodiff().then(|| leaves.gradients(&Loss::ALL.of(&found).backward())))
        };
        let (first, second) = (run(gpu().autodiff()), run(gpu().autodiff()));
        assert_eq!(first, second, "{kind:?}");
        assert_eq!(first.0, run(gpu()).0, "{kind:?}");
    }
}
