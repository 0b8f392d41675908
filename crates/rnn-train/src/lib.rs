//! Trains, evaluates and explains the experiments of the course; the library behind the `rnn-train`
//! command.
//!
//! ```text
//! cli -> settings (flags over file over recipe) -> backend -> data -> fit (burn-train) -> checkpoint -> reports
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `cli`, `options`, `values`, `settings`, `recipe` | what was typed, what it means, the experiments |
//! | `data` | which columns of a file or folder are meant |
//! | `backend` | which device runs, and why |
//! | `artifacts`, `checkpoint`, `history`, `files`, `lock` | everything written to and read from an experiment's folder |
//! | `fit`, `learner`, `optimizer`, `schedule`, `progress`, `interrupt` | training with burn-train |
//! | `record` | what Burn reads, where it panics |
//! | `range_test` | finding a learning rate |
//! | `search` | what a search tries, and what came of it |
//! | `reading` | everything that reads what others wrote, on bytes: for the fuzz targets |
//! | `workers` | several trainings at once |
//! | `task` | what training and reporting need of a task: its model, data and metrics |
//! | `evaluation`, `weights`, `plot` | what a run reports |
//! | `commands` | one file a command |
//!
//! # Examples
//!
//! [`main`] is the whole command: what follows runs as it stands, in a scratch folder and on the
//! embedded synthetic sample. With a file of one's own each takes `--data FILE`; a folder of files
//! trains one model over many series.
//!
//! ```
//! use std::process::ExitCode;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_str().unwrap();
//! let run = |args: &str| {
//!     let args = ["rnn-train", "--backend", "ndarray", "--artifacts", folder].into_iter().chain(args.split(' '));
//!     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! };
//!
//! // An honest split, early stopping, baselines beside the scores, 90% intervals: the next open against the last close.
//! run("train stock-gap --epochs 2");
//! // The next business days, with intervals.
//! run("forecast stock-gap");
//!
//! // Which column, what of it, how far back and ahead, in which form, split where.
//! run(
//!     "train series --target close --features log-return(close),weekday --window 10 --horizon 5 --transform log-residual --naive last-value \
//!      --valid 2017-01-02 --test 2018-01-01 --interval 0.8 --epochs 2 --fresh",
//! );
//! // Beyond the horizon a forecast goes on from what it has said, where the model reads nothing else.
//! run("forecast series --steps 10 --json");
//! ```
//!
//! Walk-forward retraining, and several seeds:
//!
//! ```
//! # use std::process::ExitCode;
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_str().unwrap();
//! # let run = |args: &str| {
//! #     let args = ["rnn-train", "--backend", "ndarray", "--artifacts", folder].into_iter().chain(args.split(' '));
//! #     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! # };
//! run("backtest stock-gap --folds 2 --epochs 1");
//! run("train stock-open --seeds 2 --epochs 1");
//! run("forecast stock-open --mean-of-seeds");
//! // Every setting, as a file that `--config` takes.
//! run("config stock-gap");
//! ```
//!
//! Settings, found: a learning rate by a short training whose rate rises, anything by a search on
//! the validation part.
//!
//! ```
//! # use std::process::ExitCode;
//! # let folder = tempfile::tempdir().unwrap();
//! let space = folder.path().join("space.toml");
//! std::fs::write(&space, "units = [[8], [16]]\nlearning_rate = { min = 1e-3, max = 1e-2, log = true }\n").unwrap();
//! let space = space.to_str().unwrap();
//! # let folder = folder.path().to_str().unwrap();
//! # let run = |args: &str| {
//! #     let args = ["rnn-train", "--backend", "ndarray", "--artifacts", folder].into_iter().chain(args.split(' '));
//! #     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! # };
//! run("find-lr letters-onehot-4 --steps 50");
//! run(&format!("search stock-open --space {space} --trials 2 --epochs 1"));
//! run(&format!("compare {folder}/stock-open/search/trial-001/stock-open {folder}/stock-open/search/trial-002/stock-open"));
//! // Quantiles instead of conformal intervals, and a rate that falls.
//! run("train stock-open --epochs 2 --loss quantile --quantiles 0.1,0.5,0.9 --schedule cosine --warmup 0.5");
//! ```
//!
//! One model over a folder of series, and a file with what real files have: other names, dates,
//! separators, missing values.
//!
//! ```
//! # use std::process::ExitCode;
//! # let folder = tempfile::tempdir().unwrap();
//! let series = folder.path().join("sensors");
//! std::fs::create_dir(&series).unwrap();
//! for sensor in 0..3 {
//!     let rows = (0..300).map(|row| {
//!         let value = if row == 7 { String::new() } else { (f64::from(row * (sensor + 3)) / 20.0).sin().to_string() };
//!         format!("{:02}.{:02}.2024 {:02}:00;{value}\n", 1 + row / 24, 1, row % 24)
//!     });
//!     std::fs::write(series.join(format!("{sensor}.csv")), "when;temperature\n".to_owned() + &rows.collect::<String>()).unwrap();
//! }
//! # let folder = folder.path().to_str().unwrap();
//! # let run = |args: &str| {
//! #     let args = ["rnn-train", "--backend", "ndarray", "--artifacts", folder].into_iter().chain(args.split(' '));
//! #     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! # };
//! let data = series.to_str().unwrap();
//! run(&format!("train series --data {data} --fill forward --season 24 --horizon 3 --skip-bad --epochs 2"));
//! run("forecast series --steps 24");
//! ```

mod backend;
mod cli;
mod console;
mod error;
mod evaluation;
#[doc(hidden)]
pub mod fuzzing;
mod plot;
mod run;
mod search;
mod settings;
mod task;
mod training;
mod workers;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

pub use backend::BackendChoice;
pub use error::{Error, GpuFault, Result, Signal};
pub use evaluation::{
    BaselineScores, Conformal, Evaluation, Forecast, ForecastValue, IntervalMethod, IntervalScores,
    LettersEvaluation, QuantileScore, ScaledScores, Scores, SeriesEvaluation, StepScores,
};
pub use plot::Picture;
pub use run::{DataSource, Epoch, Provenance, RunConfig, RunFolder};
pub use settings::{
    Experiment, Loss, OptimizerName, Options, Progress, RateSchedule, ScoredPart, SeriesLoss,
    SplitName,
};
pub use task::{
    Batching, DayPrediction, Format, LetterPrediction, LettersTask, Loaders, Objective, SeriesTask,
    Task, WithLoss,
};
pub use training::{EpochProgress, Observer, SampleProgress, Silent, TrainedModel, Training};

/// The same for the `rnn-train` command itself, which runs several trainings as processes of its
/// own program.
pub fn command(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    workers::is_program();
    // Where the system refuses, a signal ends this process all the same.
    drop(training::install());
    main(args)
}

/// Runs the command line and reports what went wrong, if anything: 0 done, 1 the run failed, 2
/// wrong usage, 130 or 143 stopped by Ctrl-C or SIGTERM.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    workers::end_with_caller();
    console::log_to_stderr();
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match console::guarded(|| cli::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
