//! The second table: predicting one window, and the 240 of the test part at once.

use super::{
    Effort, child,
    program::{Cell, Program, Setup},
    spread::{count, number, ratio},
    table::markdown,
    turns::Turns,
};
use crate::shell::Result;

const WINDOWS: [usize; 2] = [1, 240];

/// One program and way of calling it, with one cell.
struct Measured {
    cell: Cell,
    name: String,
    /// Median and range in milliseconds for each of `WINDOWS`.
    milliseconds: [Option<(f64, String)>; 2],
}

/// Measures every program with every cell, in turn.
pub(super) fn run(setup: &Setup, effort: &Effort, programs: &[Program]) -> Result<String> {
    let each = |&cell: &Cell| programs.iter().flat_map(move |&program| [0, 1].map(|size| (cell, program, size)));
    let order: Vec<(Cell, Program, usize)> = effort.cells.iter().flat_map(each).collect();
    let name = |&(cell, program, size): &(Cell, Program, usize)| {
        format!("{}, {}, {}", cell.name(), program.name(), count(WINDOWS[size], "window"))
    };
    let mut turns = Turns::new("inference", order.iter().map(name).collect());
    let mut measured: Vec<Measured> = Vec::new();
    for (cell, program, size) in order {
        let command = program.infer(setup, cell, WINDOWS[size], effort.repeats)?;
        let lines = turns.take(|| child::run(command))?.lines();
        for line in &lines {
            let name = match (program, line["mode"].as_str()) {
                (Program::Keras | Program::PyTorch, Some(mode)) => format!("{}, {mode}", program.name()),
                _ => program.name(),
            };
            let figure = |name: &str| line[name].as_f64().unwrap_or(f64::NAN);
            let range = format!("{} to {}", number(figure("fastest")), number(figure("slowest")));
            let place = measured.iter().position(|one| one.cell == cell && one.name == name).unwrap_or_else(|| {
                measured.push(Measured { cell, name, milliseconds: [None, None] });
                measured.len() - 1
            });
            measured[place].milliseconds[size] = Some((figure("milliseconds"), range));
        }
        if lines.is_empty() {
            return Err(format!("{} reported no time of inference", program.name()));
        }
    }
    Ok(table(setup.reference(), &measured) + &turns.warning())
}

fn table(reference: Program, measured: &[Measured]) -> String {
    let rows = measured.iter().map(|one| {
        let ours = measured.iter().find(|other| other.cell == one.cell && other.name == reference.name());
        let mut row = vec![one.cell.name().to_owned(), one.name.clone()];
        for size in 0..WINDOWS.len() {
            let ours = ours.and_then(|ours| ours.milliseconds[size].as_ref()).map(|(median, _)| *median);
            row.extend(match &one.milliseconds[size] {
                Some((median, range)) => [number(*median), range.clone(), ratio(*median, ours)],
                None => ["-", "-", "-"].map(str::to_owned),
            });
        }
        row
    });
    let columns = ["cell", "program", "1 window, ms", "range", "to ours", "240 windows, ms", "range", "to ours"];
    let table = markdown(&columns, 2, &rows.collect::<Vec<_>>());
    format!(
        "## Inference\n\n{table}\nMedian of at least 10 calls after a warm-up (fewer with --quick), without gradients; windows of 60 days.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{super::program::Backend, *};

    #[test]
    fn every_way_of_calling_has_a_row() {
        let one = |name: String, median| Measured { cell: Cell::Gru, name, milliseconds: [Some((median, "1 to 9".to_owned())), None] };
        let ours = Program::Ours(Backend::Ndarray);
        let text = table(ours, &[one(ours.name(), 2.0), one("Keras, eager".to_owned(), 300.0)]);
        assert!(text.lines().any(|line| line.contains("Keras, eager") && line.contains(" 150.00 ")), "{text}");
    }
}
