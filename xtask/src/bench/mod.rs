//! Times the stock job, inference and whole commands, on request also those of other frameworks,
//! and prints tables.
//!
//! This module times whole processes. Criterion's benches time functions; they run in turn like all
//! other programs.

mod criterion;
mod inference;
mod memory;
mod processes;
mod program;
mod python;
mod training;
mod turns;

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Command, Stdio},
};

use clap::ValueEnum;
use serde_json::Value;

use crate::{
    process,
    shell::{Result, absolute, cargo, print, root, say, scratch, shown},
};
use program::{Program, Setup};

const SAMPLE: &str = "assets/synthetic-daily-bars.csv";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Price file [default: the synthetic sample]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Also measure Keras, PyTorch and Burn's own layers; creates benches/.peers with Python's venv
    /// and pip if it does not exist
    #[arg(long)]
    peers: bool,
    /// Python interpreter with the packages of benches/peers/requirements.txt [default: that of
    /// benches/.peers]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Also time whole processes of 50 epochs of stock-lstm: ours, Keras and PyTorch
    #[arg(long)]
    whole: bool,
    /// Cells
    #[arg(long, value_parser = ["rnn", "lstm", "gru"], value_delimiter = ',')]
    #[arg(default_value = "rnn,lstm,gru")]
    cells: Vec<String>,
    /// Backends of our and of Burn's own layers; ratios are to the first. With wgpu, PyTorch runs
    /// on CUDA
    #[arg(long, value_parser = ["ndarray", "flex", "wgpu"], value_delimiter = ',')]
    #[arg(default_value = "ndarray,flex")]
    backend: Vec<String>,
    /// Compile GPU kernels to SPIR-V instead of WGSL, for Vulkan drivers
    #[arg(long)]
    vulkan: bool,
    /// Tables to make; --whole adds that of whole processes
    #[arg(long, value_enum, value_delimiter = ',', default_value = "training,inference")]
    tables: Vec<Table>,
    /// Number of epochs of each training process; the first two are not counted [default: 12, with
    /// --quick 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1000))]
    epochs: Option<u32>,
    /// Number of rounds; each program runs once per round [default: 2, with --quick 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Run everything briefly, in a few minutes; the figures are not meaningful
    #[arg(long)]
    quick: bool,
}

/// A table of results.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    /// Seconds per epoch of the stock job
    Training,
    /// Milliseconds to predict 1 and 240 windows
    Inference,
    /// Seconds of whole processes
    Whole,
    /// Folds of a backtest, in parallel and one after another
    Backtest,
    /// Trials of a search, in parallel and one after another
    Search,
    /// Windows of thousands of series
    Panel,
    /// Peak memory of each command
    Memory,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let setup = prepare(args)?;
    print(&heading(&setup, args.data.is_none()));
    let whole = Some(Table::Whole).filter(|whole| args.whole && !args.tables.contains(whole));
    for table in args.tables.iter().copied().chain(whole) {
        let text = match table {
            Table::Training => training::run(&setup),
            Table::Inference => inference::run(&setup),
            Table::Whole => processes::whole(&setup),
            Table::Backtest => processes::backtest(&setup),
            Table::Search => processes::search(&setup),
            Table::Panel => processes::panel(&setup),
            Table::Memory => memory::run(&setup),
        };
        print(&text?);
    }
    Ok(())
}

