//! Malformed and unusual files. They are read if possible, else refused quickly, in little memory
//! and with the place of the problem.

use std::{
    fmt::Write,
    fs::{self, File},
    time::{Duration, Instant},
};

use crate::support::{Scratch, bars, bars_as, quick};

const MEGABYTE: usize = 1 << 20;

/// Encodes a text as UTF-16, with either byte order.
fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
}

/// Bars with a column of notes and one given note.
fn with_note(note: &str) -> String {
    let rows = bars(200);
    let line = |(row, line): (usize, &str)| match row {
        0 => format!("{line},note\n"),
        100 => format!("{line},{note}\n"),
        _ => format!("{line},\n"),
    };
    rows.lines().enumerate().map(line).collect()
}

/// A table with many numeric columns.
fn wide(columns: usize, rows: usize) -> String {
    let mut text = "date".to_owned();
    (0..columns).for_each(|column| write!(text, ",c{column}").unwrap());
    for (row, date) in crate::support::business_days().take(rows).enumerate() {
        write!(text, "\n{date}").unwrap();
        (0..columns).for_each(|column| write!(text, ",{}", (row * 7 + column) % 13).unwrap());
    }
    text
}

#[test]
fn byte_order_marks_line_ends_and_quotes_make_no_difference() {
    let scratch = Scratch::new();
    let plain = bars(200);
    scratch.file("plain.csv", &plain);
    scratch.train("series", &["--data", "plain.csv", "--features", "open", "--target", "open"]);
    let loss =
        |scratch: &Scratch| scratch.read_csv("series", "metrics.csv").1.last().unwrap()[1].clone();
    let expected = loss(&scratch);
    let quoted = with_note("\"message: \"\"buy\"\",\n\n and left, 1.5\r\n\"");
    let chinese = bars_as(["日期", "开盘", "收盘", "成交量"], ',', "%Y年%m月%d日", 200);
    for (name, text) in [
        ("mark", format!("\u{feff}{plain}")),
        ("windows", plain.replace('\n', "\r\n")),
        ("old-mac", plain.replace('\n', "\r")),
        ("mark and windows", format!("\u{feff}{}", plain.replace('\n', "\r\n"))),
        ("quoted newlines", quoted),
        ("a note of ten megabytes", with_note(&format!("\"{}\"", "茅台,\n".repeat(MEGABYTE)))),
        ("chinese names", chinese),
    ] {
        let data = scratch.file("data.csv", text);
        scratch.train(
            "series",
            &["--data", &data, "--features", "open", "--target", "open", "--fresh"],
        );
        assert_eq!(loss(&scratch), expected, "{name}");
    }
}

#[test]
fn errors_have_the_right_line_for_every_line_ending() {
    let scratch = Scratch::new();
    let mut lines: Vec<String> = bars(200).lines().map(str::to_owned).collect();
    lines[150] = lines[150].replacen(',', ",x", 1);
    for end in ["\n", "\r\n", "\r"] {
        let data = scratch.file("broken.csv", lines.join(end));
        scratch.fails(
            &quick(&["train", "series"], &["--data", &data]),
            1,
            "broken.csv, line 151, column `open`: expected a finite number",
        );
    }
}

