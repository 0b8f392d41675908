//! Compares the operators on a GPU, or a driver that emulates one, with flex in `F64`.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use burn::tensor::{DType, Device, DeviceKind};
use cubecl::logging::{LaunchObservation, LaunchObserver};

use super::{KINDS, Loss, Path, Problem, assert_close, data};
use crate::{
    Cell, GpuLimits, ResetState, Route,
    gpu::{FORCED, Method},
    gpu_limits, route,
    sizes::Sizes,
};

/// Tolerance of sums of a few hundred terms in `F32`, over up to 20 steps.
const TOLERANCE: f64 = 2e-5;
/// Tolerance of numbers stored in `F16`, with eleven bits, between steps and products.
const TOLERANCE_F16: f64 = 4e-3;

/// The device, for one test at a time, because tests force execution plans and count launches.
struct Gpu {
    device: Device,
    _alone: MutexGuard<'static, ()>,
}

impl Gpu {
    fn alone() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { device: Device::wgpu(DeviceKind::DefaultDevice), _alone: alone }
    }

    /// Forces an execution plan for all following calls.
    fn forced(choice: fn(Cell, Sizes) -> Option<Method>) -> Self {
        let gpu = Self::alone();
        *FORCED.lock().unwrap_or_else(PoisonError::into_inner) = Some(choice);
        gpu
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        *FORCED.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Limits of a GPU in a desktop, whose registers hold weights.
const LARGE: GpuLimits = GpuLimits {
    invocations: 1024,
    shared_memory: 32 << 10,
    bindings: 64,
    kept_weights: 90,
    ..GpuLimits::WEBGPU
};

/// Weights in registers, as far as they fit.
fn keeping(kind: Cell, sizes: Sizes) -> Option<Method> {
    Method::of(kind, sizes, LARGE)
}

/// Weights read in every step, by many invocations.
fn streaming(kind: Cell, sizes: Sizes) -> Option<Method> {
    Method::of(kind, sizes, GpuLimits { kept_weights: 0, ..LARGE })
}

/// Weights read in every step, by the fewest invocations that a GPU has.
fn streaming_with_few(kind: Cell, sizes: Sizes) -> Option<Method> {
    Method::of(kind, sizes, GpuLimits::WEBGPU)
}

fn step_by_step(_: Cell, _: Sizes) -> Option<Method> {
    Some(Method::Steps)
}

/// Returns values and gradients of a problem.
fn found(
    problem: &Problem,
    loss: Loss,
    device: &Device,
    dtype: DType,
) -> ([Vec<f64>; 3], Vec<Option<Vec<f64>>>) {
    let (found, leaves) = problem.run(Path::Fused, &device.clone().autodiff(), dtype);
    let gradients = leaves.gradients(&loss.of(&found).backward());
    (
        [data(found.sequence), data(found.hidden), found.cell.map(data).unwrap_or_default()],
        gradients,
    )
}

/// Compares values and gradients with those of flex in `F64`.
fn check(problem: &Problem, loss: Loss, device: &Device, dtype: DType, tolerance: f64) {
    let (outputs, gradients) = found(problem, loss, device, dtype);
    let (expected, expected_gradients) = found(problem, loss, &Device::flex(), DType::F64);
    let what = format!("{:?} {:?} in {dtype:?}", problem.kind, problem.shapes);
    for (name, (got, expected)) in
        ["sequence", "hidden", "cell"].into_iter().zip(outputs.iter().zip(&expected))
    {
        assert_close(&format!("{what}: {name}"), got, expected, tolerance);
    }
    for (name, (got, expected)) in
        Problem::NAMES.into_iter().zip(gradients.iter().zip(&expected_gradients))
    {
        assert_eq!(got.is_some(), expected.is_some(), "{what}: gradient of {name}");
        if let (Some(got), Some(expected)) = (got, expected) {
            assert_close(&format!("{what}: gradient of {name}"), got, expected, 5.0 * tolerance);
        }
    }
}

/// Problems whose sizes are and are not multiples of workgroups and vectors. States, masks and
/// partial losses take turns.
fn problems(kind: Cell, shapes: &[[usize; 4]]) -> impl Iterator<Item = (Problem, Loss)> {
    shapes.iter().enumerate().map(move |(index, &shape)| {
        let mut problem = Problem::new(kind, shape);
        problem.has_states = index % 3 != 0;
        let problem = if index % 2 == 0 { problem } else { problem.with_mask() };
        (problem, if index % 4 == 2 { Loss { sequence: false, ..Loss::ALL } } else { Loss::ALL })
    })
}

const SHAPES: [[usize; 4]; 7] = [
    [64, 8, 3, 20],
    [1, 1, 1, 1],
    [3, 5, 2, 15],
    [17, 4, 3, 33],
    [80, 3, 1, 80],
    [2, 20, 5, 100],
    [5, 3, 4, 257],
];

#[test]
fn a_gpu_agrees_with_flex_in_values_and_gradients() {
    let gpu = Gpu::alone();
    for (problem, loss) in KINDS.into_iter().flat_map(|kind| problems(kind, &SHAPES)) {
        check(&problem, loss, &gpu.device, DType::F32, TOLERANCE);
    }
}

#[test]
fn a_gpu_that_keeps_its_weights_agrees_with_flex() {
    let gpu = Gpu::forced(keeping);
    // One, two and four rows per workgroup; units that are and are not multiples of four; the most
    // weights per invocation.
    let shapes = [
        [1, 1, 1, 1],
        [3, 4, 2, 15],
        [140, 3, 3, 36],
        [601, 2, 1, 22],
        [5, 3, 4, 100],
        [2, 3, 4, 102],
    ];
    for kind in KINDS {
        for [batch, time, input, hidden] in shapes {
            let method = keeping(kind, Sizes { batch, time, input, hidden });
            let keeps = matches!(method, Some(Method::Sequence(plan)) if plan.keeps());
            assert!(keeps, "{kind:?}, {hidden} units: {method:?}");
        }
        for (problem, loss) in problems(kind, &shapes) {
            check(&problem, loss, &gpu.device, DType::F32, TOLERANCE);
        }
    }
}

#[test]
fn a_gpu_that_reads_its_weights_in_every_step_agrees_with_flex() {
    for choice in [streaming, streaming_with_few] {
        let gpu = Gpu::forced(choice);
        let shapes = [
            [1, 1, 1, 1],
            [3, 4, 2, 15],
            [40, 3, 3, 36],
            [130, 2, 3, 34],
            [2, 2, 4, 256],
            [3, 2, 2, 255],
        ];
        for kind in KINDS {
            for [batch, time, input, hidden] in shapes {
                let method = choice(kind, Sizes { batch, time, input, hidden });
                let streams = matches!(method, Some(Method::Sequence(plan)) if !plan.keeps());
                assert!(streams, "{kind:?}, {hidden} units: {method:?}");
            }
            for (problem, loss) in problems(kind, &shapes) {
                check(&problem, loss, &gpu.device, DType::F32, TOLERANCE);
            }
        }
    }
}

#[test]
fn a_gpu_agrees_with_flex_step_by_step() {
    let gpu = Gpu::forced(step_by_step);
    let shapes = [
        [1, 1, 1, 1],
        [17, 4, 3, 33],
        [2, 9, 5, 20],
        [17, 4, 3, 132],
        [5, 2, 3, 66],
        [3, 2, 3, 1030],
    ];
    for (problem, loss) in KINDS.into_iter().flat_map(|kind| problems(kind, &shapes)) {
        check(&problem, loss, &gpu.device, DType::F32, TOLERANCE);
    }
}

#[test]
fn tensor_operations_agree_with_flex_on_a_gpu() {
    let gpu = Gpu::forced(|_, _| None);
    for (problem, loss) in
        KINDS.into_iter().flat_map(|kind| problems(kind, &[[3, 4, 2, 15], [5, 3, 2, 16]]))
    {
        check(&problem, loss, &gpu.device, DType::F32, TOLERANCE);
    }
}

#[test]
fn a_gpu_agrees_with_flex_in_half_precision() {
    for gpu in [
        Gpu::alone as fn() -> Gpu,
        || Gpu::forced(keeping),
        || Gpu::forced(streaming),
        || Gpu::forced(step_by_step),
    ] {
        let gpu = gpu();
        for (problem, loss) in
            KINDS.into_iter().flat_map(|kind| problems(kind, &[[3, 5, 2, 15], [17, 4, 3, 36]]))
        {
            check(&problem, loss, &gpu.device, DType::F16, TOLERANCE_F16);
        }
    }
}

#[test]
fn padding_may_hold_any_values_on_a_gpu() {
    for gpu in [Gpu::alone as fn() -> Gpu, || Gpu::forced(keeping), || Gpu::forced(step_by_step)] {
        let gpu = gpu();
        for kind in KINDS {
            let clean = Problem::new(kind, [4, 6, 3, 10]).with_mask();
            let mut dirty = clean.clone();
            let mask = dirty.mask.clone().unwrap();
            for (step, _) in mask.iter().enumerate().filter(|(_, counts)| !**counts) {
                dirty.values[0][3 * step..3 * step + 3].fill(f64::NAN);
            }
            let run = |problem| found(problem, Loss::ALL, &gpu.device, DType::F32);
            assert_eq!(run(&clean), run(&dirty), "{kind:?}");
        }
    }
}

#[test]
fn a_gpu_repeats_its_bytes_with_and_without_gradients() {
    for gpu in [Gpu::alone as fn() -> Gpu, || Gpu::forced(keeping), || Gpu::forced(streaming)] {
        let gpu = gpu();
        for kind in KINDS {
            // Enough rows that gradients of weights are computed in parts.
            let problem = Problem::new(kind, [32, 9, 3, 40]).with_mask();
            let run = || found(&problem, Loss::ALL, &gpu.device, DType::F32);
            let (first, second) = (run(), run());
            assert_eq!(first, second, "{kind:?}");
            let (inferred, _) = problem.run(Path::Fused, &gpu.device, DType::F32);
            assert_eq!(first.0[0], data(inferred.sequence), "{kind:?}");
        }
    }
}

#[derive(Default)]
struct Launches(AtomicUsize);

impl LaunchObserver for Launches {
    fn launched(&self, _: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts the kernel launches of a forward and a backward pass.
fn launches(kind: Cell, time: usize, device: &Device) -> usize {
    // Enough rows that gradients of weights are computed in parts, for short sequences too.
    let problem = Problem::new(kind, [96, time, 3, 20]).with_mask();
    let run = || found(&problem, Loss::ALL, device, DType::F32);
    // The first run may tune several kernels for a product; later runs launch the chosen one.
    run();
    let launches = Arc::new(Launches::default());
    let observation = LaunchObservation::new(launches.clone());
    run();
    drop(observation);
    launches.0.load(Ordering::Relaxed)
}

#[test]
fn a_gpu_launches_as_many_kernels_for_long_sequences_as_for_short_ones() {
    for gpu in [Gpu::alone as fn() -> Gpu, || Gpu::forced(keeping), || Gpu::forced(streaming)] {
        let gpu = gpu();
        for kind in KINDS {
            let [short, long] = [3, 24].map(|time| launches(kind, time, &gpu.device));
            assert!(
                short > 0 && long == short,
                "{kind:?}: {short} launches for 3 steps, {long} for 24"
            );
        }
    }
}

#[test]
fn a_gpu_resets_states_as_flex_does() {
    let gpu = Gpu::alone();
    for kind in KINDS {
        for to in [ResetState::Zeros, ResetState::Initial] {
            let problem = Problem::new(kind, [5, 6, 3, 9]).with_mask().with_resets(to);
            check(&problem, Loss::ALL, &gpu.device, DType::F32, TOLERANCE);
        }
    }
}

/// Counts the launches of a layer without mask and initial states, as in training. One of them
/// fills the gradient of the sequence.
fn launches_of_a_layer(kind: Cell, device: &Device) -> usize {
    let mut problem = Problem::new(kind, [64, 20, 80, 100]);
    problem.has_states = false;
    let run = || {
        let (found, _) = problem.run(Path::Fused, &device.clone().autodiff(), DType::F32);
        drop(found.sequence.backward());
        device.sync().unwrap();
    };
    run();
    let launches = Arc::new(Launches::default());
    let observation = LaunchObservation::new(launches.clone());
    run();
    drop(observation);
    launches.0.load(Ordering::Relaxed)
}

#[test]
fn a_layer_takes_few_launches_on_a_gpu() {
    let gpu = Gpu::forced(keeping);
    let counts = [Cell::SimpleRnn, Cell::Lstm].map(|kind| launches_of_a_layer(kind, &gpu.device));
    assert!(counts.into_iter().all(|count| count <= 10), "{counts:?}");
}

#[test]
fn a_gpu_launches_one_kernel_a_step_and_direction_step_by_step() {
    let gpu = Gpu::forced(step_by_step);
    for kind in KINDS {
        let [short, long] = [3, 24].map(|time| launches(kind, time, &gpu.device));
        assert!(
            long - short == 2 * (24 - 3),
            "{kind:?}: {short} launches for 3 steps, {long} for 24"
        );
    }
}

#[test]
fn routes_of_a_gpu_follow_its_limits() {
    let gpu = Gpu::alone();
    let limits = gpu_limits(&gpu.device).unwrap();
    assert!(
        limits.bindings >= 7 && limits.invocations >= 256 && limits.shared_memory >= 16 << 10,
        "{limits:?}"
    );
    for kind in KINDS {
        assert!(
            matches!(
                route(kind, [64, 60, 80, 100], &gpu.device),
                Route::KeptWeights { .. } | Route::StreamedWeights { .. }
            ),
            "{kind:?}"
        );
        assert_eq!(route(kind, [2, 2, 8, 2048], &gpu.device), Route::LaunchPerStep, "{kind:?}");
        assert_eq!(route(kind, [64, 60, 80, 100], &Device::flex()), Route::Cpu, "{kind:?}");
    }
}
