//! Makes the table of seconds per epoch of the stock job, with the lower bound: an epoch's matrix
//! products at the machine's best rate.

use super::{
    criterion,
    program::{Program, Setup},
    turns::{Measured, Turns},
};
use crate::{
    process::{self, Finished},
    shell::{Result, json},
    table::{Spread, count, markdown, mebibytes, number, ratio},
};

/// Number of first epochs of every process that are not counted.
const WARM_UP_EPOCHS: usize = 2;
const WINDOW: usize = 60;
const TEST_ROWS: usize = 300;
/// Input features and hidden units of the stock model's layers.
const LAYERS: [(usize, usize); 2] = [(1, 80), (80, 100)];
/// Floating-point operations of one thread in the matrix product bench.
const PRODUCT: f64 = 4.0 * 2.0 * (1u64 << 30) as f64;

/// Results of all programs with one cell.
struct Trained {
    cell: String,
    /// Names as reported by the programs, if any.
    names: Vec<String>,
    measured: Vec<Measured>,
}

/// Trains with every program and cell, in turn. A cell's rounds follow each other, so that compared
/// runs are close in time.
pub(super) fn run(setup: &Setup) -> Result<String> {
    let programs = setup.programs();
    let names: Vec<String> = programs.iter().map(Program::name).collect();
    // The machine's speed drifts: the rate is the best of before and after.
    let before = best_rate(setup)?;
    let mut turns =
        Turns::new("turns of training", setup.cells.len() * programs.len() * setup.rounds);
    let (mut all, mut rows) = (Vec::new(), 0);
    for cell in &setup.cells {
        let labels = names.iter().map(|name| format!("stock-{cell}, {name}")).collect::<Vec<_>>();
        let mut versions = names.clone();
        let measured = turns.rounds(setup.rounds, &labels, |index| {
            let finished = process::run(programs[index].train(setup, cell, setup.epochs)?)?;
            if let (Program::Keras | Program::PyTorch, Some((_, last))) =
                (&programs[index], finished.json().next_back())
            {
                versions[index] = last["peer"].as_str().unwrap_or(&names[index]).to_owned();
            }
            let seconds = match programs[index] {
                Program::Ours(_) => {
                    let folder = setup.scratch.join(format!("stock-{cell}"));
                    let config = json(&folder.join("config.json"))?;
                    rows =
                        config["source"]["rows"].as_u64().ok_or("config.json: no number of rows")?
                            as usize;
                    epochs_of_metrics(&fs_err::read_to_string(folder.join("metrics.csv"))?)?
                }
                _ => epochs_of_lines(&finished),
            };
            if seconds.len() != setup.epochs {
                return Err(format!(
                    "{} reported {} epochs of {}",
                    names[index],
                    seconds.len(),
                    setup.epochs
                )
                .into());
            }
            Ok((seconds[warm_up(setup)..].to_vec(), finished))
        })?;
        all.push(Trained { cell: cell.clone(), names: versions, measured });
    }
    let gigaflops = before.max(best_rate(setup)?);
    Ok(table(setup, &all, rows, gigaflops) + &turns.warning())
}

/// Number of first epochs that are not counted; at least one epoch is.
fn warm_up(setup: &Setup) -> usize {
    WARM_UP_EPOCHS.min(setup.epochs - 1)
}

/// Values of the column `seconds` of `metrics.csv`.
fn epochs_of_metrics(text: &str) -> Result<Vec<f64>> {
    let mut lines = text.lines();
    let column =
        lines.next().and_then(|header| header.split(',').position(|name| name == "seconds"));
    let column = column.ok_or("metrics.csv: no column `seconds`")?;
    let value = |line: &str| line.split(',').nth(column).and_then(|value| value.parse().ok());
    lines
        .map(|line| {
            value(line).ok_or_else(|| format!("metrics.csv: expected seconds in `{line}`").into())
        })
        .collect()
}

/// Seconds between the epoch lines of a peer. The first value includes the start-up.
fn epochs_of_lines(finished: &Finished) -> Vec<f64> {
    let ends: Vec<f64> =
        finished.json().filter(|(_, line)| line["epoch"].is_number()).map(|(at, _)| at).collect();
    let starts = std::iter::once(&0.0).chain(&ends);
    ends.iter().zip(starts).map(|(end, start)| end - start).collect()
}

/// Best rate of a large f32 matrix product, in GFLOP/s. It tries the backend's own threads, and one
/// of our threads per core without the backend's.
fn best_rate(setup: &Setup) -> Result<f64> {
    // A GPU needs no CPU threads.
    let (backend, ways) = if setup.on_gpu() {
        ("wgpu", vec![None])
    } else {
        ("flex", vec![None, Some(("RAYON_NUM_THREADS", "1"))])
    };
    let mut turns = Turns::new("turns of matrix products", ways.len());
    let mut best = 0.0_f64;
    for way in ways {
        let timings = turns.take(backend, || {
            criterion::layers(setup, &format!("^matrix product/{backend}/"), way)
        })?;
        for timing in timings {
            best = best.max(timing.value.parse::<f64>()? * PRODUCT / timing.nanoseconds.least);
        }
    }
    Ok(best)
}

