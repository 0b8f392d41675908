//! Makes the table of prediction times: of one window, and of the 240 windows of the test set at
//! once. Criterion times ours and Burn's own layers; scripts time the other frameworks.

use serde_json::Value;

use super::{
    criterion,
    program::{Program, Setup},
    turns::Turns,
};
use crate::{
    process,
    shell::Result,
    table::{Spread, count, markdown, number, ratio},
};

const WINDOWS: [usize; 2] = [1, 240];

/// Times of one program and mode, with one cell.
struct Predicted {
    cell: String,
    name: String,
    /// Milliseconds for each entry of `WINDOWS`.
    milliseconds: [Option<Spread>; 2],
}

/// Predicts 1 and 240 windows with every program and cell, in turn.
pub(super) fn run(setup: &Setup) -> Result<String> {
    let programs = setup.programs();
    let mut turns =
        Turns::new("turns of inference", setup.cells.len() * programs.len() * WINDOWS.len());
    let mut all: Vec<Predicted> = Vec::new();
    for (cell, program) in
        setup.cells.iter().flat_map(|cell| programs.iter().map(move |program| (cell, program)))
    {
        for (size, windows) in WINDOWS.into_iter().enumerate() {
            let turn = format!("{cell}, {}, {}", program.name(), count(windows, "window"));
            for (name, milliseconds) in
                turns.take(&turn, || predict(setup, program, cell, windows))?
            {
                let place = all
                    .iter()
                    .position(|one| one.cell == *cell && one.name == name)
                    .unwrap_or_else(|| {
                        all.push(Predicted {
                            cell: cell.clone(),
                            name,
                            milliseconds: [None, None],
                        });
                        all.len() - 1
                    });
                all[place].milliseconds[size] = Some(milliseconds);
            }
        }
    }
    Ok(table(&programs[0].name(), &all) + &turns.warning())
}

/// Milliseconds of each mode in which a program predicts.
fn predict(
    setup: &Setup,
    program: &Program,
    cell: &str,
    windows: usize,
) -> Result<Vec<(String, Spread)>> {
    let name = program.name();
    if let Program::Ours(_) | Program::BurnNn(_) = program {
        let timings =
            criterion::layers(setup, &format!("^{cell}, inference/{name}/{windows}$"), [])?;
        return Ok(timings
            .iter()
            .map(|timing| (name.clone(), scaled(timing.nanoseconds, 1e-6)))
            .collect());
    }
    let mut command = program.script(setup, cell)?;
    command.args(["--inference", &windows.to_string()]);
    let finished = process::run(command)?;
    let way = |line: Value| {
        let figure = |name: &str| line[name].as_f64();
        let (median, least, most) =
            (figure("milliseconds")?, figure("fastest")?, figure("slowest")?);
        Some((format!("{name}, {}", line["mode"].as_str()?), Spread { median, least, most }))
    };
    let ways: Vec<_> = finished.json().filter_map(|(_, line)| way(line)).collect();
    if ways.is_empty() {
        Err(format!("{name} reported no inference time").into())
    } else {
        Ok(ways)
    }
}

fn scaled(spread: Spread, by: f64) -> Spread {
    Spread { median: by * spread.median, least: by * spread.least, most: by * spread.most }
}

fn table(reference: &str, all: &[Predicted]) -> String {
    let rows = all.iter().map(|one| {
        let ours = all.iter().find(|other| other.cell == one.cell && other.name == reference);
        let figures = (0..WINDOWS.len()).flat_map(|size| match one.milliseconds[size] {
            Some(spread) => {
                let ours = ours.and_then(|ours| ours.milliseconds[size]).map(|ours| ours.median);
                [number(spread.median), spread.range(), ratio(spread.median, ours)]
            }
            None => ["-", "-", "-"].map(str::to_owned),
        });
        [one.cell.clone(), one.name.clone()].into_iter().chain(figures).collect()
    });
    let columns = [
        "cell",
        "program",
        "1 window, ms",
        "range",
        "to ours",
        "240 windows, ms",
        "range",
        "to ours",
    ];
    let table = markdown(&columns, 2, &rows.collect::<Vec<_>>());
    format!(
        "## Inference\n\n{table}\nMedian and range of a call after a warm-up, without gradients; \
         windows of 60 days. Ours and burn::nn: Criterion, over its samples.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_has_a_row() {
        let one = |name: &str, median| {
            let spread = Spread { median, least: 1.0, most: 9.0 };
            Predicted {
                cell: "gru".to_owned(),
                name: name.to_owned(),
                milliseconds: [Some(spread), None],
            }
        };
        let text = table("ours, ndarray", &[one("ours, ndarray", 2.0), one("Keras, eager", 300.0)]);
        assert!(
            text.lines().any(|line| line.contains("Keras, eager") && line.contains(" 150.00 ")),
            "{text}"
        );
    }
}
