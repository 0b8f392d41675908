use std::{
    fmt,
    path::{Path, PathBuf},
};

use rnn_data::DataError;
use rnn_fetch::FetchError;
use rnn_files::{FileError, shortened};
use signal_hook::consts::{SIGINT, SIGTERM};
use thiserror::Error;

/// Reasons for a command to fail. Each message reads `what: why (fix)`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Wrong usage: invalid or contradictory options.
    #[error("{0}")]
    Usage(String),
    /// The input data is unusable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file of a folder is unusable.
    #[error("{0} (with train or backtest, use --skip-bad to skip and report such files)")]
    Panel(DataError),
    /// No file of a folder is usable.
    #[error("no file of the folder is usable; the first: {0}")]
    NoneGood(DataError),
    /// A settings file is unusable.
    #[error("{}", in_file(path, problem))]
    Settings {
        /// The TOML file.
        path: PathBuf,
        /// The problem, with its line.
        problem: String,
    },
    /// The requested backend is not available.
    #[error("{0}")]
    Backend(String),
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A file of an output folder is unusable.
    #[error("{}: {}", path.display(), shortened(problem, 600))]
    Artifact {
        /// File.
        path: PathBuf,
        /// The problem and its fix.
        problem: String,
    },
    /// The experiment has not been trained in this output folder.
    #[error(
        "{experiment}: not trained yet in {} (run `{}` first)",
        folder.display(),
        train_command(experiment, folder)
    )]
    NotTrained {
        /// Experiment.
        experiment: String,
        /// Its run folder.
        folder: PathBuf,
    },
    /// A GPU failed.
    #[error("{device}: {fault}: {message} ({advice}; saved checkpoints are intact)")]
    Gpu {
        /// Name of the adapter.
        device: String,
        /// Kind of failure.
        fault: GpuFault,
        /// Message of the driver, shortened to a line.
        message: String,
        /// The fix.
        advice: &'static str,
    },
    /// Training stopped before its last epoch.
    #[error("training stopped: {0}")]
    Training(String),
    /// Predictions are NaN or infinite.
    #[error(
        "predictions: NaN or infinite, {0} (check the data for extreme values, or use --fresh with \
         a smaller --learning-rate)"
    )]
    NotFinite(String),
    /// Training stopped on request and saved its state.
    #[error(
        "stopped {} {place}: progress saved (run the same command again{} to resume)",
        if *in_interface {
            "in the terminal interface".to_owned()
        } else {
            format!("by {}", signal.name())
        },
        if *fresh { " without --fresh" } else { "" }
    )]
    Interrupted {
        /// The signal.
        signal: Signal,
        /// True if the terminal interface asked for the stop.
        in_interface: bool,
        /// Epoch and step of the stop.
        place: String,
        /// True if the run was started with `--fresh`.
        fresh: bool,
    },
    /// One of several runs failed.
    #[error("{0}")]
    Worker(String),
    /// A download failed, or its file is unusable.
    #[error(transparent)]
    Fetch(FetchError),
    /// A limit of the system is too small.
    #[error("{0}")]
    Limit(String),
    /// Results could not be written to stdout.
    #[error("standard output: cannot be written: {0}")]
    Output(String),
    /// A bug.
    #[error("internal error: {0} (a bug in rnn-train; saved checkpoints are intact)")]
    Internal(String),
}

/// A result with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// A problem of a settings file, in the form of data errors: `FILE, line N: ...` or `FILE: ...`.
fn in_file(path: &Path, problem: &str) -> String {
    let mark = if problem.starts_with("line ") { ',' } else { ':' };
    format!("{}{mark} {}", path.display(), shortened(problem, 600))
}

/// The command that trains an experiment in a run folder.
pub(crate) fn train_command(experiment: &str, folder: &Path) -> String {
    let mut command = format!("rnn-train train {experiment}");
    if let Some(root) = folder.parent().filter(|root| *root != Path::new("artifacts")) {
        command += &format!(" --artifacts {}", root.display());
    }
    command
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Write { path, source } => Self::Write { path, source },
            FileError::Read { path, source } => {
                Self::Artifact { path, problem: format!("cannot be read: {source}") }
            }
            FileError::InUse { .. } => Self::Worker(error.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Request(problem) => Self::Usage(problem),
            FetchError::Files(error) => error.into(),
            FetchError::Data(error) => error.into(),
            FetchError::Internal(problem) => Self::Internal(problem),
            other => Self::Fetch(other),
        }
    }
}

impl Error {
    /// Exit code of the process: 2 for wrong usage, 129, 130 or 143 for a signal, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted { signal, .. } => signal.exit_code(),
            Self::Usage(_)
            | Self::Data(DataError::UnknownLetter { .. } | DataError::LetterCount { .. }) => 2,
            _ => 1,
        }
    }
}

/// A signal that asks the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, sent by `kill` and at shutdown.
    Terminate,
    /// SIGHUP, sent when the terminal is closed. Noted on Linux, unless the program was started
    /// with it ignored, as by `nohup`.
    Hangup,
}

impl Signal {
    /// The signals of this system.
    #[cfg(target_os = "linux")]
    pub(crate) const ALL: &[Self] = &[Self::Interrupt, Self::Terminate, Self::Hangup];
    /// The signals of this system.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const ALL: &[Self] = &[Self::Interrupt, Self::Terminate];

    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
            Self::Hangup => 1,
        }
    }

    /// Exit code after this signal: 130, 143 or 129, as in shells.
    pub fn exit_code(self) -> u8 {
        128 + u8::try_from(self.number()).unwrap_or(0)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        }
    }
}

/// Kinds of GPU failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuFault {
    /// Out of memory.
    OutOfMemory,
    /// The driver lost the device: a reset, a timeout or a removed GPU.
    Lost,
    /// A request exceeded a limit of the device.
    Limit,
    /// Anything else.
    Other,
}

impl fmt::Display for GpuFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "out of memory",
            Self::Lost => "device lost",
            Self::Limit => "device limit exceeded",
            Self::Other => "failed",
        })
    }
}
