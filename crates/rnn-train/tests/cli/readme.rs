//! Every command the README shows for `rnn-train` is run, briefly.

use std::{fs, path::Path};

use jiff::civil::date;

use crate::{
    fetch_server::{Prices, Server},
    support::{Scratch, bars_as},
};

/// Commands of the README, without what builds the program: the arguments after `--`, or after
/// `rnn-train`.
fn commands() -> Vec<Vec<String>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(readme).unwrap();
    let mut commands = Vec::new();
    for line in text.lines().map(str::trim) {
        let command = line.split(['#', '>']).next().unwrap_or_default().trim();
        let is_build = command.starts_with("cargo run") && command.contains("-p rnn-train");
        if is_build && !command.contains("wgpu") {
            let args = command.split_once(" -- ").map_or("", |(_, args)| args);
            commands.push(args.split_whitespace().map(str::to_owned).collect());
        } else if let Some(args) = command.strip_prefix("rnn-train ") {
            commands.push(args.split_whitespace().map(str::to_owned).collect());
        }
    }
    commands
}

#[test]
fn the_readme_commands_run_in_their_order() {
    let scratch = Scratch::new();
    scratch.prices("prices.csv", 800);
    scratch.file(
        "sensors.csv",
        bars_as(["when", "rain", "wind", "temperature"], ';', "%d.%m.%Y", 200),
    );
    fs::write(scratch.path("short.toml"), "epochs = 1\nbatch_size = 512\n").unwrap();
    let space = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/stock-gap-space.toml");
    scratch.file("assets/stock-gap-space.toml", fs::read(space).unwrap());
    let server = Server::honest(Prices::new(date(2010, 1, 4), date(2040, 1, 1)));
    let commands = commands();
    assert!(commands.len() >= 6, "the README shows its commands: {commands:?}");
    for mut args in commands {
        // One short epoch instead of the recipe's.
        if args.is_empty() {
            args = ["--config", "short.toml"].map(str::to_owned).to_vec();
        }
        let has = |args: &[String], name: &str| args.iter().any(|arg| arg == name);
        if ["train", "backtest"].iter().any(|command| has(&args, command))
            && !has(&args, "--epochs")
        {
            args.extend(["--epochs", "1", "--batch-size", "512"].map(str::to_owned));
        }
        if has(&args, "search") {
            if let Some(place) = args.iter().position(|arg| arg == "--trials") {
                args.drain(place..place + 2);
            }
            args.extend(["--epochs", "1", "--trials", "2"].map(str::to_owned));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match args[0] {
            "fetch" => scratch.fetched(&server, &args[1..]),
            _ => scratch.ok(&args),
        };
    }
}
