//! The fourth table: whole processes from start to end, with imports, reading of data, evaluation and everything written.

use super::{
    Effort, child,
    program::{Cell, Program, Setup},
    spread::{Spread, count, mebibytes, number, ratio},
    table::markdown,
    turns::Turns,
};
use crate::shell::Result;

/// Runs ours and those of other frameworks in turn.
pub(super) fn run(setup: &Setup, effort: &Effort) -> Result<String> {
    let programs: Vec<Program> = std::iter::once(setup.reference()).chain(setup.frameworks.iter().copied()).collect();
    let order: Vec<usize> = (0..effort.rounds).flat_map(|_| 0..programs.len()).collect();
    let mut turns = Turns::new("whole", order.iter().map(|&index| programs[index].name()).collect());
    let mut seconds = vec![Vec::new(); programs.len()];
    let mut peaks = vec![None; programs.len()];
    for index in order {
        let command = programs[index].train(setup, Cell::Lstm, effort.whole_epochs)?;
        let finished = turns.take(|| child::run(command))?;
        seconds[index].push(finished.seconds);
        peaks[index] = peaks[index].max(finished.peak);
    }
    let spreads: Vec<Option<Spread>> = seconds.iter().map(|seconds| Spread::of(seconds)).collect();
    let ours = spreads[0].map(|spread| spread.median);
    let row = |(index, spread): (usize, Option<Spread>)| {
        let (name, spread) = (programs[index].name(), spread?);
        Some(vec![name, number(spread.median), spread.range(), ratio(spread.median, ours), mebibytes(peaks[index])])
    };
    let rows: Vec<Vec<String>> = spreads.into_iter().enumerate().filter_map(row).collect();
    Ok(format!(
        "## Whole processes\n\n{}\nstock-lstm, {}, median of {} in turn, start-up, evaluation and files included.\n{}",
        markdown(&["program", "s", "range", "to ours", "peak memory"], 1, &rows),
        count(effort.whole_epochs, "epoch"),
        count(effort.rounds, "run"),
        turns.warning()
    ))
}
