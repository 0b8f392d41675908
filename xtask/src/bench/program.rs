//! The programs that are compared, and how each is called.

use std::{path::PathBuf, process::Command};

use clap::ValueEnum;

use crate::shell::{Result, root};

/// What every program is called with.
pub(super) struct Setup {
    /// Price file asked for; ours takes its embedded sample without one.
    pub(super) data: Option<PathBuf>,
    /// The same for programs that have nothing embedded.
    pub(super) peers_data: PathBuf,
    pub(super) synthetic: bool,
    pub(super) python: Option<PathBuf>,
    /// Folder for artifacts.
    pub(super) scratch: PathBuf,
    /// Folder of our programs.
    pub(super) programs: PathBuf,
    /// Where ours and Burn's own layers run; ratios are to the first.
    pub(super) backends: Vec<Backend>,
    /// Other frameworks that are there.
    pub(super) frameworks: Vec<Program>,
}

impl Setup {
    /// Whether a GPU is measured, and what other frameworks have for one.
    pub(super) fn on_gpu(&self) -> bool {
        self.backends.contains(&Backend::Wgpu)
    }

    /// Ours, that all others are compared to.
    pub(super) fn reference(&self) -> Program {
        Program::Ours(self.backends.first().copied().unwrap_or(Backend::Ndarray))
    }

    /// All programs in the order of their turns; without `peers` ours alone.
    pub(super) fn all(&self, peers: bool) -> Vec<Program> {
        let ours = self.backends.iter().copied().map(Program::Ours);
        let others = self.frameworks.iter().copied().chain(self.backends.iter().copied().map(Program::BurnNn));
        ours.chain(others.filter(|_| peers)).collect()
    }

    /// The path of one of our programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// A recurrent cell, as in the names of the experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(super) enum Cell {
    Rnn,
    Lstm,
    Gru,
}

/// A backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(super) enum Backend {
    Ndarray,
    Flex,
    /// A GPU, or what a driver offers in its place
    Wgpu,
}

/// A program that can do the stock job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Program {
    Ours(Backend),
    Keras,
    PyTorch,
    BurnNn(Backend),
}

impl Cell {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rnn => "rnn",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        }
    }

    /// The experiment that trains it.
    pub(super) fn experiment(self) -> String {
        format!("stock-{}", self.name())
    }
}

impl Backend {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ndarray => "ndarray",
            Self::Flex => "flex",
            Self::Wgpu => "wgpu",
        }
    }
}

impl Program {
    pub(super) fn name(self) -> String {
        match self {
            Self::Ours(backend) => format!("ours, {}", backend.name()),
            Self::Keras => "Keras".to_owned(),
            Self::PyTorch => "PyTorch".to_owned(),
            Self::BurnNn(backend) => format!("burn::nn, {}", backend.name()),
        }
    }

    /// The command that trains the stock model.
    pub(super) fn train(self, setup: &Setup, cell: Cell, epochs: usize) -> Result<Command> {
        let mut command = match self {
            Self::Ours(backend) => {
                let mut command = Command::new(setup.program("rnn-train"));
                command.args(["train", &cell.experiment(), "--fresh", "--progress", "none", "--backend", backend.name()]);
                command.arg("--artifacts").arg(&setup.scratch);
                command
            }
            Self::BurnNn(backend) => burn_nn(setup, backend, cell),
            Self::Keras | Self::PyTorch => self.script(setup, cell)?,
        };
        command.args(["--epochs", &epochs.to_string()]);
        if let (Self::Ours(_) | Self::BurnNn(_), Some(data)) = (self, &setup.data) {
            command.arg("--data").arg(data);
        }
        // It would take the place of the embedded sample.
        command.env_remove("RNN_STOCK_CSV");
        Ok(command)
    }

    /// The command that times the prediction of `windows` windows at once.
    pub(super) fn infer(self, setup: &Setup, cell: Cell, windows: usize, repeats: usize) -> Result<Command> {
        let (windows, repeats) = (windows.to_string(), repeats.to_string());
        Ok(match self {
            Self::Ours(backend) => {
                let mut command = Command::new(setup.program("layers"));
                command.args(["inference", "--cell", cell.name(), "--backend", backend.name()]);
                command.args(["--windows", &windows, "--repeats", &repeats]);
                command
            }
            Self::BurnNn(backend) => {
                let mut command = burn_nn(setup, backend, cell);
                command.args(["--inference", &windows, "--repeats", &repeats]);
                command
            }
            Self::Keras | Self::PyTorch => {
                let mut command = self.script(setup, cell)?;
                command.args(["--inference", &windows]);
                command
            }
        })
    }

    /// The command that times forward and backward of one layer over steps, units and batch; on a GPU over large ones.
    pub(super) fn grow(self, setup: &Setup, cell: Cell, repeats: usize) -> Result<Command> {
        let mut command = match self {
            Self::Ours(backend) => {
                let mut command = Command::new(setup.program("layers"));
                command.args(["growth", "--backend", backend.name()]);
                if setup.on_gpu() {
                    command.arg("--large");
                }
                command
            }
            Self::PyTorch => {
                let mut command = Command::new(setup.python.as_ref().ok_or("the scripts need --peers")?);
                command.arg(root().join("benches/peers/pytorch_layers.py")).args(["--device", "cuda"]);
                command
            }
            Self::Keras | Self::BurnNn(_) => return Err(format!("{} has no program for single layers", self.name())),
        };
        command.args(["--cell", cell.name(), "--repeats", &repeats.to_string()]);
        Ok(command)
    }

    fn script(self, setup: &Setup, cell: Cell) -> Result<Command> {
        let python = setup.python.as_ref().ok_or("the scripts need --peers")?;
        let script = if self == Self::Keras { "keras_stock.py" } else { "pytorch_stock.py" };
        let mut command = Command::new(python);
        command.arg(root().join("benches/peers").join(script)).args(["--cell", cell.name()]).arg("--data").arg(&setup.peers_data);
        if setup.on_gpu() {
            command.args(["--device", "cuda"]);
        }
        Ok(command)
    }
}

fn burn_nn(setup: &Setup, backend: Backend, cell: Cell) -> Command {
    let mut command = Command::new(setup.program("burn_nn_stock"));
    command.args(["--cell", cell.name(), "--backend", backend.name()]);
    command
}
