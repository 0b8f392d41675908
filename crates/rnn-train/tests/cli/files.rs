//! Files as people have them: each is read as the plain file, and a note says how.

use std::io::Write;

use crate::support::{Scratch, bars, quick};

/// A short training on the opening price.
const OPEN: [&str; 6] = ["--target", "open", "--features", "open", "--epochs", "1"];

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// The bars with a decimal comma, a disclaimer and a legend.
fn german() -> String {
    let rows = bars(120).replace(',', ";").replace('.', ",");
    format!("Kurse ohne Gewähr\n\n{rows}Ende der Liste\n")
}

/// The bars of two tickers, as yfinance writes them; the second one begins later.
fn tickers() -> String {
    let mut text = "Price,open,open,close,close\nTicker,KO,PEP,KO,PEP\nDate,,,,\n".to_owned();
    for (row, line) in bars(160).lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let (day, open, close) = (cells[0], cells[1], cells[2]);
        let second = |price: &str| match row {
            0..20 => String::new(),
            _ => (10.0 * price.parse::<f64>().unwrap()).to_string(),
        };
        text += &format!("{day},{open},{},{close},{}\n", second(open), second(close));
    }
    text
}

#[test]
fn any_file_gives_the_predictions_of_the_plain_one() {
    let scratch = Scratch::new();
    let plain = scratch.file("plain.csv", bars(120));
    let flags = |data: &str| -> Vec<String> {
        let args = [&["--data", data, "--fresh"], &OPEN[..]].concat();
        quick(&["train", "series"], &args).into_iter().map(str::to_owned).collect()
    };
    let train = |data: &str| {
        let flags = flags(data);
        scratch.ok(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let finished = train(&plain);
    assert!(!finished.stderr.contains("read as"), "{}", finished.stderr);
    let expected = scratch.read("series", "predictions.csv");
    assert_eq!(expected.lines().nth(1).unwrap().split(',').next(), Some("2020-05-22"));
    let utf16: Vec<u8> = bars(120).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, note) in [
        (
            "german.csv",
            german().into_bytes(),
            "note: german.csv: read as `;`-separated, decimal comma, 2 lines before the header \
             skipped\n",
        ),
        ("utf16.csv", utf16, "note: utf16.csv: read as UTF-16LE\n"),
        ("packed.csv.gz", gzip(&bars(120)), "note: packed.csv.gz: read as gzip\n"),
    ] {
        scratch.file(name, bytes);
        let finished = train(name);
        assert!(finished.stderr.contains(note), "{name}: {}", finished.stderr);
        assert_eq!(scratch.read("series", "predictions.csv"), expected, "{name}");
    }
    let footer =
        "warning: german.csv: 1 line of text after the last row skipped (first on line 124)\n";
    assert!(train("german.csv").stderr.contains(footer));
    // The same understanding when the run is read again.
    let again = scratch.ok(&["evaluate", "series"]);
    assert!(
        again.stderr.contains("german.csv: read as `;`-separated, decimal comma"),
        "{}",
        again.stderr
    );
}

#[test]
fn several_tickers_of_one_file_are_a_panel() {
    let scratch = Scratch::new();
    let data = scratch.file("two.csv", tickers());
    let finished = scratch
        .train("series", &["--data", &data, "--valid", "2020-05-20", "--test", "2020-07-01"]);
    for note in [
        "note: two.csv: read as a header of 3 rows for 2 series (KO, PEP)\n",
        "two.csv: 2 series, 300 rows in total\n",
    ] {
        assert!(finished.stderr.contains(note), "{note} in {}", finished.stderr);
    }
    let (header, rows) = scratch.read_csv("series", "predictions.csv");
    assert_eq!(header, "series,date,actual,predicted,lower,upper,q0.05,q0.25,q0.5,q0.75,q0.95");
    assert_eq!((rows[0][0].as_str(), rows[0][1].as_str()), ("KO", "2020-07-01"));
    assert_eq!(rows.iter().filter(|row| row[0] == "PEP").count(), 30);
    let config = scratch.read_json("series", "config.json");
    assert_eq!(
        (&config["source"]["series"], &config["source"]["file"]),
        (&2.into(), &"two.csv".into())
    );
    let forecast = scratch.json(&["forecast", "series", "--json"]);
    assert_eq!((&forecast[0]["series"], &forecast[1]["series"]), (&"KO".into(), &"PEP".into()));
    assert_eq!(
        scratch.json(&["evaluate", "series", "--json"]),
        scratch.read_scores("series", "evaluation.json")
    );

    let bad = scratch.file("bad.csv", tickers().replacen("2020-02-03,5", "2020-02-03,x5", 1));
    let flags = quick(&["train", "series"], &["--data", &bad, "--fresh", "--target", "open"]);
    scratch.fails(&flags, 1, "bad.csv, line 27, column `open`: expected a finite number, got `x5");
    scratch.fails(&flags, 1, "(with train or backtest, use --skip-bad to skip");
    let finished = scratch.ok(&[&flags[..], &["--skip-bad"]].concat());
    assert!(finished.stderr.contains("bad.csv: 1 series, 140 rows in total, 1 skipped\n"));
}

#[test]
fn tickers_of_one_price_are_a_panel() {
    let scratch = Scratch::new();
    let mut text = "Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n".to_owned();
    for line in bars(160).lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        text += &format!("{},{},{}\n", cells[0], cells[1], cells[2]);
    }
    scratch.file("two.csv", text);
    let finished = scratch.train("series", &["--data", "two.csv"]);
    assert!(finished.stderr.contains("two.csv: 2 series, 320 rows in total\n"));
    assert!(finished.stderr.contains("reading `Close` (use"), "{}", finished.stderr);
}

