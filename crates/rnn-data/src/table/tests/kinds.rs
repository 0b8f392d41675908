//! Times as files have them: numbers, periods, zones, summer time.

use jiff::civil::{DateTime, date};

use super::*;

fn rows_of(dates: &[&str], options: &ReadOptions) -> Result<Table, DataError> {
    let rows: String =
        dates.iter().enumerate().map(|(row, date)| format!("\"{date}\",{row}\n")).collect();
    read(format!("date,open\n{rows}"), &["open"], options)
}

fn table(dates: &[&str]) -> Table {
    rows_of(dates, &ReadOptions::default()).unwrap_or_else(|error| panic!("{dates:?}: {error}"))
}

fn format(name: &str) -> ReadOptions {
    ReadOptions { date_format: Some(name.to_owned()), ..ReadOptions::default() }
}

fn texts(table: &Table) -> Vec<String> {
    table.times.iter().map(|time| format_time(*time)).collect()
}

/// Minutes that pass between rows.
fn minutes(table: &Table) -> Vec<i64> {
    let steady = table.clock.all_steady(&table.times).into_owned();
    steady.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_mins()).collect()
}

#[test]
fn counts_since_1970_and_spreadsheet_days_are_recognised_by_their_size() {
    let (first, second) = ("2020-04-24", "2020-04-24 00:01");
    for (dates, note) in [
        (["1587686400", "1587686460"], "Unix seconds, times in UTC"),
        (["1587686400.0", "1587686460.0"], "Unix seconds, times in UTC"),
        (["1587686400000", "1587686460000"], "Unix milliseconds, times in UTC"),
        (["1587686400000000", "1587686460000000"], "Unix microseconds, times in UTC"),
        (["1587686400000000000", "1587686460000000000"], "Unix nanoseconds, times in UTC"),
        (["43945,0", "43945,0006944444"], "spreadsheet days (1 is 1900-01-01)"),
        (["43945", "43945.0006944444"], "spreadsheet days (1 is 1900-01-01)"),
    ] {
        let table = table(&dates);
        assert_eq!(texts(&table), [first, second], "{dates:?}");
        assert_eq!(table.notes, [format!("dates in `date` are {note}")]);
        assert_eq!(table.column("open").unwrap(), [0.0, 1.0]);
    }
    let parts = table(&["1587686400500", "1587686400750"]);
    assert_eq!(texts(&parts), ["2020-04-24 00:00:00.5", "2020-04-24 00:00:00.75"]);
    let newest = table(&["1587686520", "1587686460", "1587686400"]);
    assert_eq!(newest.column("open").unwrap(), [2.0, 1.0, 0.0], "newest first");
}

#[test]
fn years_and_digits_of_dates_are_no_counts() {
    assert_eq!(
        texts(&table(&["1990", "1991", "1992"])),
        ["1990-01-01", "1991-01-01", "1992-01-01"]
    );
    assert_eq!(texts(&table(&["20200424", "20200425"])), ["2020-04-24", "2020-04-25"]);
    assert_eq!(texts(&table(&["202003", "202004"])), ["2020-03-01", "2020-04-01"]);
    assert_eq!(
        texts(&table(&["202004241459", "202004241500"])),
        ["2020-04-24 14:59", "2020-04-24 15:00"]
    );
    assert_eq!(
        texts(&table(&["20200424145901", "20200424150000"])),
        ["2020-04-24 14:59:01", "2020-04-24 15:00"]
    );
    assert!(table(&["20200424", "20200425"]).notes.is_empty(), "plain dates need no note");
}

#[test]
fn implausible_counts_need_their_format() {
    for (dates, name, first) in [
        (["0", "60"], "unix-s", "1970-01-01"),
        (["5000000000", "5000000060"], "unix-s", "2128-06-11 08:53:20"),
        (["1", "61"], "excel", "1900-01-01"),
        (["1000", "2000"], "unix-ms", "1970-01-01 00:00:01"),
        (["20200424", "20200425"], "unix-s", "1970-08-22 19:13:44"),
        (["43945", "43946"], "unix-s", "1970-01-01 12:12:25"),
    ] {
        let table = rows_of(&dates, &format(name)).unwrap();
        assert_eq!(texts(&table)[0], first, "{dates:?} {name}");
    }
    let text = rows_of(&["0", "60"], &ReadOptions::default()).unwrap_err().to_string();
    assert!(
        text.ends_with(
            "expected a date like 2020-04-24, got `0` (name another format with `date-format`, or \
             another column with `date-column`)"
        ),
        "{text}"
    );
    let text = rows_of(&["0"], &format("unix")).unwrap_err().to_string();
    let names = "%Y-%m-%d, unix-s, unix-ms, unix-us, unix-ns, excel, quarter, month, week, year";
    assert!(text.contains(&format!("but formats are patterns like {names}, got `0`")), "{text}");
    let text = rows_of(&["2020-04-24"], &format("unix-ms")).unwrap_err().to_string();
    assert!(text.contains("expected a number like 1587686400000 (unix-ms), got `2020-04-24`"));
}

