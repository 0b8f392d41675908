//! Markdown tables that also read well as plain text.

/// A table: column names and rows. The first `left` columns hold names, the others figures.
pub(super) fn markdown(columns: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| rows.iter().map(|row| row[index].chars().count()).chain([column.chars().count(), 3]).max().unwrap_or(3))
        .collect();
    let line = |cells: Vec<&str>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(index, (cell, &width))| if index < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(
        |(index, &width)| {
            if index < left { "-".repeat(width) } else { format!("{}:", "-".repeat(width - 1)) }
        },
    );
    let rule = rule.collect::<Vec<_>>();
    let mut text = line(columns.to_vec()) + &line(rule.iter().map(String::as_str).collect());
    rows.iter().for_each(|row| text += &line(row.iter().map(String::as_str).collect()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let text = markdown(&["cell", "s"], 1, &[vec!["lstm".into(), "0.512".into()], vec!["rnn".into(), "12".into()]]);
        assert_eq!(text, "| cell |     s |\n| ---- | ----: |\n| lstm | 0.512 |\n| rnn  |    12 |\n");
    }
}
