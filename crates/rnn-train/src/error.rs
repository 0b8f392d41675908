use std::{fmt, path::PathBuf};

use rnn_data::DataError;
use rnn_fetch::FetchError;
use rnn_files::{FileError, shortened};
use signal_hook::consts::{SIGINT, SIGTERM};
use thiserror::Error;

/// What can stop a command; each message says where, what was expected, what was there and what to
/// do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The input data is unusable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file of a folder is unusable.
    #[error("{0}; --skip-bad (of train and backtest) leaves out such files and says which")]
    Panel(DataError),
    /// No file of a folder is usable.
    #[error("none of the files can be used; the first: {0}")]
    NoneGood(DataError),
    /// A settings file is unusable.
    #[error("{}: {}", path.display(), shortened(problem, 600))]
    Settings {
        /// The TOML file.
        path: PathBuf,
        /// What is wrong, with its line.
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
    /// A file of an artifact folder cannot be read.
    #[error("{}: {}", path.display(), shortened(problem, 600))]
    Artifact {
        /// File.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The experiment has not been trained in this artifact folder.
    #[error(
        "{experiment} has not been trained in {}: run `rnn-train train {experiment}` first",
        folder.display()
    )]
    NotTrained {
        /// Experiment.
        experiment: String,
        /// Its artifact folder.
        folder: PathBuf,
    },
    /// A GPU failed.
    #[error("{device} {fault} ({said}); {advice}; checkpoints written so far are intact")]
    Gpu {
        /// Name of its adapter.
        device: String,
        /// What happened to it.
        fault: GpuFault,
        /// What its driver said, shortened to a line.
        said: String,
        /// What to do.
        advice: &'static str,
    },
    /// Training stopped before its last epoch.
    #[error("training stopped: {0}")]
    Training(String),
    /// Predictions are no numbers.
    #[error(
        "the model predicts what is no number ({0}); look for extreme values in the data, or train \
         again with --fresh and a smaller --learning-rate"
    )]
    NotFinite(String),
    /// Training was asked to stop, and has saved where it was.
    #[error(
        "stopped {} {place}; all is saved, and the same command{} goes on from there",
        if *in_interface {
            "in the terminal interface".to_owned()
        } else {
            format!("by {}", signal.name())
        },
        if *fresh { " without --fresh" } else { "" }
    )]
    Interrupted {
        /// What asked.
        signal: Signal,
        /// Whether it was asked in the terminal interface.
        in_interface: bool,
        /// Where it was.
        place: String,
        /// Whether it had started over.
        fresh: bool,
    },
    /// One of several runs failed.
    #[error("{0}")]
    Worker(String),
    /// Bars cannot be downloaded, or not into that file.
    #[error(transparent)]
    Fetch(FetchError),
    /// Results could not be written to stdout.
    #[error("standard output cannot be written: {0}")]
    Output(String),
    /// Something that should not happen.
    #[error(
        "internal error: {0}; this is a bug in rnn-train, and checkpoints written so far are intact"
    )]
    Internal(String),
}

/// A result with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

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
    /// Exit code of the process: 2 for wrong usage, that of its signal where it was interrupted
    /// (130, 143), 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted { signal, .. } => signal.exit_code(),
            Self::Usage(_)
            | Self::Data(DataError::UnknownLetter { .. } | DataError::LetterCount { .. }) => 2,
            _ => 1,
        }
    }
}

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What `kill` sends, and a machine that shuts down.
    Terminate,
}

impl Signal {
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
        }
    }

    /// Exit code of a process that ends for it: 130 or 143, as shells have it.
    pub fn exit_code(self) -> u8 {
        128 + u8::try_from(self.number()).unwrap_or(0)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// What happened to a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuFault {
    /// There was no memory left.
    OutOfMemory,
    /// The driver gave the device up: a reset, a time limit, a GPU that was taken away.
    Lost,
    /// Something asked for is larger than the device allows.
    Limit,
    /// Anything else.
    Other,
}

impl fmt::Display for GpuFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "ran out of memory",
            Self::Lost => "was lost",
            Self::Limit => "was asked for more than its limits allow",
            Self::Other => "failed",
        })
    }
}
