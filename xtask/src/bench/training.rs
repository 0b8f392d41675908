//! The first table: seconds an epoch of the stock job.

use std::fs;

use serde_json::Value;

use super::{
    Effort, child,
    floor::{Floor, Operations},
    program::{Cell, Program, Setup},
    spread::{Spread, count, mebibytes, number, ratio},
    table::markdown,
    turns::Turns,
};
use crate::shell::Result;

/// What one program showed with one cell, over all its turns.
pub(super) struct Measured {
    cell: Cell,
    program: Program,
    /// The program's own words for itself.
    version: Option<String>,
    /// Seconds of every counted epoch.
    seconds: Vec<f64>,
    peak: Option<u64>,
    /// Rows of the price file; ours alone tells.
    rows: usize,
}

/// Trains with every program and cell, in turn; every second round goes the other way round. Also gives what to say under the table.
pub(super) fn measure(setup: &Setup, effort: &Effort, programs: &[Program]) -> Result<(Vec<Measured>, String)> {
    let fresh = |cell, program| Measured { cell, program, version: None, seconds: Vec::new(), peak: None, rows: 0 };
    let each = effort.cells.iter().flat_map(|&cell| programs.iter().map(move |&program| fresh(cell, program)));
    let mut measured: Vec<Measured> = each.collect();
    let count = programs.len();
    let mut order = Vec::new();
    // A cell's rounds follow each other: what is compared is near in time.
    for start in (0..measured.len()).step_by(count) {
        for round in 0..effort.rounds {
            let turns = start..start + count;
            if round % 2 == 0 { order.extend(turns) } else { order.extend(turns.rev()) }
        }
    }
    let name = |&index: &usize| format!("{}, {}", measured[index].cell.experiment(), measured[index].program.name());
    let mut turns = Turns::new("training", order.iter().map(name).collect());
    for index in order {
        let one = &mut measured[index];
        turns.take(|| one.turn(setup, effort))?;
    }
    Ok((measured, turns.warning()))
}

impl Measured {
    fn turn(&mut self, setup: &Setup, effort: &Effort) -> Result<()> {
        let finished = child::run(self.program.train(setup, self.cell, effort.epochs)?)?;
        let seconds = match self.program {
            Program::Ours(_) => {
                let folder = setup.scratch.join(self.cell.experiment());
                let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
                let config: Value = serde_json::from_str(&read("config.json")?).map_err(|error| format!("config.json: {error}"))?;
                self.rows = config["data"]["rows"].as_u64().unwrap_or_default() as usize;
                epochs_of_metrics(&read("metrics.csv")?)?
            }
            _ => {
                let lines = finished.lines();
                let version = lines.last().and_then(|line| line["peer"].as_str());
                self.version = version.filter(|_| matches!(self.program, Program::Keras | Program::PyTorch)).map(str::to_owned);
                lines.iter().filter_map(|line| line["seconds"].as_f64()).collect()
            }
        };
        if seconds.len() != effort.epochs {
            return Err(format!("{} reported {} epochs of {}", self.program.name(), seconds.len(), effort.epochs));
        }
        self.seconds.extend(&seconds[effort.warm_up()..]);
        self.peak = self.peak.max(finished.peak);
        Ok(())
    }
}

/// The column `seconds` of `metrics.csv`.
fn epochs_of_metrics(text: &str) -> Result<Vec<f64>> {
    let mut lines = text.lines();
    let column = lines.next().and_then(|header| header.split(',').position(|name| name == "seconds"));
    let column = column.ok_or("metrics.csv has no column `seconds`")?;
    let value = |line: &str| line.split(',').nth(column).and_then(|value| value.parse().ok());
    lines.map(|line| value(line).ok_or_else(|| format!("metrics.csv: expected seconds in `{line}`"))).collect()
}

/// The table, with the shares of `floor`.
pub(super) fn table(reference: Program, measured: &[Measured], effort: &Effort, floor: &Floor) -> String {
    let rows = measured.iter().map(|one| one.rows).max().unwrap_or_default();
    let mut lines = Vec::new();
    for one in measured {
        let Some(spread) = Spread::of(&one.seconds) else { continue };
        let ours = measured.iter().find(|other| other.cell == one.cell && other.program == reference);
        let ours = ours.and_then(|ours| Spread::of(&ours.seconds)).map(|ours| ours.median);
        let least = floor.seconds(&Operations::of_epoch(one.cell, rows));
        lines.push(vec![
            one.cell.name().to_owned(),
            one.version.clone().unwrap_or_else(|| one.program.name()),
            number(spread.median),
            spread.range(),
            ratio(spread.median, ours),
            format!("{:.0}%", 100.0 * least / spread.median),
            mebibytes(one.peak),
        ]);
    }
    let columns = ["cell", "program", "s an epoch", "range", "to ours", "of GEMM", "peak memory"];
    format!("## Training\n\n{}\n{}", markdown(&columns, 2, &lines), explain(reference, effort, floor, rows))
}

fn explain(reference: Program, effort: &Effort, floor: &Floor, rows: usize) -> String {
    let (warm_up, counted) = (effort.warm_up(), effort.rounds * (effort.epochs - effort.warm_up()));
    let floors = effort.cells.iter().map(|&cell| {
        let operations = Operations::of_epoch(cell, rows);
        let giga = |value: f64| number(value / 1e9);
        let (training, validation) = (giga(operations.training), giga(operations.validation));
        format!("{} {} s ({training} + {validation} GFLOP)", cell.name(), number(floor.seconds(&operations)))
    });
    format!(
        "Median of {} of the stock job (batch 64, validation included), {} in turn, the first {} of every process not counted. \"To ours\": time as a multiple of `{}`.\n\"Of GEMM\": share of the time that the epoch's matrix \
         products, training + validation, would take at {:.0} GFLOP/s, the best f32 1024x1024x1024 product of the backend, on all cores: {}.\n",
        count(counted, "epoch"),
        count(effort.rounds, "round"),
        count(warm_up, "epoch"),
        reference.name(),
        floor.gflops,
        floors.collect::<Vec<_>>().join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::program::Backend, *};

    #[test]
    fn seconds_are_found_by_name() {
        let text = "epoch,train_loss,seconds\n1,0.5,2.5\n2,0.25,1.5\n";
        assert_eq!(epochs_of_metrics(text), Ok(vec![2.5, 1.5]));
        assert!(epochs_of_metrics("epoch\n1\n").is_err());
    }

    #[test]
    fn a_row_has_ratio_share_and_memory() {
        let measured = |program, seconds: f64| Measured {
            cell: Cell::Lstm,
            program,
            version: None,
            seconds: vec![seconds; 10],
            peak: Some(300 << 20),
            rows: 2426,
        };
        let effort = Effort { cells: vec![Cell::Lstm], epochs: 12, rounds: 1, repeats: 10, whole_epochs: 50, quick: false };
        let ours = Program::Ours(Backend::Ndarray);
        let text = table(ours, &[measured(ours, 0.5), measured(Program::Keras, 2.5)], &effort, &Floor { gflops: 200.0 });
        let keras = text.lines().find(|line| line.contains("Keras")).unwrap();
        assert!(keras.contains(" 5.00 ") && keras.contains(" 15% ") && keras.contains("300 MiB"), "{text}");
        assert!(text.contains("Median of 10 epochs") && text.contains("lstm 0.378 s (72.7 + 2.82 GFLOP)"), "{text}");
    }
}
