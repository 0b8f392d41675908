//! What CI runs, step by step.

use std::{path::PathBuf, process::Command, time::Instant};

use crate::shell::{Result, cargo, root, run as run_command, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the steps that need a Vulkan driver (a software one will do)
    #[arg(long)]
    no_gpu: bool,
}

/// The real price file, where it is at hand.
const REAL_DATA: &str = "../shared/data/SH600519.csv";
const LETTERS: [&str; 4] = ["letters-onehot-1", "letters-onehot-4", "letters-embedding-1", "letters-embedding-4"];
const STOCK: [&str; 3] = ["stock-rnn", "stock-lstm", "stock-gru"];

pub(crate) fn run(args: &Args) -> Result<()> {
    step("format", cargo(&["fmt", "--all", "--check"]))?;
    step("test", cargo(&["test", "--workspace"]))?;
    real_data()?;
    step("clippy", cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    step("docs", docs)?;
    if args.no_gpu { Ok(()) } else { gpu() }
}

/// Two epochs on the real price file: the newcomer's command with data of one's own.
fn real_data() -> Result<()> {
    let file = root().join(REAL_DATA);
    if !file.exists() {
        say(&format!("\n== real data: {REAL_DATA} is not there, nothing to do"));
        return Ok(());
    }
    let mut command = train("stock-rnn", &["--epochs", "2"], false);
    command.arg("--data").arg(file);
    step("real data", command)
}

/// The kernels against flex, all letters experiments and an epoch of each cell on prices with the wgpu backend.
fn gpu() -> Result<()> {
    step("clippy, wgpu", cargo(&["clippy", "-p", "rnn-train", "--features", "wgpu", "--all-targets", "--", "-D", "warnings"]))?;
    let kernels = ["test", "-p", "rnn-kernels", "-p", "rnn-train", "--features", "rnn-train/wgpu", "--lib", "gpu"];
    step("kernels, wgpu", cargo(&kernels))?;
    step("tests, wgpu", cargo(&["test", "-p", "rnn-train", "--features", "wgpu", "--test", "cli", "wgpu"]))?;
    let mut devices = cargo(&["run", "-p", "rnn-train", "--features", "wgpu", "--", "devices"]);
    devices.stdin(std::process::Stdio::null());
    step("devices", devices)?;
    for letters in LETTERS {
        step(&format!("wgpu, {letters}"), train(letters, &[], true))?;
    }
    for stock in STOCK {
        step(&format!("wgpu, {stock}"), train(stock, &["--epochs", "1", "--batch-size", "512"], true))?;
    }
    Ok(())
}

fn train(experiment: &str, flags: &[&str], wgpu: bool) -> Command {
    let artifacts: PathBuf = root().join("target/ci-artifacts");
    let mut command = cargo(&["run", "-p", "rnn-train"]);
    if wgpu {
        command.args(["--features", "wgpu"]);
    }
    command.args(["--", "train", experiment, "--fresh", "--backend", if wgpu { "wgpu" } else { "ndarray" }]);
    command.args(flags).arg("--artifacts").arg(artifacts);
    command
}

fn step(name: &str, command: Command) -> Result<()> {
    say(&format!("\n== {name}"));
    let started = Instant::now();
    run_command(command)?;
    say(&format!("== {name}: {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}
