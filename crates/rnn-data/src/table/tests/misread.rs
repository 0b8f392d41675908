//! Dates that are easily misread: running numbers, unknown zones, dates in several columns.

use super::*;

fn texts(table: &Table) -> Vec<String> {
    table.times.iter().map(|time| format_time(*time)).collect()
}

fn date_column(content: &str) -> Option<String> {
    let file = with_file(content, |path| CsvFile::open(path, None));
    file.ok()?.columns().date_column().map(str::to_owned)
}

/// Rows of a running number, a second column and a value.
fn numbered(header: &str, from: u32, second: impl Fn(u32) -> String) -> String {
    let rows = (0..12).map(|row| format!("{},{},{}\n", from + row, second(row), 7 * row % 5));
    format!("{header}\n{}", rows.collect::<String>())
}

fn read_value(content: &str) -> Table {
    read(content, &["value"], &ReadOptions::default()).unwrap()
}

#[test]
fn running_numbers_are_no_spreadsheet_days() {
    let year = |row: u32| (1800 + row).to_string();
    for from in [1, 10_000, 30_000, 45_000] {
        let content = numbered("id,year,value", from, year);
        assert_eq!(date_column(&content).as_deref(), Some("year"), "{from}");
    }
    let price = |row: u32| (100 + row * row % 7).to_string();
    for from in [10_000, 18_628, 20_000, 30_000] {
        assert_eq!(date_column(&numbered("n,price,value", from, price)), None, "{from}");
    }
    assert_eq!(date_column(&numbered("n,price,value", 45_000, price)).as_deref(), Some("n"));
    let named = numbered("Datum,price,value", 30_000, price);
    assert_eq!(date_column(&named).as_deref(), Some("Datum"));
    assert_eq!(texts(&read_value(&named))[0], "1982-02-18");
    let early = numbered("Day,price,value", 10_000, price);
    assert_eq!(texts(&read_value(&early))[0], "1927-05-18");
}

#[test]
fn spreadsheet_days_without_a_format_have_a_warning() {
    let content = "Day,value\n43945,1\n43946,2\n43947,3\n";
    let warning = "numbers in `Day` are read as spreadsheet days, from 2020-04-24 on (set \
                   `date-format` to `excel`, or name another column with `date-column`)";
    assert_eq!(read_value(content).warnings[0].to_string(), warning);
    let comma = "Datum;value\n45028,0;1\n45028,5;2\n45029,0;3\n";
    assert_eq!(texts(&read_value(comma))[1], "2023-04-12 12:00");
    let date_format = Some("excel".to_owned());
    let options = ReadOptions { date_format, ..ReadOptions::default() };
    let table = read(content, &["value"], &options).unwrap();
    assert_eq!(table.warnings, []);
    assert_eq!(table.notes, ["dates in `Day` are spreadsheet days (1 is 1900-01-01)"]);
}

#[test]
fn an_unknown_zone_is_an_error_that_names_it() {
    for zone in ["[Mars/Base]", " Mars/Base", "+01:00[Mars/Base]"] {
        let content = format!("date,value\n2024-01-01 10:00{zone},1\n2024-01-01 11:00{zone},2\n");
        let text = message(content, &["value"], &ReadOptions::default());
        let expected = ", line 2, column `date`: expected a time zone such as Europe/Berlin, or an \
                        offset such as +01:00, got `Mars/Base` (correct the name of the zone)";
        assert_eq!(text, expected, "{zone}");
    }
    let known = "date,value\n2024-01-01 10:00 America/New_York,1\n2024-01-01 11:00[UTC],2\n";
    assert_eq!(read_value(known).rows(), 2);
}

