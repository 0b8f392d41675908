//! The steps that CI runs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    public_api,
    shell::{Result, absolute, built, cargo, root, run as run_command, say},
    supply_chain,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the steps that need a Vulkan driver (a software driver is enough)
    #[arg(long)]
    no_gpu: bool,
    /// Leave out the steps that need cargo-deny, cargo-machete or cargo-public-api
    #[arg(long)]
    no_tools: bool,
    /// Leave out `cargo test --workspace`, which has just been run
    #[arg(long)]
    tested: bool,
    /// Price file to train on for two epochs [default: leave this step out]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

/// Features that build all packages with GPU code, and the reader of Parquet files.
const GPU: &str = "rnn-train/wgpu,workspace-benches/wgpu,workspace-tests/wgpu,rnn-train/parquet";
/// The same, with kernels compiled to SPIR-V. CI builds it without running it: see ARCHITECTURE.md,
/// "What Burn leaves to us".
pub(crate) const VULKAN: &str =
    "rnn-train/vulkan,workspace-benches/vulkan,workspace-tests/wgpu,rnn-train/parquet";

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = absolute(args.data.as_deref())?;
    step("format", cargo(&["fmt", "--all", "--check"]))?;
    if !args.no_tools {
        timed("dependencies", supply_chain::check)?;
    }
    if !args.tested {
        step("test", cargo(&["test", "--workspace"]))?;
    }
    // Users may leave out every backend.
    step("features", cargo(&["check", "-p", "rnn-models", "--no-default-features"]))?;
    real_data(data.as_deref())?;
    // With all GPU code: checking it needs no GPU.
    step(
        "clippy",
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            VULKAN,
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--features", VULKAN]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    step("docs", docs)?;
    if !args.no_tools {
        timed("public API", || public_api::run(&public_api::Args::default()))?;
    }
    timed("packages", public_api::package)?;
    if args.no_gpu { Ok(()) } else { gpu() }
}

/// Trains two epochs on a real price file, if one is given.
fn real_data(file: Option<&Path>) -> Result<()> {
    let Some(file) = file else {
        say("\n== real data: skipped (--data FILE names a price file)");
        return Ok(());
    };
    let mut command = rnn_train(&["train", "stock-rnn", "--fresh", "--epochs", "2", "--data"]);
    command.arg(file).arg("--artifacts").arg(root().join("target/ci-artifacts"));
    step("real data", command)
}

/// The program that the tests have built. Building it alone would rebuild half of Burn, because
/// another package enables a feature of `ciborium`.
fn rnn_train(args: &[&str]) -> Command {
    let mut command = Command::new(built("debug", "rnn-train"));
    command.current_dir(root()).args(args).stdin(Stdio::null());
    command
}

/// Tests the wgpu backend: the operators, the golden vectors, and the command. It trains all
/// letters experiments, and each cell for an epoch on prices. Tests of Parquet files run here, too:
/// they need a build of their own in any case.
fn gpu() -> Result<()> {
    let mut tests = cargo(&["test", "--workspace", "--features", GPU, "--"]);
    tests.args(["gpu", "golden", "parquet", "wgpu"]);
    step("tests, wgpu", tests)?;
    step("devices", rnn_train(&["devices"]))
}

fn step(name: &str, command: Command) -> Result<()> {
    timed(name, || run_command(command))
}

fn timed(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("\n== {name}"));
    let started = Instant::now();
    work()?;
    say(&format!("== {name}: {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}
