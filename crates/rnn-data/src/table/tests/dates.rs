use jiff::civil::{DateTime, date};

use super::*;

fn times_of(dates: &[&str], options: &ReadOptions) -> Result<Table, DataError> {
    // Quoted, as some hold commas.
    let rows: String = dates.iter().map(|date| format!("\"{date}\",1\n")).collect();
    read(format!("date,open\n{rows}"), &["open"], options)
}

fn times(dates: &[&str]) -> Vec<DateTime> {
    times_of(dates, &ReadOptions::default()).unwrap().times
}

fn problem(dates: &[&str], options: &ReadOptions) -> String {
    let text = times_of(dates, options).unwrap_err().to_string();
    text.split_once(".csv, ").unwrap().1.to_owned()
}

fn format(pattern: &str) -> ReadOptions {
    ReadOptions { date_format: Some(pattern.to_owned()), ..ReadOptions::default() }
}

#[test]
fn dates_are_read_in_common_formats() {
    for text in [
        "2020-04-24",
        "2020/04/24",
        "2020/4/24",
        "20200424",
        "24.04.2020",
        "24.4.2020",
        "4/24/2020",
        "24/04/2020",
        "24-04-2020",
        "04-24-2020",
        "Apr 24, 2020",
        "24 Apr 2020",
        "2020年4月24日",
        "04/24/20",
        "24/04/20",
    ] {
        assert_eq!(times(&[text]), [date(2020, 4, 24).into()], "{text}");
        if text != "20200424" {
            assert_eq!(
                times(&[&format!("{text} 15:30")]),
                [date(2020, 4, 24).at(15, 30, 0, 0)],
                "{text}"
            );
            let afternoon = times(&[&format!("{text} 03:30 PM")]);
            assert_eq!(afternoon, [date(2020, 4, 24).at(15, 30, 0, 0)], "{text}");
            assert_eq!(
                times(&[&format!("{text} 15:30:59")]),
                [date(2020, 4, 24).at(15, 30, 59, 0)],
                "{text}"
            );
        }
    }
}

#[test]
fn iso_dates_may_have_a_time_an_offset_or_no_day() {
    for text in [
        "2020-04-24T15:00",
        "2020-04-24 15:00:00",
        "2020-04-24T15:00:00Z",
        "2020-04-24 15:00:00+00:00",
        "2020-04-24T15:00:00+08:00",
    ] {
        assert_eq!(times(&[text]), [date(2020, 4, 24).at(15, 0, 0, 0)], "{text}");
    }
    assert_eq!(times(&["1949-12", "1950-01"]), [date(1949, 12, 1).into(), date(1950, 1, 1).into()]);
    assert_eq!(
        times(&["2020-04-24", "2020-04-24 15:00:00.5"])[1],
        date(2020, 4, 24).at(15, 0, 0, 500_000_000)
    );
}

#[test]
fn days_after_the_twelfth_or_the_order_decide_between_day_and_month() {
    assert_eq!(times(&["01/02/2020", "13/02/2020"])[0], date(2020, 2, 1).into());
    assert_eq!(times(&["01/02/2020", "01/13/2020"])[0], date(2020, 1, 2).into());
    assert_eq!(
        times(&["01/12/2020", "02/01/2020"])[0],
        date(2020, 1, 12).into(),
        "the other reading is out of order"
    );
    assert_eq!(times(&["01/01/2020"]), [date(2020, 1, 1).into()], "both readings are the same");
}

#[test]
fn ambiguous_dates_need_a_format() {
    for (dates, month_first, day_first) in [
        (["01/02/2020", "01/03/2020"], "%m/%d/%Y", "%d/%m/%Y"),
        (["01-02-2020", "01-03-2020"], "%m-%d-%Y", "%d-%m-%Y"),
        (["01/02/20", "01/03/20"], "%m/%d/%y", "%d/%m/%y"),
    ] {
        let text = problem(&dates, &ReadOptions::default());
        assert!(
            text.starts_with("column `date`: the dates can be read as %")
                && text.contains(month_first),
            "{text}"
        );
        assert!(
            text.contains(day_first) && text.ends_with(" (choose one with `date-format`)"),
            "{text}"
        );
        assert_eq!(
            times_of(&dates, &format(month_first)).unwrap().times[0],
            date(2020, 1, 2).into()
        );
        assert_eq!(times_of(&dates, &format(day_first)).unwrap().times[0], date(2020, 2, 1).into());
    }
}

#[test]
fn a_date_format_is_a_strftime_pattern() {
    for (pattern, text, hour) in [
        ("%A, %d %B %Y", "Friday, 24 April 2020", 0),
        ("%d.%m.%Y %k", "24.04.2020 7", 7),
        ("%m/%d/%Y %I:%M %p", "4/24/2020 3:00 PM", 15),
        ("%Y%m%d%H%M", "202004241500", 15),
    ] {
        assert_eq!(
            times_of(&[text], &format(pattern)).unwrap().times,
            [date(2020, 4, 24).at(hour, 0, 0, 0)],
            "{pattern}"
        );
    }
}