#[test]
fn more_formats_of_days_quarters_and_weeks_are_read() {
    for (dates, first) in [
        (["2021.01.30", "2021.01.31"], "2021-01-30"),
        (["2021.01.30 09:30", "2021.01.30 09:31"], "2021-01-30 09:30"),
        (["30-Jan-2021", "31-Jan-2021"], "2021-01-30"),
        (["30-JAN-21", "31-JAN-21"], "2021-01-30"),
        (["Q1-60", "Q2-60"], "1960-01-01"),
        (["Q1 20", "Q2 20"], "2020-01-01"),
        (["2019-W2", "2019-W10"], "2019-01-07"),
        (["Jan-60", "Feb-60"], "1960-01-01"),
    ] {
        let content = format!("date,value\n{},1\n{},2\n", dates[0], dates[1]);
        assert_eq!(texts(&read_value(&content))[0], first, "{dates:?}");
    }
}

#[test]
fn the_unit_of_unix_times_may_change() {
    let content = "open_time,value\n1735689480000,1\n1735689540000,2\n1735689600000000,3\n\
                   1735689660000000,4\n";
    let table = read_value(content);
    assert_eq!(texts(&table)[1..3], ["2024-12-31 23:59", "2025-01-01"]);
    let notes =
        ["dates in `open_time` are Unix times of several units, in UTC", "rows are every minute"];
    assert_eq!(table.notes, notes);
    let wrong = "open_time,value\n1735689480000,1\n1735689540000,2\n17356896000,3\n";
    let text = message(wrong, &["value"], &ReadOptions::default());
    assert!(text.contains("line 4, column `open_time`: expected a number like"), "{text}");
}

#[test]
fn a_column_of_times_joins_the_column_of_days() {
    for (header, times) in [
        ("Date,Time,value", ["09:30", "09:35"]),
        ("Date,Time,value", ["09:30:00", "09:35:00"]),
        ("Datum,Uhrzeit,value", ["9:30", "9:35"]),
        ("Day,Time,value", ["09:30 AM", "09:35 AM"]),
    ] {
        let days = ["2024-01-02", "2024-01-02", "2024-01-03", "2024-01-03"];
        let rows = days.iter().zip(times.iter().cycle()).enumerate();
        let rows = rows.map(|(row, (day, time))| format!("{day},{time},{row}\n"));
        let content = format!("{header}\n{}", rows.collect::<String>());
        let expected =
            ["2024-01-02 09:30", "2024-01-02 09:35", "2024-01-03 09:30", "2024-01-03 09:35"];
        assert_eq!(texts(&read_value(&content)), expected, "{header} {times:?}");
        assert_eq!(open(&content).columns().measurements(), ["value"]);
    }
    let hours = "Date,Hour,value\n1/2/2024,0,5\n1/2/2024,1,6\n1/2/2024,2,7\n1/13/2024,23,7\n";
    assert_eq!(texts(&read_value(hours))[1..3], ["2024-01-02 01:00", "2024-01-02 02:00"]);
    let note = "read as dates from `Date`, `Hour`";
    assert_eq!(open(hours).note(), Some(note));
    let labels = "Date,Time,id,value\n2024-01-02,09:30,a,1\n2024-01-02,09:35,b,2\n\
                  2024-01-02,09:40,a,3\n2024-01-02,09:45,b,4\n";
    assert!(!open(labels).has_series(), "times repeat in no series");
}

#[test]
fn years_months_days_and_hours_are_joined() {
    let months = "Year,Month,value\n2023,11,1\n2023,12,2\n2024,1,3\n";
    assert_eq!(texts(&read_value(months)), ["2023-11-01", "2023-12-01", "2024-01-01"]);
    let names = "year,month,value\n2023,Nov,1\n2023,Dec,2\n2024,January,3\n";
    assert_eq!(texts(&read_value(names))[2], "2024-01-01");
    let hours = "No,year,month,day,hour,value\n1,2010,1,2,22,5\n2,2010,1,2,23,6\n3,2010,1,3,0,7\n";
    assert_eq!(texts(&read_value(hours)), ["2010-01-02 22:00", "2010-01-02 23:00", "2010-01-03"]);
    assert_eq!(open(hours).note(), Some("read as dates from `year`, `month`, `day`, `hour`"));
    let dated = "date,year,month,value\n2023-11-05,2023,11,1\n2023-11-06,2023,11,2\n";
    assert_eq!(open(dated).columns().date_column(), Some("date"));
}
