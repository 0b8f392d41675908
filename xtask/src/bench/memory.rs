//! Makes the table of memory: the peak of each command, with all processes it starts.

use std::process::Command;

use super::{SAMPLE, program::Setup, turns::Turns};
use crate::{
    process,
    shell::{Result, root},
    table::{markdown, mebibytes, number},
    tencent::{self, Asked},
};

/// The commands, in an order in which each finds the files it needs. `EPOCHS` stands for a number.
const COMMANDS: [&str; 26] = [
    "train letters-embedding-4",
    "train stock-rnn --epochs EPOCHS",
    "train stock-gru --epochs EPOCHS",
    "train stock-lstm --epochs EPOCHS",
    "train stock-lstm --epochs EPOCHS --fresh --checkpoint-every-seconds 0.01",
    "train stock-gap",
    "train stock-gap --seeds 3 --epochs EPOCHS",
    "evaluate letters-embedding-4",
    "evaluate stock-lstm",
    "predict letters-embedding-4 abcd",
    "predict stock-lstm",
    "forecast stock-gap",
    "forecast stock-gap --mean-of-seeds",
    "export stock-lstm --format safetensors --out OUT",
    "export stock-lstm --format text --out OUT",
    "compare stock-rnn stock-lstm",
    "find-lr stock-lstm",
    "backtest stock-lstm --folds 5 --epochs EPOCHS",
    "backtest stock-lstm --folds 5 --epochs EPOCHS --jobs 1",
    "search stock-gap --space SPACE --trials 12 --epochs EPOCHS",
    "fetch 600519 --provider tencent --from 2010-01-01 --to 2019-12-31 --out BARS",
    "fetch 600519 --out BARS",
    "config stock-lstm",
    "list",
    "devices",
    "train --help",
];
const SPACE: &str = "assets/stock-gap-space.toml";

pub(super) fn run(setup: &Setup) -> Result<String> {
    let provider = provider()?;
    let mut turns = Turns::new("turns of memory", COMMANDS.len());
    let mut rows = Vec::new();
    for command in COMMANDS {
        let shown = command.replace(" --out OUT", "").replace(" --out BARS", "");
        let shown = shown.replace("EPOCHS", &setup.epochs.to_string()).replace("SPACE", SPACE);
        let finished = turns.take(&shown, || process::run(called(setup, command, &provider)))?;
        rows.push(vec![
            format!("`{shown}`"),
            mebibytes(finished.peak_of_all),
            mebibytes(finished.peak),
            number(finished.seconds),
        ]);
    }
    Ok(format!(
        "## Memory\n\n{}\nLargest resident memory: of all processes of a command together (shared \
         pages count for each), and of the first process alone. Default backend; `fetch` uses a \
         local server with the synthetic sample.\n{}",
        markdown(&["command", "peak, all processes", "peak, first process", "s"], 1, &rows),
        turns.warning()
    ))
}

fn called(setup: &Setup, words: &str, provider: &str) -> Command {
    let mut command = Command::new(setup.program("rnn-train"));
    let place = |name: &str| setup.scratch.join(name).into_os_string();
    command.args(["--backend", "ndarray", "--artifacts"]).arg(place("memory"));
    for word in words.split(' ') {
        match word {
            "EPOCHS" => command.arg(setup.epochs.to_string()),
            "OUT" => command.arg(place("weights")),
            "BARS" => command.arg(place("bars.csv")),
            "SPACE" => command.arg(root().join(SPACE)),
            word => command.arg(word),
        };
    }
    let [name, subject] = [0, 1].map(|index| words.split(' ').nth(index).unwrap_or_default());
    if ["train", "backtest", "search", "find-lr"].contains(&name) && !subject.starts_with('-') {
        command.args(["--progress", "none"]);
        if let Some(data) = setup.data.as_ref().filter(|_| !subject.starts_with("letters")) {
            command.arg("--data").arg(data);
        }
    }
    for variable in ["RNN_TENCENT_URL", "RNN_EASTMONEY_URL", "RNN_YAHOO_URL"] {
        command.env(variable, provider);
    }
    command.env_remove("RNN_STOCK_CSV").env("XDG_CACHE_HOME", place("cache"));
    command
}

/// Starts a server of the sample's bars. Returns its address.
fn provider() -> Result<String> {
    let text = fs_err::read_to_string(root().join(SAMPLE))?;
    tencent::serve(move |Asked { days: [from, to], .. }| {
        let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        let asked = rows.filter(|row| (*from..=*to).contains(&row[1]));
        asked.map(|row| [1, 2, 3, 4, 5, 6].map(|index| row[index].to_owned())).collect()
    })
}
