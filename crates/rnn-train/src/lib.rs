//! Trains and evaluates recurrent models: a library and the `rnn-train` command.
//!
//! # The library
//!
//! | type | purpose |
//! |---|---|
//! | [`Task`] | the learning task: [`SeriesTask`], [`LettersTask`], or your own model |
//! | [`Training`] | a builder: trains a task in memory, or in a folder with resumable checkpoints |
//! | [`TrainedModel`] | evaluates and forecasts |
//! | [`RunFolder`] | loads the model of an earlier run |
//! | [`Options`] | the options, named like the flags of the command |
//! | [`Evaluation`], [`Forecast`] | scores with baselines; values with prediction intervals |
//! | [`Observer`] | receives the progress; messages go to the `log` crate, nothing is printed |
//!
//! A series from rows in memory, without files:
//!
//! ```
//! use jiff::{ToSpan, civil::date};
//! use rnn_data::Table;
//! use rnn_train::{Options, SeriesTask, Training};
//!
//! let first = date(2024, 1, 1).at(0, 0, 0, 0);
//! let times = (0..400).map(|day| first + day.days()).collect();
//! let values = (0..400).map(|day| 10.0 + (f64::from(day) / 7.0).sin()).collect();
//! let table = Table::from_columns("sensor", times, [("temperature", values)])?;
//!
//! let options = Options::default().window(14).horizon(7).epochs(2);
//! let task = SeriesTask::from_table(table, options)?;
//! let model = Training::new(&task).run()?;
//! println!("{}", model.evaluate()?);
//! for value in &model.forecast(7)?[0].values {
//!     println!("{} {:.2} in {:?} .. {:?}", value.time, value.value, value.lower, value.upper);
//! }
//! # Ok::<(), rnn_train::Error>(())
//! ```
//!
//! `Training::new(&task).folder("runs/sensor")` writes checkpoints, scores and plots to that
//! folder. If the program is killed, run it again: it resumes and ends with the same bytes.
//! `examples/own_model.rs` trains your own model this way.
//!
//! The modules form layers. ARCHITECTURE.md lists them, and a test forbids upward imports.
//!
//! # The command
//!
//! [`main`] is the whole command. The examples below run in a scratch folder, on the embedded
//! synthetic sample. Pass your own file with `--data FILE`; a folder of files trains one model over
//! many series.
//!
//! ```
//! use std::process::ExitCode;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_str().unwrap();
//! let run = |args: &str| {
//!     let program = ["rnn-train", "--backend", "ndarray", "--artifacts", folder];
//!     let args = program.into_iter().chain(args.split(' '));
//!     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! };
//!
//! // Holdout split, early stopping, baselines and 90% prediction intervals.
//! run("train stock-gap --epochs 2");
//! // The next business days, with intervals.
//! run("forecast stock-gap");
//!
//! // Target, features, window, horizon, transform, split dates and interval level.
//! run(
//!     "train series --target close --features log-return(close),weekday --window 10 --horizon 5 \
//!      --transform log-residual --naive last-value --valid 2017-01-02 --test 2018-01-01 \
//!      --interval 0.8 --epochs 2 --fresh",
//! );
//! // Beyond the horizon, a forecast continues from its own values.
//! run("forecast series --steps 10 --json");
//! ```
//!
//! Walk-forward evaluation, and several seeds:
//!
//! ```
//! # use std::process::ExitCode;
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_str().unwrap();
//! # let run = |args: &str| {
//! #     let program = ["rnn-train", "--backend", "ndarray", "--artifacts", folder];
//! #     let args = program.into_iter().chain(args.split(' '));
//! #     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! # };
//! run("backtest stock-gap --folds 2 --epochs 1");
//! run("train stock-open --seeds 2 --epochs 1");
//! run("forecast stock-open --mean-of-seeds");
//! // All settings, as a file for `--config`.
//! run("config stock-gap");
//! ```
//!
//! Tuning: a learning rate range test, and a hyperparameter search on the validation set.
//!
//! ```
//! # use std::process::ExitCode;
//! # let folder = tempfile::tempdir().unwrap();
//! let space = folder.path().join("space.toml");
//! let text = "units = [[8], [16]]\nlearning_rate = { min = 1e-3, max = 1e-2, log = true }\n";
//! std::fs::write(&space, text).unwrap();
//! let space = space.to_str().unwrap();
//! # let folder = folder.path().to_str().unwrap();
//! # let run = |args: &str| {
//! #     let program = ["rnn-train", "--backend", "ndarray", "--artifacts", folder];
//! #     let args = program.into_iter().chain(args.split(' '));
//! #     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! # };
//! run("find-lr letters-onehot-4 --steps 50");
//! run(&format!("search stock-open --space {space} --trials 2 --epochs 1"));
//! let trial = |number: u32| format!("{folder}/stock-open/search/trial-00{number}/stock-open");
//! run(&format!("compare {} {}", trial(1), trial(2)));
//! // Quantiles instead of conformal intervals, and a decaying learning rate.
//! let schedule = "--schedule cosine --warmup 0.5";
//! let loss = "--loss quantile --quantiles 0.1,0.5,0.9";
//! run(&format!("train stock-open --epochs 2 {loss} {schedule}"));
//! ```
//!
//! One model over a folder of series. The files have other column names, dates and separators, and
//! missing values.
//!
//! ```
//! # use std::process::ExitCode;
//! # let folder = tempfile::tempdir().unwrap();
//! let series = folder.path().join("sensors");
//! std::fs::create_dir(&series).unwrap();
//! for sensor in 0..3 {
//!     let rows = (0..300).map(|row| {
//!         let value = (f64::from(row * (sensor + 3)) / 20.0).sin();
//!         let value = if row == 7 { String::new() } else { value.to_string() };
//!         format!("{:02}.{:02}.2024 {:02}:00;{value}\n", 1 + row / 24, 1, row % 24)
//!     });
//!     let text = "when;temperature\n".to_owned() + &rows.collect::<String>();
//!     std::fs::write(series.join(format!("{sensor}.csv")), text).unwrap();
//! }
//! # let folder = folder.path().to_str().unwrap();
//! # let run = |args: &str| {
//! #     let program = ["rnn-train", "--backend", "ndarray", "--artifacts", folder];
//! #     let args = program.into_iter().chain(args.split(' '));
//! #     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! # };
//! let data = series.to_str().unwrap();
//! let options = "--fill forward --season 24 --horizon 3 --skip-bad --epochs 2";
//! run(&format!("train series --data {data} {options}"));
//! run("forecast series --steps 24");
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod backend;
mod cli;
mod error;
mod evaluation;
#[doc(hidden)]
pub mod fuzzing;
mod panics;
mod plot;
mod run;
mod search;
mod settings;
mod task;
mod text;
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
    Experiment, LevelShifts, Loss, OptimizerName, Options, Progress, RateSchedule, ScoredSet,
    SeriesLoss, SplitName,
};
pub use task::{
    Batching, DayPrediction, Format, LetterPrediction, LettersTask, Loaders, Objective, SeriesTask,
    Task, WithLoss,
};
pub use training::{EpochProgress, Observer, SampleProgress, Silent, TrainedModel, Training};

/// The entry point of the `rnn-train` program. Unlike [`main`], it handles signals and runs several
/// trainings as processes of this program.
pub fn command(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    workers::is_program();
    // Without a handler, a signal ends this process anyway.
    drop(training::install());
    let args: Vec<OsString> = args.into_iter().collect();
    cli::within_limits(|| main(args))
}

/// Runs a command line and prints its error, if any. Exit codes: 0 success, 1 failure, 2 wrong
/// usage, 130 stopped by Ctrl-C, 143 stopped by SIGTERM.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    workers::end_with_caller();
    cli::log_to_stderr();
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    cli::remember(&cli);
    match cli::guarded(|| cli::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
