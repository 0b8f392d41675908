//! Makes the table of memory: the peak of each command, with all processes it starts.

#![expect(clippy::disallowed_types, reason = "the table's local price server listens")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};

use super::{SAMPLE, program::Setup, turns::Turns};
use crate::{
    process,
    shell::{Result, root},
    table::{markdown, mebibytes, number},
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

/// Starts a server on this machine that serves the sample's bars in Tencent's format. Returns its
/// address.
fn provider() -> Result<String> {
    let text = fs_err::read_to_string(root().join(SAMPLE))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that has disconnected needs no answer.
            let _ = answer(connection, &text);
        }
    });
    Ok(format!("http://{address}"))
}

fn answer(mut connection: TcpStream, text: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(&connection).lines();
    let target = lines.next().transpose()?.unwrap_or_default();
    lines.map_while(std::result::Result::ok).find(String::is_empty);
    let of = |key: &str| {
        target.split(['?', '&', ' ']).find_map(|pair| pair.strip_prefix(key)).unwrap_or_default()
    };
    let asked: Vec<&str> = of("param=").split(',').collect();
    let [Some(symbol), Some(from), Some(to)] = [0, 2, 3].map(|index| asked.get(index)) else {
        return Ok(());
    };
    let rows = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|row| (*from..=*to).contains(&row[1]));
    let rows: Vec<String> = rows.map(|row| format!("[\"{}\"]", row[1..7].join("\",\""))).collect();
    let body = format!(
        "{}={{\"code\":0,\"msg\":\"\",\"data\":{{\"{symbol}\":{{\"qfqday\":[{}]}}}}}}",
        of("_var="),
        rows.join(",")
    );
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
