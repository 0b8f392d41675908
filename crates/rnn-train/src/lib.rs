//! Trains, evaluates and explains the experiments of the course; the library behind the `rnn-train` command.
//!
//! ```text
//! cli -> settings (flags over file over recipe) -> backend -> data -> fit (burn-train) -> checkpoint -> reports
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `cli`, `settings`, `recipe` | what was typed, what it means, the seven experiments |
//! | `backend` | which device runs, and why |
//! | `artifacts`, `checkpoint`, `history` | everything written to and read from an experiment's folder |
//! | `fit`, `learner`, `optimizer`, `progress` | training with burn-train |
//! | `job` | what training and reporting need of a task: its model, data and metrics |
//! | `evaluation`, `baselines`, `weights`, `plot` | what a run reports |
//! | `commands` | one file a command |

mod artifacts;
mod backend;
mod checkpoint;
mod cli;
mod commands;
mod console;
mod data;
mod error;
mod evaluation;
mod fit;
mod history;
mod job;
mod learner;
mod optimizer;
mod options;
mod plot;
mod progress;
mod recipe;
mod settings;
mod values;
mod weights;
mod workers;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

pub use error::{Error, GpuFault, Result};

/// Runs the command line and reports what went wrong, if anything: 0 done, 1 the run failed, 2 wrong usage.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match console::guarded(|| commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
