//! Plain-text tables.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

/// The cells of a row as text.
macro_rules! cells {
    ($($cell:expr),* $(,)?) => { vec![$($cell.to_string()),*] };
}
pub(crate) use cells;

/// Formats a table without rules; the first row is the header. `sides` aligns each column: `<`
/// left, `>` right.
pub(crate) fn table(sides: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).add_rows(rows);
    for (column, side) in table.column_iter_mut().zip(sides.chars()) {
        if side == '>' {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [cells!["name", "RMSE"], cells!["last open", 1.5], cells!["", "12.25"]];
        assert_eq!(table("<>", rows), " name        RMSE\n last open    1.5\n            12.25");
    }
}
