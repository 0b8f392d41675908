//! `completions`: the flags of every command, for a shell.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, output::out};
use crate::error::Result;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell that reads them
    shell: Shell,
}

/// Prints a completion script.
pub(super) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "rnn-train", &mut script);
    out(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
