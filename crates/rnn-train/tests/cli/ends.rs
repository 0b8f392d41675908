//! Unusual last rows, late splits, and advice that names the flags of another command.

use crate::support::Scratch;

/// Daily sales with a week, in which the last values are changed.
fn sales(rows: usize, change: impl Fn(&mut Vec<f64>)) -> String {
    let mut state = 7u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let week = [3.0, -1.0, 0.5, 2.0, -4.0, 6.0, -6.5];
    let mut values: Vec<f64> = (0..rows).map(|row| 100.0 + week[row % 7] + 2.0 * noise()).collect();
    change(&mut values);
    let days = jiff::civil::date(2023, 1, 1).series(jiff::Span::new().days(1));
    let lines = days.zip(values).map(|(day, value)| format!("{day},{value:.2}\n"));
    format!("date,value\n{}", lines.collect::<String>())
}

/// A name, a change of the values, and what the warnings have in them.
type Case = (&'static str, fn(&mut Vec<f64>), &'static [&'static str]);

#[test]
fn unusual_last_rows_are_named_by_train_and_forecast() {
    let scratch = Scratch::new();
    scratch.file("usual.csv", sales(200, |_| ()));
    let finished = scratch.train("series", &["--data", "usual.csv", "--fresh"]);
    assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);

    let cases: [Case; 4] = [
        (
            "typing.csv",
            |values| values[199] *= 100.0,
            &["`value` has unusual last values: ", " on 2023-07-19, where ", "--until 2023-07-18"],
        ),
        (
            "zeros.csv",
            |values| values[197..].fill(0.0),
            &["0 on 2023-07-17, where ", "; 0 on 2023-07-19, where ", "--until 2023-07-16"],
        ),
        (
            "stuck.csv",
            |values| values[180..].fill(101.5),
            &[
                "`value` is 101.500 in all of the last 20 rows, from 2023-06-30 on",
                "--until 2023-06-29",
            ],
        ),
        ("level.csv", |values| values[192..].iter_mut().for_each(|value| *value *= 1.4), &[]),
    ];
    for (name, change, expected) in cases {
        scratch.file(name, sales(200, change));
        let trained = scratch.train("series", &["--data", name, "--fresh"]).stderr;
        let forecast = scratch.ok(&["forecast", "series"]).stderr;
        for text in [&trained, &forecast] {
            assert_eq!(text.contains("warning"), !expected.is_empty(), "{name}: {text}");
            assert!(expected.iter().all(|part| text.contains(part)), "{name}: {text}");
        }
        let note = "note: --until is a flag of `train`, not of `forecast` (train with it and";
        assert_eq!(forecast.contains(note), !expected.is_empty(), "{name}: {forecast}");
        assert!(!trained.contains("is a flag of"), "{name}: {trained}");
    }
    // The value before is that of the file: a warning changes nothing.
    let text = scratch.file("two.csv", sales(200, |values| values[199] *= 100.0));
    let cut = scratch.train("series", &["--data", &text, "--until", "2023-07-18", "--fresh"]);
    assert!(!cut.stderr.contains("warning"), "{}", cut.stderr);
}

#[test]
fn a_split_in_the_last_rows_is_a_warning() {
    let scratch = Scratch::new();
    let prices = |name: &str, split: usize| {
        let text = sales(300, |values| values[split..].iter_mut().for_each(|one| *one /= 10.0));
        scratch.file(name, text.replace("date,value", "date,price"))
    };
    let data = prices("prices.csv", 297);
    let shift = "times its level on 2023-10-25 and stays there, as prices do after an unadjusted \
                 10:1 split";
    let warned = scratch.train("series", &["--data", &data, "--fresh"]).stderr;
    assert!(warned.contains(shift) && warned.contains("--level-shifts adjust"), "{warned}");
    assert!(!warned.contains("unusual last values"), "{warned}");
    let adjusted =
        scratch.train("series", &["--data", &data, "--fresh", "--level-shifts", "adjust"]).stderr;
    assert!(adjusted.contains("the rows before are multiplied by 0.1"), "{adjusted}");
    let forecast = scratch.json(&["forecast", "series", "--json"]);
    let value = forecast[0]["values"][0]["value"].as_f64().unwrap();
    assert!((7.0..13.0).contains(&value), "{value}");
}

/// Commands that read data and lack most flags of `train`.
const READERS: [&str; 3] = ["forecast", "evaluate", "predict"];

#[test]
fn each_flag_that_an_error_names_is_one_of_the_command_or_of_train() {
    let scratch = Scratch::new();
    let good = sales(120, |_| ());
    scratch.file("good.csv", &good);
    scratch.train("series", &["--data", "good.csv", "--transform", "log-residual", "--fresh"]);
    let line = good.lines().nth(50).unwrap();
    let day = line.split(',').next().unwrap();
    let files = [
        ("missing.csv", good.replacen(line, &format!("{day},"), 1)),
        ("zero.csv", good.replacen(line, &format!("{day},0"), 1)),
        ("words.csv", good.replacen(line, &format!("{day},word"), 1)),
        ("no-column.csv", good.replace("date,value", "date,other")),
        ("no-date.csv", good.replace("date,value", "what,value").replace('-', "x")),
        ("comma.csv", good.replace(',', ";").replace('.', ",")),
        ("number.csv", good.replace(',', ";").replacen(line, &format!("{day};1.234"), 1)),
        ("date.csv", good.replacen(day, "31/31/31", 1)),
        ("twice.csv", format!("{good}{}\n", good.lines().last().unwrap())),
        ("no-header.csv", good.lines().skip(1).collect::<Vec<_>>().join("\n")),
        ("short.csv", good.lines().take(12).collect::<Vec<_>>().join("\n")),
        ("constant.csv", sales(120, |values| values.fill(5.0))),
        ("empty.csv", String::new()),
        ("bytes.csv", good.replacen(line, "\u{0}", 1)),
    ];
    let mut failed = 0;
    for command in READERS {
        let help = scratch.ok(&[command, "--help"]).stdout;
        for (name, text) in &files {
            scratch.file(name, text);
            let finished = scratch.run(&[command, "series", "--data", name]);
            failed += usize::from(finished.code != 0);
            let foreign: String =
                finished.stderr.lines().filter(|line| line.contains("of `train`, not")).collect();
            let named = |text: &str| -> Vec<String> {
                let words =
                    text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
                words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
            };
            let flags = named(&help);
            for flag in named(&finished.stderr) {
                assert!(
                    flags.contains(&flag) || flag == "--fresh" || foreign.contains(&flag),
                    "{command} {name}: {flag} in\n{}",
                    finished.stderr
                );
            }
        }
    }
    assert!(failed >= 30, "{failed} errors");
}
