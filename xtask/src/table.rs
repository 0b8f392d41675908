//! Markdown tables that are also readable as plain text, and the formats of their figures.

/// Formats a table from column names and rows. The first `left` columns hold names, the others
/// figures.
pub(crate) fn markdown(columns: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let longest =
        |index: usize| rows.iter().map(|row| row[index].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| longest(index).max(column.chars().count()).max(3))
        .collect();
    let line = |cell: &dyn Fn(usize, usize) -> String| {
        let cells: Vec<String> =
            widths.iter().enumerate().map(|(index, &width)| cell(index, width)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let padded = |text: &str, index, width| {
        if index < left { format!("{text:<width$}") } else { format!("{text:>width$}") }
    };
    let head = line(&|index, width| padded(columns[index], index, width));
    let rule = line(&|index, width| {
        if index < left { "-".repeat(width) } else { format!("{:->1$}", ":", width) }
    });
    let rows = rows.iter().map(|row| line(&|index, width| padded(&row[index], index, width)));
    head + &rule + &rows.collect::<String>()
}

/// Summary of several measurements: median, smallest and largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Summarises values; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        } else {
            sorted[middle]
        };
        Some(Self { median, least, most })
    }

    /// Smallest and largest value, for a table.
    pub(crate) fn range(&self) -> String {
        format!("{} to {}", number(self.least), number(self.most))
    }
}

/// A value with three significant digits.
pub(crate) fn number(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let digits = (2.0 - magnitude).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

/// A count with its noun, for example `1 seed` or `3 seeds`.
pub(crate) fn count(number: usize, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

/// Bytes in MiB, or a dash if unknown.
pub(crate) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes / (1 << 20)))
}

/// A time as a multiple of ours, or a dash if ours was not measured.
pub(crate) fn ratio(time: f64, ours: Option<f64>) -> String {
    ours.map_or_else(|| "-".to_owned(), |ours| format!("{:.2}", time / ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let text = markdown(
            &["cell", "s"],
            1,
            &[vec!["lstm".into(), "0.512".into()], vec!["rnn".into(), "12".into()]],
        );
        assert_eq!(
            text,
            "| cell |     s |\n| ---- | ----: |\n| lstm | 0.512 |\n| rnn  |    12 |\n"
        );
    }

    #[test]
    fn a_spread_has_the_median_and_both_ends() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(
            Spread::of([3.0, 1.0, 2.0]),
            Some(Spread { median: 2.0, least: 1.0, most: 3.0 })
        );
        assert_eq!(Spread::of([1.0, 4.0, 2.0, 3.0]).map(|spread| spread.median), Some(2.5));
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [0.01234, 1.234, 12.34, 123.4, 1234.0].map(number),
            ["0.0123", "1.23", "12.3", "123", "1234"]
        );
    }
}
