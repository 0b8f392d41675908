//! One layer at the stock shape, forward and forward with backward: ours against `burn::nn`, on both CPU backends.

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{Criterion, measurement::WallTime};
use rnn_models::{Cell, RecurrentConfig};
use workspace_benches::{BATCH, Backend, NnRecurrent, UNITS, WINDOW};

const INPUT: usize = UNITS[0];
const HIDDEN: usize = UNITS[1];

type Forward = Box<dyn Fn(Tensor<3>) -> Tensor<3>>;
type Group<'a> = criterion::BenchmarkGroup<'a, WallTime>;

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    for cell in Cell::ALL {
        for pass in ["forward", "forward+backward"] {
            let mut group = criterion.benchmark_group(format!("{cell}/{pass}"));
            for backend in Backend::CPU {
                compare(&mut group, pass, cell, backend);
            }
            group.finish();
        }
    }
    criterion.final_summary();
}

fn compare(group: &mut Group<'_>, pass: &str, cell: Cell, backend: Backend) {
    let learns = pass != "forward";
    let device = if learns { backend.device().autodiff() } else { backend.device() };
    for (whose, layer) in [("ours", ours(cell, &device)), ("burn-nn", burn_nn(cell, &device))] {
        let input = Tensor::random([BATCH, WINDOW, INPUT], Distribution::Uniform(-1.0, 1.0), &device);
        let name = format!("{whose}/{}/f32/B{BATCH} T{WINDOW} I{INPUT} H{HIDDEN}", backend.name());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if learns {
                    drop(layer(input.clone().require_grad()).sum().backward());
                } else {
                    drop(layer(input.clone()));
                }
            });
        });
    }
}

fn ours(cell: Cell, device: &Device) -> Forward {
    let layer = RecurrentConfig::new(cell, INPUT, HIDDEN).init(device);
    Box::new(move |input| layer.forward(input).sequence)
}

fn burn_nn(cell: Cell, device: &Device) -> Forward {
    let layer = NnRecurrent::new(cell, INPUT, HIDDEN, device);
    Box::new(move |input| layer.forward(input))
}
