//! Times the stock job, inference and the growth of a step's cost, beside other frameworks when asked to, and prints tables.
//!
//! Programs run one at a time, in turn, so that a machine whose speed drifts slows all of them down alike.

mod child;
mod floor;
mod forecasting;
mod growth;
mod inference;
mod memory;
mod program;
mod python;
mod quiet;
mod spread;
mod table;
mod training;
mod turns;
mod whole;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;
use serde_json::Value;

use crate::shell::{Result, build_folder, built, cargo, print, root, run as run_command, say};
use floor::Floor;
use program::{Backend, Cell, Program, Setup};

const SAMPLE: &str = "assets/synthetic-daily-bars.csv";
/// Epochs at the start of every process that are not counted.
const WARM_UP_EPOCHS: usize = 2;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Price file [default: the synthetic sample]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Measure Keras, PyTorch and Burn's own layers, too; makes benches/.peers with Python's venv and pip if it is not there
    #[arg(long)]
    peers: bool,
    /// Python interpreter that has the packages of benches/peers/requirements.txt, instead of benches/.peers
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Also time three whole processes of 50 epochs of stock-lstm: ours, Keras, PyTorch
    #[arg(long)]
    whole: bool,
    /// Cells
    #[arg(long, value_enum, value_delimiter = ',', default_value = "rnn,lstm,gru")]
    cells: Vec<Cell>,
    /// Backends of ours and of Burn's own layers, the one to compare with first; with wgpu, PyTorch runs on CUDA
    #[arg(long, value_enum, value_delimiter = ',', default_value = "ndarray,flex")]
    backend: Vec<Backend>,
    /// Compile GPU kernels to SPIR-V instead of WGSL, where the driver is Vulkan
    #[arg(long)]
    vulkan: bool,
    /// Tables; --whole adds that of whole processes
    #[arg(long, value_enum, value_delimiter = ',', default_value = "training,inference,growth")]
    tables: Vec<Table>,
    /// Epochs of each training process; its first two are not counted [default: 12, with --quick 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    epochs: Option<u32>,
    /// How often each program has its turn [default: 2, with --quick 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// A few minutes to see that everything runs; the figures mean little
    #[arg(long)]
    quick: bool,
}

/// A table of results.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    /// Seconds an epoch of the stock job
    Training,
    /// Milliseconds to predict 1 and 240 windows
    Inference,
    /// Milliseconds a step of one layer over steps, units and batch
    Growth,
    /// Seconds of whole processes
    Whole,
    /// Folds of a backtest, at once and one after another
    Backtest,
    /// Trials of a search, likewise
    Search,
    /// Windows of thousands of series
    Panel,
    /// Most memory that each command holds
    Memory,
}

/// How much is measured.
struct Effort {
    cells: Vec<Cell>,
    epochs: usize,
    rounds: usize,
    /// Least number of timed calls.
    repeats: usize,
    whole_epochs: usize,
    quick: bool,
}

impl Effort {
    fn of(args: &Args) -> Self {
        let choose = |asked: Option<u32>, full: usize, quick: usize| match asked {
            Some(asked) => asked as usize,
            None if args.quick => quick,
            None => full,
        };
        Self {
            cells: args.cells.clone(),
            epochs: choose(args.epochs, 12, 3),
            rounds: choose(args.rounds, 2, 1),
            repeats: if args.quick { 3 } else { 10 },
            whole_epochs: if args.quick { 3 } else { 50 },
            quick: args.quick,
        }
    }

