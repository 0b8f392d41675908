//! Running commands, reading files and talking to the terminal.

use std::{
    error::Error,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Error of a task: text for the user.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}

/// A path in the target folder.
pub(crate) fn target(name: &str) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |target| root().join(target))
        .join(name)
}

/// Creates an empty folder in the target folder.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let folder = target(name);
    if folder.exists() {
        fs_err::remove_dir_all(&folder)?;
    }
    fs_err::create_dir_all(&folder)?;
    Ok(folder)
}

/// Path of a built program.
pub(crate) fn built(profile: &str, name: &str) -> PathBuf {
    target(profile).join(executable(name))
}

/// File name of a program.
pub(crate) fn executable(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// A cargo command that runs in the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// `cargo +nightly` in the workspace's root. It also works if the running cargo is not rustup's.
pub(crate) fn nightly(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(root()).args(["run", "nightly", "cargo"]).args(args);
    command
}

/// Runs a command and fails if it fails.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let shown = shown(&command);
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}").into()) }
}

/// A command as typed in a shell.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Reads a JSON file.
pub(crate) fn json(path: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&fs_err::read_to_string(path)?)
        .map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Absolute path of an existing file.
pub(crate) fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>> {
    Ok(path.map(fs_err::canonicalize).transpose()?)
}

/// Writes one line to stderr.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes text to stdout.
pub(crate) fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
