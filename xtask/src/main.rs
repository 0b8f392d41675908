//! Project tasks, run as `cargo xtask <task>`.

mod bench;
mod ci;
mod cpu_core;
mod process;
mod progress;
mod public_api;
mod results;
mod sample;
mod seasonal;
mod shell;
#[cfg(target_os = "linux")]
mod soak;
mod supply_chain;
#[cfg(target_os = "linux")]
#[path = "../../crates/rnn-train/tests/survival/mod.rs"]
mod survival;
mod table;
mod tencent;
mod train_all;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project tasks")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Train all experiments in release and print one table
    TrainAll(train_all::Args),
    /// Score the price experiments over several seeds, backtest one, and print the README's table
    Results(results::Args),
    /// Time training, inference and whole commands; --peers adds Keras, PyTorch and Burn's own
    /// layers
    Bench(bench::Args),
    /// Run what CI runs
    Ci(ci::Args),
    /// Compare the public API of the crates with their public-api.txt; --write updates the files
    Api(public_api::Args),
    /// Stress trainings for longer than the tests do (kills, full disks, faults, fuzzing, memory)
    /// and print the figures of docs/reliability.md
    #[cfg(target_os = "linux")]
    Soak(soak::Args),
    /// Check the unsafe code of the CPU core with Miri, on nightly
    Miri(cpu_core::Args),
    /// Check the unsafe code of the CPU core with AddressSanitizer, on nightly
    Sanitize(cpu_core::Args),
    /// Write the synthetic sample to assets/, with the same bytes every time
    Sample(sample::Args),
}

fn main() -> ExitCode {
    if let Some(code) = public_api::as_rustdoc() {
        return code;
    }
    let result = match Cli::parse().task {
        Task::TrainAll(args) => train_all::run(&args),
        Task::Results(args) => results::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Ci(args) => ci::run(&args),
        Task::Api(args) => public_api::run(&args),
        #[cfg(target_os = "linux")]
        Task::Soak(args) => soak::run(&args),
        Task::Miri(args) => cpu_core::miri(&args),
        Task::Sanitize(args) => cpu_core::sanitize(&args),
        Task::Sample(args) => sample::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