#[test]
fn refusals_name_the_flag_that_reads_the_file() {
    let scratch = Scratch::new();
    let rows = bars(120).split_once('\n').unwrap().1.to_owned();
    scratch.file("bare.csv", &rows);
    let train = |args: &[&'static str]| quick(&["train", "series"], args);
    scratch.fails(
        &train(&["--data", "bare.csv"]),
        1,
        "bare.csv, line 1: expected a header, got a row of values (set --no-header: the columns \
         are then called `column_1`, `column_2` and so on)",
    );
    let finished =
        scratch.ok(&train(&["--data", "bare.csv", "--no-header", "--target", "column_2"]));
    assert!(
        finished.stderr.contains("note: bare.csv: read as a table without a header\n"),
        "{}",
        finished.stderr
    );
    assert_eq!(scratch.read_json("series", "config.json")["options"]["no_header"], true);
    // A resumed run and an evaluation read the file likewise.
    scratch.ok(&["evaluate", "series"]);
    scratch.ok(&["train", "series", "--epochs", "1", "--progress", "none"]);

    let unclear: String = bars(120)
        .lines()
        .enumerate()
        .map(|(row, line)| match row {
            0 => "date;open\n".to_owned(),
            _ => format!("{};1,{}\n", &line[..10], 200 + row * 37 % 100),
        })
        .collect();
    scratch.file("unclear.csv", unclear);
    scratch.fails(
        &train(&["--data", "unclear.csv", "--fresh"]),
        1,
        "unclear.csv, line 2, column `open`: expected a number whose comma is clear from any row, \
         got `1,237` (set --decimal to `point` or `comma`)",
    );
    for decimal in ["point", "comma"] {
        let flags = train(&["--data", "unclear.csv", "--fresh"]);
        scratch.ok(&[&flags[..], &["--decimal", decimal]].concat());
        let (_, rows) = scratch.read_csv("series", "predictions.csv");
        let value: f64 = rows[0][1].parse().unwrap();
        assert_eq!(value > 1000.0, decimal == "point", "{value}");
    }
    scratch.file("points.csv", "Datum;Gäste\n01.01.2021;966\n02.01.2021;1.024\n");
    scratch.fails(
        &train(&["--data", "points.csv", "--date-column", "Datum", "--fresh"]),
        1,
        "points.csv, line 3, column `Gäste`: expected a number whose point is clear from any row, \
         got `1.024` (set --decimal to `point` or `comma`)",
    );
    scratch.file("texts.csv", "date,price\n2021-01-01,about 5\n2021-01-02,about 6\n");
    scratch.fails(
        &train(&["--data", "texts.csv", "--fresh"]),
        1,
        "texts.csv, line 2, column `price`: expected a number, got `about 5` (no column holds \
         numbers; write 1234.5, 1,234.5, $5, 5%, 1.2M or 12 °C, or set --decimal)",
    );
    scratch.fails(&train(&["--decimal", "dot"]), 2, "expected point or comma, got `dot`");
    scratch.fails(&train(&["--encoding", "klingon"]), 2, "expected an encoding such as utf-8,");
    let late = format!("date,open\n{}", "2020-01-02,1\n".repeat(50_000));
    scratch.file("late.csv", [late.as_bytes(), b"\xff"].concat());
    scratch.fails(
        &train(&["--data", "late.csv", "--fresh"]),
        1,
        "late.csv, line 50002: expected UTF-8 text, got other bytes (set --encoding, or save",
    );
    scratch.file("book.csv", b"PK\x03\x04\0\0");
    scratch.fails(
        &train(&["--data", "book.csv", "--fresh"]),
        1,
        "book.csv: cannot be read: expected a CSV file, got a zip archive or a workbook (unpack",
    );
}