#[test]
fn damaged_text_is_refused_with_its_line() {
    let scratch = Scratch::new();
    let plain = bars(200);
    let nul = plain.replacen("2020-01-06", "2020\u{0}01-06", 1);
    let not_utf8 = [plain.as_bytes(), b"2021-01-01,\xff,1,1\n"].concat();
    let open_quote =
        plain.replacen("2020-01-06,", "2020-01-06,\"", 1) + &"\n2030-01-01,1,2,3".repeat(MEGABYTE);
    for (name, bytes, expected) in [
        (
            "nul",
            nul.into_bytes(),
            "line 5: expected text, got a NUL byte, as in UTF-16 or a damaged file (set --encoding",
        ),
        (
            "latin",
            not_utf8,
            "line 202, column `open`: expected a finite number, got `ÿ` (correct the value",
        ),
        (
            "open quote",
            open_quote.into_bytes(),
            "line 5: expected one row per line, got a row of more than 12 MiB",
        ),
        ("empty", Vec::new(), "line 1: the file is empty"),
    ] {
        let data = scratch.file("data.csv", bytes);
        let finished = scratch.run(&quick(&["train", "series"], &["--data", &data]));
        assert_eq!(finished.code, 1, "{name}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(&format!("data.csv, {expected}")),
            "{name}: {}",
            finished.stderr
        );
    }
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn a_hundred_thousand_columns_are_read_by_name_and_never_guessed() {
    let scratch = Scratch::new();
    let data = scratch.file("wide.csv", wide(100_000, 40));
    let named =
        ["--data", &data, "--features", "c99999,c7", "--target", "c99999", "--interval", "none"];
    scratch.train("series", &named);
    scratch.fails(
        &quick(&["train", "series"], &["--data", &data, "--fresh"]),
        2,
        "wide.csv: expected one column of numbers, or one called `target`, `y`, `value`, `sales` \
         or `price`, got `c0`, `c1`, `c2`, `c3`, `c4`, `c5`, `c6`, `c7`, `c8`, `c9` and 99990 more \
         (choose the column to predict with --target)",
    );
    for text in [wide(200_000, 1), format!("date{}\n", ",".repeat(11 * MEGABYTE))] {
        let data = scratch.file("wider.csv", text);
        scratch.fails(
            &quick(&["train", "series"], &["--data", &data]),
            1,
            "line 1: expected at most 200000 columns, got ",
        );
    }
}

#[test]
fn column_names_cannot_control_or_flood_the_terminal() {
    let scratch = Scratch::new();
    let data = scratch.file("steers.csv", bars(200).replacen("close", "\u{1b}[2Jclose", 1));
    let finished = scratch.train("series", &["--data", &data]);
    assert!(
        finished.stderr.contains("[2Jclose") && !finished.stderr.contains('\u{1b}'),
        "{}",
        finished.stderr
    );
    let long = "long".repeat(MEGABYTE);
    let data = scratch.file("long.csv", bars(200).replacen("close", &long, 1));
    let finished = scratch.train("series", &["--data", &data, "--fresh"]);
    assert!(finished.stderr.len() < 20_000, "{} bytes", finished.stderr.len());
    let data = scratch.file(
        "long.csv",
        bars(200).replacen("close", &long, 1).replacen("2020-01-06,", "2020-01-06,x", 1),
    );
    scratch.fails(
        &quick(
            &["train", "series"],
            &["--data", &data, "--fresh", "--features", "open", "--target", "open"],
        ),
        1,
        "line 5, column `open`: expected a finite number, got `x",
    );
    let finished = scratch.run(&quick(
        &["train", "series"],
        &["--data", &data, "--fresh", "--target", &"y".repeat(100_000)],
    ));
    assert!(finished.code == 1 && finished.stderr.len() < 5000, "{} bytes", finished.stderr.len());
}

#[cfg(target_os = "linux")]
#[test]
fn a_gigabyte_of_zeros_is_refused_quickly_and_in_little_memory() {
    let scratch = Scratch::new();
    for name in ["big.csv", "big.toml"] {
        File::create(scratch.path(name)).unwrap().set_len(1 << 30).unwrap();
    }
    let train = quick(&["train", "series"], &["--data", "big.csv"]);
    for (args, expected) in [
        (&train[..], "big.csv, line 1: expected text, got a NUL byte"),
        (
            &["train", "letters-onehot-1", "--config", "big.toml"],
            "big.toml: cannot be read: expected at most 16 MiB, got ",
        ),
        (
            &["search", "stock-gap", "--space", "big.toml"],
            "big.toml: cannot be read: expected at most 16 MiB",
        ),
        (
            &["fetch", "600519", "--out", "big.csv"],
            "big.csv: cannot be read: expected at most 32 MiB",
        ),
    ] {
        let start = Instant::now();
        let (finished, memory) = scratch.run_measured(args);
        assert_eq!(finished.code, 1, "{}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
        assert!(memory > 1 << 20 && memory < 200 << 20, "{args:?}: {} MiB", memory >> 20);
        assert!(start.elapsed() < Duration::from_secs(30), "{args:?} took {:?}", start.elapsed());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn folders_pipes_and_devices_are_refused_as_files() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("folder")).unwrap();
    assert!(
        std::process::Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success()
    );
    for (path, what) in [
        ("folder", "a folder"),
        ("pipe", "a pipe or a device"),
        ("/dev/zero", "a pipe or a device"),
    ] {
        let expected = format!("{path}: cannot be read: expected an ordinary file, got {what}");
        scratch.fails(&["list", "--config", path], 1, &expected);
        scratch.fails(&["search", "stock-gap", "--space", path], 1, &expected);
        if path == "folder" {
            scratch.fails(
                &quick(&["train", "series"], &["--data", path]),
                1,
                "folder: the folder has no .csv file",
            );
        } else {
            scratch.fails(&quick(&["train", "series"], &["--data", path]), 1, &expected);
        }
    }
    fs::rename(scratch.path("pipe"), scratch.path("folder/pipe.csv")).unwrap();
    scratch.fails(
        &quick(&["train", "series"], &["--data", "folder"]),
        1,
        "pipe.csv: cannot be read: expected an ordinary file, got a pipe or a device",
    );
}

#[test]
fn endless_input_is_read_up_to_a_megabyte() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    let finished =
        scratch.run_with_input(&["predict", "letters-onehot-1"], &"1".repeat(3 * MEGABYTE));
    assert_eq!(finished.code, 2);
    assert!(
        finished.stderr.contains("expected a number of predictions, got `111")
            && finished.stderr.len() < 5000,
        "{}",
        finished.stderr
    );
}

#[test]
fn deeply_nested_or_very_long_settings_get_a_short_error() {
    let scratch = Scratch::new();
    let deep = 100_000;
    for (text, expected) in [
        (format!("units = {}", "[".repeat(deep)), "deep.toml"),
        (format!("units = {}1{}", "[".repeat(deep), "]".repeat(deep)), "deep.toml"),
        (format!("units = {}1{}", "{a=".repeat(deep), "}".repeat(deep)), "deep.toml"),
        (format!("{}a = 1", "a.".repeat(deep)), "deep.toml"),
        (format!("{}a = 1", "[a]\n".repeat(deep)), "duplicate key"),
        (format!("target = \"{}\nepochs = 1", "x".repeat(1_000_000)), "deep.toml, line 1: "),
        (
            format!("epochs = \"{}\"", "x".repeat(1_000_000)),
            "expected a whole number from 1 to 1,000,000, got `xxx",
        ),
        (format!("{} = 1", "x".repeat(1_000_000)), "unknown key `xxx"),
        (format!("units = [{}]", "1,".repeat(1_000_000)), ""),
        ("units = [1\u{0}]".to_owned(), "deep.toml, line 1: "),
        ("\u{feff}epochs = 0".to_owned(), "deep.toml, line 1: "),
    ] {
        let name = scratch.file("deep.toml", &text);
        for args in [
            &[
                "train",
                "letters-onehot-1",
                "--config",
                &name,
                "--epochs",
                "1",
                "--progress",
                "none",
            ][..],
            &["search", "stock-gap", "--space", &name],
        ] {
            let finished = scratch.run(args);
            let text: String = text.chars().take(30).collect();
            assert!(
                finished.code == 1 || expected.is_empty(),
                "{text}: {} {}",
                finished.code,
                finished.stderr
            );
            assert!(
                finished.stderr.len() < 6000 && !finished.stderr.contains("internal error"),
                "{text}: {}",
                finished.stderr.len()
            );
            assert!(
                args[0] == "search" || finished.stderr.contains(expected),
                "{text}: expected {expected} in {}",
                finished.stderr
            );
        }
    }
    let bytes = utf16("epochs = 1", true, u16::to_le_bytes);
    let name = scratch.file("deep.toml", bytes);
    scratch.fails(
        &["list", "--config", &name],
        1,
        "deep.toml: cannot be read: line 1: expected UTF-8 text, got UTF-16",
    );
}