    /// Epochs of a process that are not counted; at least one is.
    fn warm_up(&self) -> usize {
        WARM_UP_EPOCHS.min(self.epochs - 1)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (effort, setup) = (Effort::of(args), prepare(args)?);
    let wanted = |table: Table| args.tables.contains(&table) || (table == Table::Whole && args.whole);
    let peers = args.peers;
    print(&heading(&setup));
    if wanted(Table::Training) {
        // The machine's speed drifts: the floor is the best of before and after.
        let bursts = 4 * effort.repeats;
        let before = floor::measure(&setup, bursts)?;
        let (measured, warning) = training::measure(&setup, &effort, &setup.all(peers))?;
        let after = floor::measure(&setup, bursts)?;
        print(&(training::table(setup.reference(), &measured, &effort, &Floor::best(before, after)) + &warning));
    }
    if wanted(Table::Inference) {
        print(&inference::run(&setup, &effort, &setup.all(peers))?);
    }
    if wanted(Table::Growth) {
        print(&growth::run(&setup, &effort)?);
    }
    if wanted(Table::Backtest) {
        print(&forecasting::backtest(&setup, &effort)?);
    }
    if wanted(Table::Search) {
        print(&forecasting::search(&setup, &effort)?);
    }
    if wanted(Table::Panel) {
        print(&forecasting::panel(&setup, &effort)?);
    }
    if wanted(Table::Memory) {
        print(&memory::run(&setup, &effort)?);
    }
    if wanted(Table::Whole) {
        print(&whole::run(&setup, &effort)?);
    }
    Ok(())
}

fn prepare(args: &Args) -> Result<Setup> {
    if args.vulkan && !args.backend.contains(&Backend::Wgpu) {
        return Err("--vulkan is for GPUs: add --backend wgpu".to_owned());
    }
    let data = args.data.as_deref().map(absolute).transpose()?;
    let frameworks = frameworks(args);
    let python = if frameworks.is_empty() { None } else { Some(python::interpreter(args.python.as_deref())?) };
    // One build, so that Burn is compiled with the same features for our layers and for Burn's own.
    say("building in release");
    let mut build = cargo(&["build", "--release", "--package", "rnn-train", "--package", "workspace-benches", "--bins"]);
    if args.vulkan {
        build.args(["--features", "rnn-train/vulkan,workspace-benches/vulkan"]);
    } else if args.backend.contains(&Backend::Wgpu) {
        build.args(["--features", "rnn-train/wgpu,workspace-benches/wgpu"]);
    }
    run_command(build)?;
    let scratch = build_folder("release").with_file_name("bench");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    }
    let programs = scratch.join("programs");
    let peers_data = data.clone().unwrap_or_else(|| root().join(SAMPLE));
    let setup =
        Setup { synthetic: data.is_none(), peers_data, data, python, scratch, programs, backends: args.backend.clone(), frameworks };
    copy_programs(&setup)?;
    Ok(setup)
}

/// Other frameworks to measure. Beside a GPU that is PyTorch on CUDA, if there is any; TensorFlow would take what it finds.
fn frameworks(args: &Args) -> Vec<Program> {
    if !args.peers && !args.whole && !args.tables.contains(&Table::Whole) {
        return Vec::new();
    }
    if !args.backend.contains(&Backend::Wgpu) {
        return vec![Program::Keras, Program::PyTorch];
    }
    let has_cuda = Command::new("nvidia-smi").output().is_ok_and(|output| output.status.success());
    if !has_cuda {
        say("PyTorch is left out: nvidia-smi finds no GPU for CUDA");
    }
    has_cuda.then_some(Program::PyTorch).into_iter().collect()
}

/// Copies what was built: the next build may come before the last turn.
fn copy_programs(setup: &Setup) -> Result<()> {
    fs::create_dir_all(&setup.programs).map_err(|error| format!("{}: {error}", setup.programs.display()))?;
    for name in ["rnn-train", "layers", "burn_nn_stock", "panel"] {
        let (built, copy) = (built("release", name), setup.program(name));
        fs::copy(&built, &copy).map_err(|error| format!("{} to {}: {error}", built.display(), copy.display()))?;
    }
    Ok(())
}

fn heading(setup: &Setup) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let name = text.lines().find(|line| line.starts_with("model name"))?.split_once(':')?.1;
        Some(format!(" ({})", name.trim()))
    });
    let name = setup.peers_data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let synthetic = if setup.synthetic { " (**synthetic** prices)" } else { "" };
    let today = jiff::Zoned::now().date();
    let devices = if setup.on_gpu() { adapters(setup) } else { String::new() };
    format!("{today}, {cores} cores{}{devices}, `{name}`{synthetic}\n", processor.unwrap_or_default())
}

/// The adapters that a GPU backend can take, as `rnn-train devices` names them.
fn adapters(setup: &Setup) -> String {
    let mut command = Command::new(setup.program("rnn-train"));
    command.args(["devices", "--json"]);
    let listed = child::run(command).ok().and_then(|finished| serde_json::from_str::<Value>(&finished.stdout).ok());
    let listed = listed.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let adapters = listed.iter().filter(|device| device["backend"] == "wgpu");
    adapters
        .map(|device| format!(", {} ({})", device["name"].as_str().unwrap_or_default(), device["kind"].as_str().unwrap_or_default()))
        .collect()
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}