#[test]
fn a_column_of_counts_is_found_if_it_rises() {
    let file = open("price,moment\n7,1587686400\n9,1587686460\n8,1587686520\n");
    assert_eq!(file.columns().date_column(), Some("moment"));
    assert_eq!(file.columns().measurements(), ["price"]);
    let years = open("Year,Rain\n1990,7\n1991,9\n1992,4\n");
    assert_eq!(years.columns().date_column(), Some("Year"));
    let none =
        with_file("volume,price\n1990,1\n1985,2\n1991,3\n", |path| CsvFile::open(path, None));
    assert!(none.unwrap_err().to_string().contains("no column of dates"), "numbers without order");
}

#[test]
fn periods_are_their_first_days() {
    for (dates, expected) in [
        (["1970Q1", "1970Q2"], ["1970-01-01", "1970-04-01"]),
        (["1970-Q4", "1971-Q1"], ["1970-10-01", "1971-01-01"]),
        (["Q3 1970", "Q4 1970"], ["1970-07-01", "1970-10-01"]),
        (["1Q1970", "2Q1970"], ["1970-01-01", "1970-04-01"]),
        (["1970年第1季度", "1970年第2季度"], ["1970-01-01", "1970-04-01"]),
        (["1970-01", "1970-02"], ["1970-01-01", "1970-02-01"]),
        (["Jan 1970", "Feb 1970"], ["1970-01-01", "1970-02-01"]),
        (["Jan-70", "Feb-70"], ["1970-01-01", "1970-02-01"]),
        (["December 1970", "January 1971"], ["1970-12-01", "1971-01-01"]),
        (["1970M01", "1970M02"], ["1970-01-01", "1970-02-01"]),
        (["1970-M01", "1970-M02"], ["1970-01-01", "1970-02-01"]),
        (["1970/01", "1970/02"], ["1970-01-01", "1970-02-01"]),
        (["12/1970", "01/1971"], ["1970-12-01", "1971-01-01"]),
        (["1970年1月", "1970年2月"], ["1970-01-01", "1970-02-01"]),
        (["2020-W05", "2020-W06"], ["2020-01-27", "2020-02-03"]),
        (["2020W53", "2021W01"], ["2020-12-28", "2021-01-04"]),
        (["2020-W05-7", "2020-W06-7"], ["2020-02-02", "2020-02-09"]),
        (["1970", "1971"], ["1970-01-01", "1971-01-01"]),
    ] {
        assert_eq!(texts(&table(&dates)), expected, "{dates:?}");
    }
    assert_eq!(table(&["1970Q1"]).notes, ["dates in `date` are quarters, as their first days"]);
    assert_eq!(table(&["2020-W05"]).notes, ["dates in `date` are ISO weeks, as their first days"]);
    for wrong in ["1970Q5", "1970Q0", "2021-W54", "1970M13", "Foo 1970", "Q 1970", "W05"] {
        assert!(rows_of(&[wrong], &ReadOptions::default()).is_err(), "{wrong}");
    }
    let year = rows_of(&["1066"], &format("year"));
    assert!(year.is_err(), "a year before 1500 has a pattern of its own");
}