fn prepare(args: &Args) -> Result<Setup> {
    if args.vulkan && !args.backend.iter().any(|backend| backend == "wgpu") {
        return Err("--vulkan: needs a GPU backend (add --backend wgpu)".into());
    }
    let data = absolute(args.data.as_deref())?;
    let frameworks = frameworks(args);
    let python = if frameworks.is_empty() {
        None
    } else {
        Some(python::interpreter(args.python.as_deref())?)
    };
    let choose = |asked: Option<u32>, full, quick| {
        asked.map_or(if args.quick { quick } else { full }, |asked| asked as usize)
    };
    let setup = Setup {
        peers_data: data.clone().unwrap_or_else(|| root().join(SAMPLE)),
        data,
        python,
        scratch: scratch("bench")?,
        backends: args.backend.clone(),
        frameworks,
        peers: args.peers,
        cells: args.cells.clone(),
        epochs: choose(args.epochs, 12, 3),
        rounds: choose(args.rounds, 2, 1),
        quick: args.quick,
    };
    fs_err::create_dir(setup.scratch.join("programs"))?;
    let programs = build(args, setup.on_gpu())?;
    for name in ["rnn-train", "burn_nn_stock", "layers", "panel"] {
        fs_err::copy(
            programs.get(name).ok_or_else(|| format!("cargo built no `{name}`"))?,
            setup.program(name),
        )?;
    }
    Ok(setup)
}

/// Builds all programs in one build, so that Burn has the same features for our layers and for its
/// own. Returns the programs' files.
fn build(args: &Args, on_gpu: bool) -> Result<HashMap<String, PathBuf>> {
    say("building in release");
    let mut command = cargo(&[
        "build",
        "--release",
        "--package",
        "rnn-train",
        "--package",
        "workspace-benches",
        "--bins",
        "--benches",
    ]);
    command.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
    if args.vulkan {
        command.args(["--features", "rnn-train/vulkan,workspace-benches/vulkan"]);
    } else if on_gpu {
        command.args(["--features", "rnn-train/wgpu,workspace-benches/wgpu"]);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", shown(&command), output.status).into());
    }
    let program = |line: &[u8]| {
        let message: Value = serde_json::from_slice(line).ok()?;
        let is_bench = message["target"]["kind"][0] == "bench";
        // A program's unit tests have the same name.
        let is_program = is_bench || message["profile"]["test"] == false;
        let (name, path) = (message["target"]["name"].as_str()?, message["executable"].as_str()?);
        is_program.then(|| (name.to_owned(), PathBuf::from(path)))
    };
    Ok(output.stdout.split(|byte| *byte == b'\n').filter_map(program).collect())
}

/// Other frameworks to measure. With a GPU backend, that is PyTorch on CUDA, if available:
/// TensorFlow would choose a device by itself.
fn frameworks(args: &Args) -> Vec<Program> {
    if !args.peers && !args.whole && !args.tables.contains(&Table::Whole) {
        return Vec::new();
    }
    if !args.backend.iter().any(|backend| backend == "wgpu") {
        return vec![Program::Keras, Program::PyTorch];
    }
    let has_cuda = Command::new("nvidia-smi").output().is_ok_and(|output| output.status.success());
    if !has_cuda {
        say("PyTorch is left out: nvidia-smi finds no GPU for CUDA");
    }
    has_cuda.then_some(Program::PyTorch).into_iter().collect()
}

fn heading(setup: &Setup, is_synthetic: bool) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs_err::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let name = text.lines().find(|line| line.starts_with("model name"))?.split_once(':')?.1;
        Some(format!(" ({})", name.trim()))
    });
    let name = setup.peers_data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let synthetic = if is_synthetic { " (**synthetic** prices)" } else { "" };
    let today = jiff::Zoned::now().date();
    let devices = if setup.on_gpu() { adapters(setup) } else { String::new() };
    format!(
        "{today}, {cores} cores{}{devices}, `{name}`{synthetic}\n",
        processor.unwrap_or_default()
    )
}

/// Adapters of the GPU backend, as listed by `rnn-train devices`.
fn adapters(setup: &Setup) -> String {
    let mut command = Command::new(setup.program("rnn-train"));
    command.args(["devices", "--json"]);
    let lines = process::run(command).map_or_else(|_| Vec::new(), |finished| finished.lines);
    let text: String = lines.into_iter().map(|(_, line)| line).collect();
    let listed: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let adapters = listed.iter().filter(|device| device["backend"] == "wgpu");
    adapters
        .map(|device| {
            format!(
                ", {} ({})",
                device["name"].as_str().unwrap_or_default(),
                device["kind"].as_str().unwrap_or_default()
            )
        })
        .collect()
}