/// Floating-point operations of an epoch's matrix products, for training and validation. `rows` is
/// the length of the price file; the split is the course's.
///
/// A step of a layer with `G` gates multiplies `[I] x [I, G*H]` and `[H] x [H, G*H]`. The backward
/// pass computes the gradients of both factors of both products, except that of the first layer's
/// input. Elementwise work is not counted.
fn operations(cell: &str, rows: usize) -> [f64; 2] {
    let gates = match cell {
        "rnn" => 1,
        "gru" => 3,
        _ => 4,
    };
    let forward: usize =
        LAYERS.iter().map(|(input, units)| 2 * gates * units * (input + units)).sum();
    let (first_input, first_units) = LAYERS[0];
    let backward = 2 * forward - 2 * gates * first_units * first_input;
    let steps = |windows: usize| (windows * WINDOW) as f64;
    [
        steps(rows.saturating_sub(TEST_ROWS + WINDOW)) * (forward + backward) as f64,
        steps(TEST_ROWS - WINDOW) * forward as f64,
    ]
}

fn table(setup: &Setup, all: &[Trained], rows: usize, gigaflops: f64) -> String {
    let floor = |cell: &str| operations(cell, rows).iter().sum::<f64>() / (1e9 * gigaflops);
    let mut lines = Vec::new();
    for Trained { cell, names, measured } in all {
        let spreads = measured.iter().map(|one| Spread::of(one.seconds.iter().copied()));
        let spreads: Vec<Option<Spread>> = spreads.collect();
        let ours = spreads[0].map(|ours| ours.median);
        for ((name, one), spread) in names.iter().zip(measured).zip(&spreads) {
            let Some(spread) = spread else { continue };
            let fraction = format!("{:.0}%", 100.0 * floor(cell) / spread.median);
            let figures = [
                number(spread.median),
                spread.range(),
                ratio(spread.median, ours),
                fraction,
                mebibytes(one.peak),
            ];
            lines.push([cell.clone(), name.clone()].into_iter().chain(figures).collect());
        }
    }
    let floors = all.iter().map(|Trained { cell, .. }| {
        let [training, validation] =
            operations(cell, rows).map(|operations| number(operations / 1e9));
        format!("{cell} {} s ({training} + {validation} GFLOP)", number(floor(cell)))
    });
    format!(
        "## Training\n\n{}\nMedian of {} of the stock job (batch 64, validation included), {} in \
         turn, the first {} of every process not counted. \"To ours\": time as a multiple of \
         `{}`.\n\"Of GEMM\": fraction of the time that the epoch's matrix products, training + \
         validation, would take at {gigaflops:.0} GFLOP/s, the best f32 1024x1024x1024 product of \
         the backend, on all cores: {}.\n",
        markdown(
            &["cell", "program", "s per epoch", "range", "to ours", "of GEMM", "peak memory"],
            2,
            &lines
        ),
        count(setup.rounds * (setup.epochs - warm_up(setup)), "epoch"),
        count(setup.rounds, "round"),
        count(warm_up(setup), "epoch"),
        setup.programs()[0].name(),
        floors.collect::<Vec<_>>().join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_found_by_name() {
        let text = "epoch,train_loss,seconds\n1,0.5,2.5\n2,0.25,1.5\n";
        assert_eq!(epochs_of_metrics(text).unwrap(), [2.5, 1.5]);
        assert!(epochs_of_metrics("epoch\n1\n").is_err());
    }

    #[test]
    fn an_epoch_of_a_peer_lasts_from_line_to_line() {
        let lines = [
            (3.0, "{\"epoch\": 1}"),
            (3.5, "words"),
            (4.5, "{\"epoch\": 2}"),
            (5.0, "{\"peer\": \"Keras\"}"),
        ];
        let lines = lines.map(|(at, line)| (at, line.to_owned())).to_vec();
        assert_eq!(
            epochs_of_lines(&Finished { seconds: 6.0, peak: None, peak_of_all: None, lines }),
            [3.0, 1.5]
        );
    }

    #[test]
    fn an_epoch_of_the_course_has_the_known_operations() {
        let rounded = |cell| (operations(cell, 2426)[0] / 1e9).round();
        assert_eq!(["rnn", "lstm", "gru"].map(rounded), [18.0, 73.0, 55.0]);
        assert!((operations("lstm", 2426)[1] / 1e9 - 2.82).abs() < 0.01);
    }

    #[test]
    fn a_row_has_ratio_gemm_fraction_and_memory() {
        let measured = [0.5, 2.5]
            .map(|seconds| Measured { seconds: vec![seconds; 10], peak: Some(300 << 20) });
        let names = ["ours, ndarray", "Keras"].map(str::to_owned).to_vec();
        let trained = Trained { cell: "lstm".to_owned(), names, measured: measured.into() };
        let setup = Setup {
            backends: vec!["ndarray".to_owned()],
            epochs: 12,
            rounds: 1,
            ..Setup::default()
        };
        let text = table(&setup, &[trained], 2426, 200.0);
        let keras = text.lines().find(|line| line.contains("Keras")).unwrap();
        assert!(
            keras.contains(" 5.00 ") && keras.contains(" 15% ") && keras.contains("300 MiB"),
            "{text}"
        );
        assert!(
            text.contains("Median of 10 epochs")
                && text.contains("lstm 0.378 s (72.7 + 2.82 GFLOP)"),
            "{text}"
        );
    }
}
