//! Benches of layers, models and the matrix product: ours and `burn::nn`'s, on each backend.
//!
//! `cargo bench -p workspace-benches --bench layers -- "lstm, forward"`

use std::{cell::OnceCell, hint::black_box, thread, time::Duration};

use burn::tensor::{Device, Distribution, Tensor};
use clap::ValueEnum;
use criterion::{BenchmarkId, Criterion, Throughput};
use rnn_models::{Cell, RecurrentConfig, SeriesModelConfig};
use workspace_benches::{BATCH, Backend, CELLS, NnRecurrent, NnStockModel, UNITS, WINDOW};

/// Rows, columns and depth of the matrix product that sets the lower bound.
const GEMM_SIZE: usize = 1024;
/// Products per thread in one call: few, so that at least one call runs undisturbed.
const GEMM_BURST: usize = 4;
/// `[B, T, I, H]` of the stock model's second layer.
const STOCK: [usize; 4] = [BATCH, WINDOW, UNITS[0], UNITS[1]];

type Call = Box<dyn Fn()>;

fn main() {
    let criterion = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300));
    let mut criterion = criterion.measurement_time(Duration::from_secs(1)).configure_from_args();
    for &backend in Backend::value_variants() {
        matrix_product(&mut criterion, backend);
        for (name, cell) in CELLS {
            inference(&mut criterion, name, cell, backend);
            forward(&mut criterion, name, cell, backend);
            backward(&mut criterion, name, cell, backend);
        }
    }
    criterion.final_summary();
}

/// Adds a bench that is set up at its first use, so that devices of other benches are not
/// initialised.
fn bench(
    criterion: &mut Criterion,
    group: &str,
    whose: &str,
    value: impl ToString,
    call: impl Fn() -> Call,
) {
    let made = OnceCell::new();
    let id = BenchmarkId::new(whose, value.to_string());
    criterion
        .benchmark_group(group)
        .bench_function(id, |bencher| bencher.iter(made.get_or_init(&call)));
}

