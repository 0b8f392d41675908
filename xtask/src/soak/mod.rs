//! Tests the promises of docs/reliability.md for longer than `cargo test` does, and prints their
//! figures.

mod disk;
mod fetch;
mod flips;
mod fuzz;
mod groups;
mod kills;
mod memory;
mod power;
mod signals;
mod strace;
mod trees;

use std::{path::PathBuf, time::Instant};

use clap::ValueEnum;

use crate::{
    progress::Progress,
    shell::{Result, built, cargo, executable, print, run as run_command, say, scratch},
    survival::Run,
    table::markdown,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Phases to run
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "kills,fetch,groups,flips,signals,disk,faults,power,fuzz,memory"
    )]
    phases: Vec<Phase>,
    /// Number of kills; a third each for letters, for prices, and for prices with checkpoints
    /// inside epochs
    #[arg(long, default_value_t = 240)]
    kills: usize,
    /// Number of kills of fetch
    #[arg(long, default_value_t = 120)]
    fetch_kills: usize,
    /// Number of kills of each of: search, search by halving, backtest, and --seeds
    #[arg(long, default_value_t = 100)]
    group_kills: usize,
    /// Number of flipped bits
    #[arg(long, default_value_t = 500)]
    flips: usize,
    /// Number of signals
    #[arg(long, default_value_t = 40)]
    signals: usize,
    /// Number of injected faults per kind of system call
    #[arg(long, default_value_t = 40)]
    faults: usize,
    /// Number of power losses, in a new folder and with --fresh over another run
    #[arg(long, default_value_t = 300)]
    power_losses: usize,
    /// Seconds of fuzzing per reader
    #[arg(long, default_value_t = 60)]
    fuzz_seconds: u64,
    /// Number of epochs of the memory phase
    #[arg(long, default_value_t = 2000)]
    epochs: usize,
    /// Seed of the random moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use the dev build, as the tests do, instead of the release build
    #[arg(long)]
    dev: bool,
}

/// A phase of the soak.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// SIGKILL at random moments, in a new folder and with --fresh over another run
    Kills,
    /// SIGKILL at random moments of a fetch from a local server
    Fetch,
    /// SIGKILL at random moments of searches, backtests and --seeds
    Groups,
    /// Flipped bits in every file of a run, a search and seeds, then all commands that read them
    Flips,
    /// SIGINT and SIGTERM at random moments
    Signals,
    /// Files beyond a size limit, and full disks of many sizes
    Disk,
    /// Failing system calls, with strace
    Faults,
    /// Power losses at each change of a file, recorded with strace
    Power,
    /// All readers of files and server answers, with cargo-fuzz on nightly
    Fuzz,
    /// Memory of a long training
    Memory,
}

/// Setup that all phases share.
struct Setup {
    program: PathBuf,
    /// Folder for runs; empty at the start.
    scratch: PathBuf,
}

impl Setup {
    /// The letters experiment with the whole alphabet; it takes a second or two.
    fn letters(&self, folder: &str, options: &[&str]) -> Run {
        self.run("letters-embedding-4", folder, options)
    }

    /// A small model of the synthetic prices. It has a schedule, dropout, and early stopping that
    /// never triggers.
    fn prices(&self, folder: &str, options: &[&str]) -> Run {
        let model = ["--units", "12,12", "--window", "20", "--dropout", "0.2"];
        self.run("stock-gru", folder, &[&model[..], options].concat())
    }

    fn run(&self, experiment: &'static str, folder: &str, options: &[&str]) -> Run {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Run {
            program: self.program.clone(),
            folder: self.scratch.join(folder),
            experiment,
            options,
        }
    }
}

/// A row of the table.
struct Row {
    promise: &'static str,
    figure: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let setup = prepare(args)?;
    let started = Instant::now();
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (index, phase) in args.phases.iter().enumerate() {
        let name =
            phase.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        say(&format!("\n[{}/{}] {name}", index + 1, args.phases.len()));
        let result = match phase {
            Phase::Kills => kills::run(&setup, args.kills, args.seed),
            Phase::Fetch => fetch::run(&setup, args.fetch_kills, args.seed),
            Phase::Groups => groups::run(&setup, args.group_kills, args.seed),
            Phase::Flips => flips::run(&setup, args.flips, args.seed),
            Phase::Signals => signals::run(&setup, args.signals, args.seed),
            Phase::Disk => disk::run(&setup),
            Phase::Faults => strace::run(&setup, args.faults),
            Phase::Power => power::run(&setup, args.power_losses, args.seed),
            Phase::Fuzz => fuzz::run(args.fuzz_seconds),
            Phase::Memory => memory::run(&setup, args.epochs),
        };
        match result {
            Ok(found) => rows.extend(found),
            Err(problem) => {
                say(&format!("{name}: {problem}"));
                problems.push(format!("{name}: {problem}"));
            }
        }
    }
    print(&table(&rows, args));
    say(&format!("{:.0} s", started.elapsed().as_secs_f64()));
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Builds the program and creates a folder for runs. Fuzzing needs neither.
fn prepare(args: &Args) -> Result<Setup> {
    if args.phases == [Phase::Fuzz] {
        return Ok(Setup { program: PathBuf::new(), scratch: PathBuf::new() });
    }
    let profile = if args.dev { "debug" } else { "release" };
    say(&format!("building ({profile})"));
    // Both packages in one build: separate builds would compile half of Burn again, with other
    // features.
    let release = [
        "build",
        "--release",
        "--package",
        "rnn-train",
        "--package",
        "workspace-benches",
        "--bins",
    ];
    run_command(cargo(if args.dev {
        &["build", "--workspace", "--all-targets"]
    } else {
        &release
    }))?;
    let scratch = scratch("soak")?;
    // A copy, because another build may replace the program before the soak ends.
    let program = scratch.join(executable("rnn-train"));
    fs_err::copy(built(profile, "rnn-train"), &program)?;
    Ok(Setup { program, scratch })
}

fn table(rows: &[Row], args: &Args) -> String {
    let build = if args.dev { "dev" } else { "release" };
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| vec![row.promise.to_owned(), row.figure.clone()]).collect();
    format!(
        "\n{}, {build} build, seed {}\n\n{}",
        jiff::Zoned::now().date(),
        args.seed,
        markdown(&["promise", "figure"], 2, &rows)
    )
}
