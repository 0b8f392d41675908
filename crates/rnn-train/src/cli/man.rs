//! `man`: manual pages of the program and of every command.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;
use rnn_files::{create_folders, write_following_links};

use super::output::out;
use crate::error::{Error, Result};

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder that the pages are written to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes the pages.
pub(super) fn run(args: &ManArgs, mut program: Command) -> Result<()> {
    create_folders(&args.out)?;
    program.build();
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    let pages: Vec<Command> = commands.cloned().collect();
    for page in std::iter::once(program.clone()).chain(pages) {
        let name = page.get_display_name().unwrap_or_else(|| page.get_name()).to_owned();
        let mut text = Vec::new();
        Man::new(page)
            .render(&mut text)
            .map_err(|error| Error::Internal(format!("a manual page failed: {error}")))?;
        write_following_links(&args.out.join(format!("{name}.1")), &text)?;
    }
    out(format_args!("written to {}", args.out.display()));
    Ok(())
}
