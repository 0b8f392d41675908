//! Running commands and talking to the terminal.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::Command,
};

/// What a task fails with: one line for the user.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}

/// The folder of a profile's builds: `debug` or `release`.
pub(crate) fn build_folder(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target));
    target.join(profile)
}

/// A program of a profile's build.
pub(crate) fn built(profile: &str, name: &str) -> PathBuf {
    build_folder(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A cargo command in the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// Runs a command and fails when it does.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let shown = format!("{} {}", command.get_program().to_string_lossy(), join(&command));
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// Writes one line to stderr.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes text to stdout.
pub(crate) fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn join(command: &Command) -> String {
    command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
