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
}

impl Setup {
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

/// A CPU backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Backend {
    Ndarray,
    Flex,
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
    pub(super) const ALL: [Self; 2] = [Self::Ndarray, Self::Flex];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ndarray => "ndarray",
            Self::Flex => "flex",
        }
    }
}

impl Program {
    /// Ratios are to this one.
    pub(super) const OURS: Self = Self::Ours(Backend::Ndarray);

    /// All programs in the order of their turns; without `peers` ours alone.
    pub(super) fn all(peers: bool) -> Vec<Self> {
        let ours = Backend::ALL.map(Self::Ours);
        let others = [Self::Keras, Self::PyTorch, Self::BurnNn(Backend::Ndarray), Self::BurnNn(Backend::Flex)];
        ours.into_iter().chain(others.into_iter().filter(|_| peers)).collect()
    }

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

    fn script(self, setup: &Setup, cell: Cell) -> Result<Command> {
        let python = setup.python.as_ref().ok_or("the scripts need --peers")?;
        let script = if self == Self::Keras { "keras_stock.py" } else { "pytorch_stock.py" };
        let mut command = Command::new(python);
        command.arg(root().join("benches/peers").join(script)).args(["--cell", cell.name()]).arg("--data").arg(&setup.peers_data);
        Ok(command)
    }
}

fn burn_nn(setup: &Setup, backend: Backend, cell: Cell) -> Command {
    let mut command = Command::new(setup.program("burn_nn_stock"));
    command.args(["--cell", cell.name(), "--backend", backend.name()]);
    command
}
