//! The third table: how the cost of a layer's step grows with steps, units and batch.

use super::{
    Effort, child,
    program::{Cell, Program, Setup},
    spread::number,
    table::markdown,
    turns::Turns,
};
use crate::shell::Result;

const AXES: [(&str, &str); 3] = [("T", "steps"), ("H", "hidden units"), ("B", "batch")];

/// One point of a range.
struct Point {
    cell: Cell,
    program: Program,
    axis: String,
    value: u64,
    milliseconds: f64,
    /// Nanoseconds per B*T*H*(I+H): even where cost grows with the work alone.
    of_work: f64,
}

/// Measures our layers on all backends and, beside a GPU, PyTorch's on CUDA.
pub(super) fn run(setup: &Setup, effort: &Effort) -> Result<String> {
    let mut programs: Vec<Program> = setup.backends.iter().copied().map(Program::Ours).collect();
    programs.extend(setup.frameworks.iter().copied().filter(|_| setup.on_gpu()));
    let order: Vec<(Cell, Program)> = effort.cells.iter().flat_map(|&cell| programs.iter().map(move |&program| (cell, program))).collect();
    let mut turns = Turns::new("growth", order.iter().map(|(cell, program)| format!("{}, {}", cell.name(), program.name())).collect());
    let mut points = Vec::new();
    for (cell, program) in order {
        let mut command = program.grow(setup, cell, effort.repeats)?;
        if effort.quick {
            command.arg("--quick");
        }
        for line in turns.take(|| child::run(command))?.lines() {
            points.push(Point {
                cell,
                program,
                axis: line["axis"].as_str().unwrap_or_default().to_owned(),
                value: line["value"].as_u64().unwrap_or_default(),
                milliseconds: line["milliseconds"].as_f64().unwrap_or(f64::NAN),
                of_work: line["nanoseconds_per_unit_of_work"].as_f64().unwrap_or(f64::NAN),
            });
        }
    }
    let tables = AXES.map(|(axis, name)| table(&points, axis, name));
    Ok(format!(
        "## Growth\n\n{}\nMilliseconds a step of one layer, forward and backward (median of at least 10, fewer with --quick), around \
         B=64 T=60 I=80 H=100. In brackets nanoseconds per B*T*H*(I+H).\n{}",
        tables.join("\n"),
        turns.warning()
    ))
}

fn table(points: &[Point], axis: &str, name: &str) -> String {
    let points: Vec<&Point> = points.iter().filter(|point| point.axis == axis).collect();
    let mut values: Vec<u64> = points.iter().map(|point| point.value).collect();
    values.sort_unstable();
    values.dedup();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for point in points {
        let title = [point.cell.name().to_owned(), point.program.name()];
        if rows.last().is_none_or(|row| row[..2] != title) {
            rows.push(title.into_iter().chain(values.iter().map(|_| "-".to_owned())).collect());
        }
        if let (Some(row), Ok(place)) = (rows.last_mut(), values.binary_search(&point.value)) {
            row[2 + place] = format!("{} ({})", number(point.milliseconds), number(point.of_work));
        }
    }
    let heads: Vec<String> = values.iter().map(|value| format!("{axis}={value}")).collect();
    let columns: Vec<&str> = ["cell", "program"].into_iter().chain(heads.iter().map(String::as_str)).collect();
    format!("{axis}, {name}:\n\n{}", markdown(&columns, 2, &rows))
}

#[cfg(test)]
mod tests {
    use super::{super::program::Backend, *};

    #[test]
    fn a_range_is_a_row() {
        let point = |value, milliseconds| Point {
            cell: Cell::Lstm,
            program: Program::Ours(Backend::Flex),
            axis: "T".to_owned(),
            value,
            milliseconds,
            of_work: 0.25,
        };
        let text = table(&[point(60, 14.0), point(960, 224.0)], "T", "steps");
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.contains("| lstm | ours, flex | 14.0 (0.250) | 224 (0.250) |"), "{text}");
    }
}
