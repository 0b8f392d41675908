//! Trains, evaluates and explains recurrent models: a library, and the `rnn-train` command.
//!
//! # The library
//!
//! | type | what it is |
//! |---|---|
//! | [`Task`] | what is learned: [`SeriesTask`], [`LettersTask`], or a model of one's own |
//! | [`Training`] | a builder: trains a task in memory, or in a folder where it can be resumed |
//! | [`TrainedModel`] | evaluates and forecasts |
//! | [`RunFolder`] | loads what an earlier training left |
//! | [`Options`] | what can be set; the same names as the flags of the command |
//! | [`Evaluation`], [`Forecast`] | scores beside baselines; values with prediction intervals |
//! | [`Observer`] | is told the progress; messages go to the `log` crate, nothing is printed |
//!
//! A series from rows in memory: no file is read or written.
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
//! `Training::new(&task).folder("runs/sensor")` writes checkpoints, scores and pictures there; the
//! same program, killed at any moment and started again, resumes and comes to the same bytes.
//! `examples/own_model.rs` trains a model of one's own so.
//!
//! The modules are layers: ARCHITECTURE.md lists them, a test forbids imports upwards.
//!
//! # The command
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
//!     let program = ["rnn-train", "--backend", "ndarray", "--artifacts", folder];
//!     let args = program.into_iter().chain(args.split(' '));
//!     assert_eq!(rnn_train::main(args.map(Into::into)), ExitCode::SUCCESS);
//! };
//!
//! // An honest split, early stopping, baselines beside the scores, 90% intervals.
//! run("train stock-gap --epochs 2");
//! // The next business days, with intervals.
//! run("forecast stock-gap");
//!
//! // Which column, what of it, how far back and ahead, in which form, split where.
//! run(
//!     "train series --target close --features log-return(close),weekday --window 10 --horizon 5 \
//!      --transform log-residual --naive last-value --valid 2017-01-02 --test 2018-01-01 \
//!      --interval 0.8 --epochs 2 --fresh",
//! );
//! // Beyond the horizon a forecast continues from its own values.
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
//! #     let program = ["rnn-train", "--backend", "ndarray", "--artifacts", folder];
//! #     let args = program.into_iter().chain(args.split(' '));
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
//! // Quantiles instead of conformal intervals, and a rate that falls.
//! let schedule = "--schedule cosine --warmup 0.5";
//! let loss = "--loss quantile --quantiles 0.1,0.5,0.9";
//! run(&format!("train stock-open --epochs 2 {loss} {schedule}"));
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
    cli::log_to_stderr();
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli::guarded(|| cli::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
