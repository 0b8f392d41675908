//! `completions`: the flags of every command, for a shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::output::out;
use crate::error::Result;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to generate the script for
    shell: Shell,
}

/// Prints a completion script.
pub(super) fn run(args: &CompletionsArgs, mut program: Command) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut program, "rnn-train", &mut script);
    out(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