fn names(backend: Backend) -> [String; 2] {
    ["ours", "burn::nn"].map(|whose| format!("{whose}, {}", backend.name()))
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

/// Predicts windows in one batch with the stock model, without gradients.
fn inference(criterion: &mut Criterion, name: &str, cell: Cell, backend: Backend) {
    let [ours, burn_nn] = names(backend);
    // Reading a number waits for the result; some backends return data before it is computed.
    fn read(tensor: Tensor<2>) {
        black_box(tensor.into_data().iter::<f32>().sum::<f32>());
    }
    for windows in [1, 240] {
        let group = format!("{name}, inference");
        bench(criterion, &group, &ours, windows, || {
            let device = backend.device();
            let (model, batch) =
                (SeriesModelConfig::new(cell).init(&device), random([windows, WINDOW, 1], &device));
            Box::new(move || read(model.forward(batch.clone())))
        });
        bench(criterion, &group, &burn_nn, windows, || {
            let device = backend.device();
            let (model, batch) =
                (NnStockModel::new(cell, &device), random([windows, WINDOW, 1], &device));
            Box::new(move || read(model.forward(batch.clone())))
        });
    }
}

/// A layer of the given sizes `[B, T, I, H]` as a function of its input: ours, or Burn's.
fn layer(
    cell: Cell,
    [.., input, units]: [usize; 4],
    is_ours: bool,
    device: &Device,
) -> Box<dyn Fn(Tensor<3>) -> Tensor<3>> {
    if is_ours {
        let layer = RecurrentConfig::new(cell, input, units).init(device);
        return Box::new(move |input| layer.forward(input).sequence);
    }
    let layer = NnRecurrent::new(cell, input, units, device);
    Box::new(move |input| layer.forward(input))
}

fn shown([batch, steps, input, units]: [usize; 4]) -> String {
    format!("B{batch} T{steps} I{input} H{units}")
}

fn forward(criterion: &mut Criterion, name: &str, cell: Cell, backend: Backend) {
    for (whose, is_ours) in names(backend).iter().zip([true, false]) {
        bench(criterion, &format!("{name}, forward"), whose, shown(STOCK), || {
            let device = backend.device();
            let layer = layer(cell, STOCK, is_ours, &device);
            let input = random([STOCK[0], STOCK[1], STOCK[2]], &device);
            Box::new(move || {
                drop(layer(input.clone()));
                device.sync().expect("the device computes");
            })
        });
    }
}

/// Forward and backward pass with the gradient of the input, as in a layer above another. Ours runs
/// over steps, units and batch sizes around the stock shape; Burn's runs at the stock shape.
fn backward(criterion: &mut Criterion, name: &str, cell: Cell, backend: Backend) {
    let [ours, burn_nn] = names(backend);
    let others = shapes(backend).into_iter().map(|shape| (&ours, shape, true));
    for (whose, shape, is_ours) in
        [(&ours, STOCK, true), (&burn_nn, STOCK, false)].into_iter().chain(others)
    {
        bench(criterion, &format!("{name}, forward and backward"), whose, shown(shape), || {
            let device = backend.device().autodiff();
            let layer = layer(cell, shape, is_ours, &device);
            let input = random([shape[0], shape[1], shape[2]], &device);
            Box::new(move || {
                let gradients = layer(input.clone().require_grad()).sum().backward();
                device.sync().expect("the device computes");
                drop(gradients);
            })
        });
    }
}

/// Shapes around the stock shape; larger ones for a GPU.
fn shapes(backend: Backend) -> Vec<[usize; 4]> {
    let [batch, steps, input, units] = STOCK;
    let is_cpu = matches!(backend, Backend::Ndarray | Backend::Flex);
    let all_steps: &[usize] = if is_cpu { &[120, 240, 480, 960] } else { &[240, 1000] };
    let all_units: &[usize] =
        if is_cpu { &[16, 32, 64, 128, 256, 512] } else { &[80, 128, 256, 1024] };
    let batches: &[usize] = if is_cpu { &[1, 4, 16, 256, 512] } else { &[256, 512] };
    let square: &[[usize; 2]] = if is_cpu { &[] } else { &[[64, 256], [512, 256], [64, 512]] };
    let steps_of = all_steps.iter().map(|&steps| [batch, steps, input, units]);
    let units_of = all_units.iter().map(|&units| [batch, steps, input, units]);
    let batches_of = batches.iter().map(|&batch| [batch, steps, input, units]);
    let square = square.iter().map(|&[batch, units]| [batch, steps, units, units]);
    steps_of.chain(units_of).chain(batches_of).chain(square).collect()
}

/// Products from one calling thread, and from one thread per core. The fastest depends on the
/// backend's threads; `cargo xtask bench` takes the best, with and without the backend's threads.
fn matrix_product(criterion: &mut Criterion, backend: Backend) {
    let mut callers = vec![1, thread::available_parallelism().map_or(1, usize::from)];
    callers.dedup();
    for callers in callers {
        let made = OnceCell::new();
        let make = || {
            (0..callers)
                .map(|_| [(); 2].map(|()| random([GEMM_SIZE; 2], &backend.device())))
                .collect::<Vec<_>>()
        };
        let call = |[left, right]: [Tensor<2>; 2]| {
            move || {
                (0..GEMM_BURST).for_each(|_| drop(left.clone().matmul(right.clone())));
                left.device().sync().expect("the device computes");
            }
        };
        let operations = 2 * GEMM_SIZE.pow(3) * GEMM_BURST * callers;
        let mut group = criterion.benchmark_group("matrix product");
        group.throughput(Throughput::Elements(operations as u64));
        group.bench_function(BenchmarkId::new(backend.name(), callers), |bencher| {
            bencher.iter(|| {
                thread::scope(|scope| {
                    made.get_or_init(make)
                        .iter()
                        .for_each(|pair| drop(scope.spawn(call(pair.clone()))))
                });
            });
        });
    }
}