#[test]
fn a_malformed_date_is_an_error_with_an_example() {
    let default = ReadOptions::default();
    let problem = |dates: &[&str], options: &ReadOptions| {
        let text = problem(dates, options);
        let advice = " (name another format with `date-format`, or another column with \
                      `date-column`)";
        text.strip_suffix(advice).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert_eq!(
        problem(&["x"], &default),
        "line 2, column `date`: expected a date like 2020-04-24, got `x`"
    );
    assert_eq!(
        problem(&["2020-04-24", ""], &default),
        "line 3, column `date`: expected a date like 2020-04-24, got ``"
    );
    assert_eq!(
        problem(&["2020-04-24", "03.01.2020"], &default),
        "line 3, column `date`: expected a date like 2020-04-24, got `03.01.2020`"
    );
    assert_eq!(
        problem(&["24.04.2020", "2020-04-25"], &default),
        "line 3, column `date`: expected a date like 24.04.2020, got `2020-04-25`"
    );
    assert_eq!(
        problem(&["2020-02-30"], &default),
        "line 2, column `date`: expected a date like 2020-04-24, got `2020-02-30`"
    );
    let wanted = problem(&["2020-04-24"], &format("%d.%m.%Y %H:%M"));
    assert_eq!(
        wanted,
        "line 2, column `date`: expected a date like 24.04.2020 15:30, got `2020-04-24`"
    );
    let no_format = problem(&["2020-04-24"], &format("%E"));
    assert_eq!(
        no_format,
        "line 2, column `date`: expected a date of the format %E, got `2020-04-24`"
    );
}

#[test]
fn a_file_may_have_its_newest_row_first() {
    let content = "date,open\n2020-01-04,3\n2020-01-03,\n2020-01-02,1\n";
    let options = ReadOptions { fill: Fill::Forward, ..ReadOptions::default() };
    let table = read(content, &["open"], &options).unwrap();
    assert_eq!(
        table.column("open").unwrap(),
        [1.0, 1.0, 3.0],
        "filled with the value before in time"
    );
    assert_eq!((table.times[0], line(&table, 0), line(&table, 2)), (date(2020, 1, 2).into(), 4, 2));
    assert_eq!(
        table.warnings,
        [
            Warning::NewestFirst,
            Warning::Filled { column: "open".to_owned(), count: 1, fill: Fill::Forward }
        ]
    );
    assert_eq!(table.warnings[0].to_string(), "the newest row comes first; the rows were reversed");
}

#[test]
fn a_date_that_repeats_or_goes_back_is_an_error() {
    let default = ReadOptions::default();
    let (january, expected) =
        (["2020-01-02", "2020-01-03", "2020-01-04"], "line 3, column `date`: expected a date");
    let fix = "(sort the rows, and keep one per time; or name the column of several series with \
               `series-column`)";
    let [second, third, fourth] = january;
    for (dates, problem_text) in [
        (
            vec![second, second],
            format!("{expected} after {second}, the row before, got `{second}`"),
        ),
        (vec![third, second], format!("{expected} after {third}, the row before, got `{second}`")),
        (
            vec![third, second, fourth],
            format!("{expected} after {third}, the row before, got `{second}`"),
        ),
        (
            vec![fourth, fourth, third, second],
            format!("{expected} before {fourth}, the row before, got `{fourth}`"),
        ),
    ] {
        assert_eq!(problem(&dates, &default), format!("{problem_text} {fix}"));
    }
    let hours = problem(&["2020-01-02 15:00", "2020-01-02 14:00"], &default);
    assert_eq!(
        hours,
        format!("{expected} after 2020-01-02 15:00, the row before, got `2020-01-02 14:00` {fix}")
    );
}

#[test]
fn rows_count_from_the_first_to_the_last_time() {
    let days = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"];
    let within = |from: Option<DateTime>, until: Option<DateTime>| {
        times_of(&days, &ReadOptions { from, until, ..ReadOptions::default() })
    };
    let day = |day: i8| Some(date(2020, 1, day).into());
    let kept = |from, until| {
        within(from, until).unwrap().times.iter().map(|time| time.day()).collect::<Vec<_>>()
    };
    assert_eq!(kept(None, None), [2, 3, 6, 7]);
    assert_eq!(kept(day(3), day(6)), [3, 6], "both ends are included");
    assert_eq!(kept(day(4), None), [6, 7]);
    assert_eq!(kept(None, day(5)), [2, 3]);
    assert_eq!(within(day(3), None).unwrap().place(0), Place::Line(3));
    for (from, until, asked) in [
        (day(4), day(5), "from 2020-01-04 to 2020-01-05"),
        (day(8), None, "from 2020-01-08 on"),
        (None, day(1), "up to 2020-01-01"),
        (day(7), day(2), "from 2020-01-07 to 2020-01-02"),
    ] {
        let text = within(from, until).unwrap_err().to_string();
        assert!(
            text.ends_with(&format!(
                ".csv: no rows {asked}; its rows are from 2020-01-02 to 2020-01-07 (choose other \
                 dates)"
            )),
            "{text}"
        );
    }
    let empty = message("date,open\n", &["open"], &ReadOptions::default());
    assert_eq!(empty, ": has no rows (add one per date)");
}

#[test]
fn times_are_formatted_in_their_shortest_form() {
    let day = date(2020, 4, 24);
    assert_eq!(format_time(day.at(15, 30, 5, 0)), "2020-04-24 15:30:05");
    assert_eq!(format_time(day.at(0, 0, 5, 500_000_000)), "2020-04-24 00:00:05.5");
}

#[test]
fn a_decimal_number_is_no_time() {
    let is_time = super::times::Times::is_time;
    for text in ["12.5", "-3.25", "2020.04", "20200424.5", "1.", ".5", "1e5", "12", "", "word"] {
        assert!(!is_time(text), "{text}");
    }
    for text in [
        "2020.04.24",
        "24.04.2020",
        "2020-04",
        "20200424",
        "1970Q1",
        "2024-03-31 01:30:00[America/Argentina/ComodRivadavia]",
    ] {
        assert!(is_time(text), "{text}");
    }
}
