//! The programs that run the stock job, and their command lines.

use std::{path::PathBuf, process::Command};

use crate::shell::{Result, executable, root};

/// Settings of all programs and measurements.
#[derive(Default)]
pub(super) struct Setup {
    /// Requested price file. If `None`, our program uses its embedded sample.
    pub(super) data: Option<PathBuf>,
    /// Price file for programs without an embedded sample.
    pub(super) peers_data: PathBuf,
    pub(super) python: Option<PathBuf>,
    /// Folder for artifacts.
    pub(super) scratch: PathBuf,
    /// Backends of our and of Burn's own layers; ratios are to the first.
    pub(super) backends: Vec<String>,
    /// Other frameworks to measure.
    pub(super) frameworks: Vec<Program>,
    /// Whether Burn's own layers are measured.
    pub(super) peers: bool,
    pub(super) cells: Vec<String>,
    pub(super) epochs: usize,
    pub(super) rounds: usize,
    pub(super) quick: bool,
}

/// A program that runs the stock job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// Our program on a backend.
    Ours(String),
    Keras,
    PyTorch,
    /// Burn's own layers on a backend.
    BurnNn(String),
}

impl Setup {
    /// Whether a GPU is measured, also for other frameworks.
    pub(super) fn on_gpu(&self) -> bool {
        self.backends.iter().any(|backend| backend == "wgpu")
    }

    /// All programs in order. The first is ours; the others are compared with it.
    pub(super) fn programs(&self) -> Vec<Program> {
        let ours = self.backends.iter().cloned().map(Program::Ours);
        let others = self
            .frameworks
            .iter()
            .cloned()
            .chain(self.backends.iter().cloned().map(Program::BurnNn));
        ours.chain(others.filter(|_| self.peers)).collect()
    }

    /// Path of one of our programs. They are copied to a separate folder, because another build may
    /// start before the last turn.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.scratch.join("programs").join(executable(name))
    }

    /// Our command on the price file.
    pub(super) fn rnn_train(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program("rnn-train"));
        command.args(args);
        self.on_data(command)
    }

    fn on_data(&self, mut command: Command) -> Command {
        if let Some(data) = &self.data {
            command.arg("--data").arg(data);
        }
        // The variable would replace the embedded sample.
        command.env_remove("RNN_STOCK_CSV");
        command
    }
}

impl Program {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Ours(backend) => format!("ours, {backend}"),
            Self::Keras => "Keras".to_owned(),
            Self::PyTorch => "PyTorch".to_owned(),
            Self::BurnNn(backend) => format!("burn::nn, {backend}"),
        }
    }

    /// The command that trains the stock model.
    pub(super) fn train(&self, setup: &Setup, cell: &str, epochs: usize) -> Result<Command> {
        let mut command = match self {
            Self::Ours(backend) => {
                let mut command = setup.rnn_train(&[
                    "train",
                    &format!("stock-{cell}"),
                    "--fresh",
                    "--progress",
                    "none",
                    "--backend",
                    backend,
                ]);
                command.arg("--artifacts").arg(&setup.scratch);
                command
            }
            Self::BurnNn(backend) => {
                let mut command = Command::new(setup.program("burn_nn_stock"));
                command.args(["--cell", cell, "--backend", backend]);
                setup.on_data(command)
            }
            Self::Keras | Self::PyTorch => self.script(setup, cell)?,
        };
        command.args(["--epochs", &epochs.to_string()]);
        Ok(command)
    }

    /// A framework's script of the stock job.
    pub(super) fn script(&self, setup: &Setup, cell: &str) -> Result<Command> {
        let script = if *self == Self::Keras { "keras_stock.py" } else { "pytorch_stock.py" };
        let mut command = Command::new(
            setup.python.as_ref().ok_or("scripts of other frameworks: no Python (add --peers)")?,
        );
        command
            .arg(root().join("benches/peers").join(script))
            .args(["--cell", cell])
            .arg("--data")
            .arg(&setup.peers_data);
        if setup.on_gpu() {
            command.args(["--device", "cuda"]);
        }
        Ok(command)
    }
}