#[test]
fn local_times_are_kept_and_the_instants_give_the_order() {
    let summer =
        ["2024-03-31T01:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00"];
    assert_eq!(
        texts(&table(&summer)),
        ["2024-03-31 01:30", "2024-03-31 03:00", "2024-03-31 03:30"]
    );
    assert_eq!(minutes(&table(&summer)), [30, 30]);
    let winter = ["2024-10-27 02:30 CEST", "2024-10-27 02:00 CET", "2024-10-27 02:30 CET"];
    assert_eq!(minutes(&table(&winter)), [30, 30]);
    let mut newest_first = winter;
    newest_first.reverse();
    let reversed = table(&newest_first);
    assert_eq!(texts(&reversed), ["2024-10-27 02:30", "2024-10-27 02:00", "2024-10-27 02:30"]);
    assert_eq!((minutes(&reversed), reversed.column("open").unwrap()[0]), (vec![30, 30], 2.0));
    for zoned in [
        ["2024-10-27T02:30:00+02:00[Europe/Berlin]", "2024-10-27T02:00:00+01:00[Europe/Berlin]"],
        ["2024-10-27 02:30 +0200", "2024-10-27 02:00 +0100"],
        ["10/27/2024 02:30 AM CEST", "10/27/2024 02:00 AM CET"],
        ["27.10.2024 02:30:00 UTC+2", "27.10.2024 02:00:00 UTC+1"],
        ["2024-10-27T00:30:00Z", "2024-10-27T02:00:00+01:00"],
    ] {
        assert_eq!(minutes(&table(&zoned)), [30], "{zoned:?}");
    }
    let text = rows_of(&["2024-10-27 02:30 CET", "2024-10-27 02:00 CET"], &ReadOptions::default());
    assert!(text.unwrap_err().to_string().contains("after 2024-10-27 02:30, the row before"));
}

#[test]
fn widely_different_offsets_are_read_in_utc() {
    let table = table(&["2024-01-01T08:00:00+08:00", "2024-01-01T01:00:00Z"]);
    assert_eq!(texts(&table), ["2024-01-01", "2024-01-01 01:00"]);
    assert_eq!(table.notes, ["the offsets of the times differ widely; all are read in UTC"]);
}

#[test]
fn the_doubled_hour_of_summer_time_is_kept_in_order_without_offsets() {
    let night = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"];
    let doubled = |day: &str| {
        let dates: Vec<String> = night.iter().map(|time| format!("{day} {time}")).collect();
        rows_of(&dates.iter().map(String::as_str).collect::<Vec<_>>(), &ReadOptions::default())
    };
    let table = doubled("2024-10-27").unwrap();
    assert_eq!(table.times.iter().map(|time| time.hour()).collect::<Vec<_>>(), [1, 2, 2, 2, 2, 3]);
    assert_eq!(minutes(&table), [30; 5]);
    assert_eq!(table.column("open").unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let hourly = ["2024-11-03 00:00", "2024-11-03 01:00", "2024-11-03 01:00", "2024-11-03 02:00"];
    assert_eq!(minutes(&self::table(&hourly)), [60; 3], "in America at one");
    let half = ["2024-04-07 01:00", "2024-04-07 01:30", "2024-04-07 01:30", "2024-04-07 02:00"];
    assert_eq!(minutes(&self::table(&half)), [30; 3], "on Lord Howe Island by half an hour");
    for (day, why) in [("2024-10-28", "a Monday"), ("2024-07-28", "in July")] {
        let text = doubled(day).unwrap_err().to_string();
        assert!(
            text.contains(&format!("line 5, column `date`: expected a date after {day} 02:30"))
        );
        assert!(text.contains("got `"), "{why}: {text}");
    }
    let back = ["2024-10-27 02:00", "2024-10-27 03:00", "2024-10-27 00:30", "2024-10-27 01:30"];
    assert!(rows_of(&back, &ReadOptions::default()).is_err(), "more than an hour");
}

#[test]
fn the_missing_hour_of_summer_time_is_no_gap() {
    let night = ["2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"];
    assert_eq!(minutes(&table(&night)), [60; 3]);
    let day = ["2024-03-31 10:00", "2024-03-31 11:00", "2024-03-31 13:00", "2024-03-31 14:00"];
    assert_eq!(minutes(&table(&day)), [60, 120, 60], "a lost row");
}

#[test]
fn times_in_memory_may_have_a_doubled_hour() {
    let hour = |hour: i8| date(2024, 10, 27).at(hour, 0, 0, 0);
    let times: Vec<DateTime> = [1, 2, 2, 3].map(hour).to_vec();
    let table = Table::from_columns("m", times, [("x", vec![1.0, 2.0, 3.0, 4.0])]).unwrap();
    assert_eq!(minutes(&table), [60; 3]);
}
