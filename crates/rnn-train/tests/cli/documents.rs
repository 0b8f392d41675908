//! The commands that documents and help show are run, briefly; the help is read for its words.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::date;

use crate::{
    fetch_server::{Prices, Server},
    language::problems,
    support::{Scratch, bars_as},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Commands of a text, without those that only build the program: the arguments after `--`, or
/// after `rnn-train`.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for line in text.lines().map(str::trim) {
        let command = line.split(['#', '>']).next().unwrap_or_default().trim();
        let is_build = command.starts_with("cargo run") && command.contains("-p rnn-train");
        if is_build && !command.contains("wgpu") && !command.contains("--example") {
            let args = command.split_once(" -- ").map_or("", |(_, args)| args);
            commands.push(args.split_whitespace().map(str::to_owned).collect());
        } else if let Some(args) = command.strip_prefix("rnn-train ") {
            commands.push(args.split_whitespace().map(str::to_owned).collect());
        }
    }
    commands
}

/// A folder with the files that the documents name.
fn prepared() -> Scratch {
    let scratch = Scratch::new();
    scratch.prices("prices.csv", 800);
    scratch.file(
        "sensors.csv",
        bars_as(["when", "rain", "wind", "temperature"], ';', "%d.%m.%Y", 200),
    );
    let day = |row: i64| date(2024, 1, 1).checked_add(jiff::Span::new().days(row)).unwrap();
    let known = |row: i64| format!("{},{}", i64::from(row % 5 == 2), i64::from(row % 30 == 0));
    let sales = |row: i64| 50 + 20 * i64::from(row % 5 == 2) + row * 37 % 11;
    let rows = (0..200).map(|row| format!("{},{},{}\n", day(row), sales(row), known(row)));
    scratch.file("shop.csv", "date,sales,promo,holiday\n".to_owned() + &rows.collect::<String>());
    let rows = (200..207).map(|row| format!("{},{}\n", day(row), known(row)));
    scratch.file("next-week.csv", "date,promo,holiday\n".to_owned() + &rows.collect::<String>());
    let shops = ["north", "south"]
        .into_iter()
        .flat_map(|shop| (0..150).map(move |row| format!("{shop},{},{}\n", day(row), sales(row))));
    scratch.file("shops.csv", "store,date,sales\n".to_owned() + &shops.collect::<String>());
    scratch.file("about.csv", "store,size\nnorth,120\nsouth,300\n");
    fs::write(scratch.path("short.toml"), "epochs = 1\nbatch_size = 512\n").unwrap();
    for name in ["assets/stock-gap-space.toml", "assets/synthetic-sales.csv"] {
        scratch.file(name, fs::read(root().join(name)).unwrap());
    }
    let space = fs::read(root().join("assets/stock-gap-space.toml")).unwrap();
    scratch.file("space.toml", &space);
    scratch
}

