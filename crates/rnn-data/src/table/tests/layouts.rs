//! Rows around a table, and separators.

use super::{
    files::{plain, refused, same_as_plain},
    *,
};

#[test]
fn properties_before_the_header_are_skipped() {
    let header = "latitude,longitude,zone\n52.52,13.42,GMT\n\n";
    same_as_plain(format!("{header}{}", plain()), "read as 3 lines before the header skipped");
    let header = "a,b,zone,name\n52.52,13.42,GMT,x\n\n";
    same_as_plain(format!("{header}{}", plain()), "read as 3 lines before the header skipped");
    let header = "Latitude,52.5\nLongitude,13.4\n\n";
    same_as_plain(format!("{header}{}", plain()), "read as 3 lines before the header skipped");
}

#[test]
fn a_row_of_units_is_skipped() {
    let note = "read as a row of units below the header skipped";
    for units in [",USD,USD,", "TS,USD,USD,pieces", "(UTC),$,$,"] {
        let text = plain().replacen('\n', &format!("\n{units}\n"), 1);
        same_as_plain(text, note);
    }
    let bad = plain().replacen('\n', "\nsoon,USD,USD,1\n", 1);
    assert!(refused(bad).contains("line 2, column `date`"), "a bad date is no row of units");
}

#[test]
fn sums_after_the_last_row_are_skipped() {
    for last in ["Total,1,2,3", "Grand Total,1,2,3", "合计,1,2,3"] {
        let text = format!("{}{last}\n", plain());
        same_as_plain(&text, "");
        let table = read(&text, &["open"], &ReadOptions::default()).unwrap();
        assert_eq!(table.warnings, [Warning::Footer { rows: 1, first: Place::Line(12) }]);
    }
    let middle = plain().replace("2020-01-06,", "Total,1,2,3\n2020-01-06,");
    assert!(refused(middle).contains("line 4, column `date`"));
}

#[test]
fn an_empty_cell_after_every_row_is_ignored() {
    let text = plain().replace('\n', ",\n").replacen(",\n", "\n", 1);
    same_as_plain(&text, "");
    let text = text.replace(',', ";");
    same_as_plain(&text, "read as `;`-separated");
    let filled = text.replacen("1500000;", "1500000;5", 1);
    assert!(refused(filled).contains("line 2: expected 4 values as in the header, got 5"));
}

#[test]
fn bars_separate_cells() {
    same_as_plain(plain().replace(',', "|"), "read as `|`-separated");
}