/// Runs commands in their order in one folder, with one short epoch instead of the recipe's.
/// Returns what they print.
fn run_all(commands: Vec<Vec<String>>) -> String {
    let mut printed = String::new();
    let scratch = prepared();
    let server = Server::honest(Prices::new(date(2010, 1, 4), date(2040, 1, 1)));
    for mut args in commands {
        if args.is_empty() {
            args = ["--config", "short.toml"].map(str::to_owned).to_vec();
        }
        let has = |args: &[String], name: &str| args.iter().any(|arg| arg == name);
        if let Some(place) = args.iter().position(|arg| arg == "--epochs") {
            args.drain(place..place + 2);
        }
        if ["train", "backtest"].iter().any(|command| has(&args, command)) {
            args.extend(["--epochs", "1", "--batch-size", "512"].map(str::to_owned));
        }
        if has(&args, "search") {
            if let Some(place) = args.iter().position(|arg| arg == "--trials") {
                args.drain(place..place + 2);
            }
            args.extend(["--epochs", "1", "--trials", "2"].map(str::to_owned));
        }
        if has(&args, "find-lr") {
            args.extend(["--steps", "20"].map(str::to_owned));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let finished = match args[0] {
            "fetch" => scratch.fetched(&server, &args[1..]),
            _ => scratch.ok(&args),
        };
        printed += &(finished.stdout + &finished.stderr);
    }
    printed
}

/// Headings in the quoted output of a document that were not printed. A heading is a line of words,
/// without numbers.
fn outdated_headings(document: &str, printed: &str) -> Vec<String> {
    let collapsed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed: Vec<String> = printed.lines().map(collapsed).collect();
    let quoted = document.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let headings = quoted.flat_map(str::lines).map(collapsed).filter(|line| {
        line.split(' ').count() > 3
            && !line.contains("->")
            && !line.contains("...")
            && !line.contains(|letter: char| letter.is_ascii_digit())
    });
    headings.filter(|heading| !printed.contains(heading)).collect()
}

#[test]
fn the_commands_of_the_readmes_run_in_their_order() {
    for name in ["README.md", "README.zh.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let commands = commands(&text);
        assert!(commands.len() >= 6, "{name} shows its commands: {commands:?}");
        assert_eq!(outdated_headings(&text, &run_all(commands)), [""; 0], "{name}");
    }
}

#[test]
fn the_commands_of_the_guides_run_in_their_order() {
    let mut guides = BTreeSet::new();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let commands = commands(&text);
        if !commands.is_empty() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert_eq!(outdated_headings(&text, &run_all(commands)), [""; 0], "{name}");
            guides.insert(name);
        }
    }
    for guide in ["course.md", "course.zh.md", "fetch.md", "forecasting.md", "results.md"] {
        assert!(guides.contains(guide), "docs/{guide} shows no command");
    }
}

/// Every command of the program with its long help.
fn helps() -> Vec<(String, String)> {
    let scratch = Scratch::new();
    let program = scratch.ok(&["--help"]).stdout;
    let listed = program.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    let mut helps = vec![("rnn-train".to_owned(), program.clone())];
    helps.extend(names.map(|name| (name.clone(), scratch.ok(&[&name, "--help"]).stdout)));
    assert!(helps.len() > 10, "the commands are listed: {program}");
    helps
}

#[test]
fn the_help_of_each_command_shows_examples_that_run() {
    let mut examples = Vec::new();
    for (name, help) in helps().into_iter().skip(1) {
        let shown = commands(&help);
        assert!(!shown.is_empty(), "`rnn-train {name} --help` shows no example");
        assert!(shown.iter().all(|args| args[0] == name), "{shown:?}");
        examples.extend(shown);
    }
    // Everything is trained before it is used.
    let first = ["train stock-open --data prices.csv", "train stock-lstm --data prices.csv"];
    let first = first.map(|args| args.split(' ').map(str::to_owned).collect());
    let printed = run_all(first.into_iter().chain(examples).collect());
    assert!(printed.contains("Experiment"), "`list` prints a table");
}

#[test]
fn the_help_has_short_sentences_in_the_words_of_the_field() {
    let mut found = Vec::new();
    for (name, help) in helps() {
        let lines = help.lines().map(str::trim).filter(|line| !line.contains("--"));
        let lines: Vec<&str> = lines.collect();
        // The list of commands has no empty lines.
        let text = lines.join(if name == "rnn-train" { "\n\n" } else { "\n" });
        found.extend(problems(&text).into_iter().map(|one| format!("{name}: {one}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn completions_and_manual_pages_know_the_commands_and_the_version_its_backends() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = scratch.ok(&["completions", shell]).stdout;
        assert!(script.contains("find-lr") && script.contains("learning-rate"), "{shell}");
    }
    scratch.ok(&["man", "--out", "pages/man1"]);
    let page = fs::read_to_string(scratch.path("pages/man1/rnn-train-train.1")).unwrap();
    assert!(page.contains("learning") && page.contains(".TH"), "{page}");
    assert!(scratch.path("pages/man1/rnn-train.1").exists());
    let version = scratch.ok(&["--version"]).stdout;
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    assert!(version.contains("ndarray, flex"), "{version}");
}
