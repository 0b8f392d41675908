//! `verify`: checks every file of run folders against its checksum.

use std::path::PathBuf;

use super::{
    context::Context,
    output::{json, out},
};
use crate::{
    error::{Error, Result},
    text::count,
    training::{Condition, FolderState, verify},
};

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Folder of a run or of many [default: artifacts]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Checks all runs below a folder.
pub(super) fn run(context: &Context, args: &VerifyArgs) -> Result<()> {
    let folder = args.folder.as_ref().unwrap_or(&context.settings.artifacts);
    let folders = verify(folder)?;
    if args.json {
        json(&folders);
    } else {
        folders.iter().for_each(print);
    }
    let files = || folders.iter().flat_map(|folder| &folder.files);
    let damaged = files().filter(|file| file.condition == Condition::Damaged).count();
    let path = folder.clone();
    if folders.is_empty() {
        let problem = "has no run (choose the folder of runs)".to_owned();
        return Err(Error::Artifact { path, problem });
    }
    if damaged > 0 {
        let files = count(files().count(), "file");
        let problem = format!("{damaged} of {files} damaged (see above for what `train` repairs)");
        return Err(Error::Artifact { path, problem });
    }
    Ok(())
}

fn print(folder: &FolderState) {
    let state = folder.run.as_deref().unwrap_or("no run");
    out(format_args!("{}: {state}", folder.path.display()));
    let of =
        |condition: Condition| folder.files.iter().filter(move |file| file.condition == condition);
    for (condition, text) in [
        (Condition::Whole, "whole"),
        (Condition::NoChecksum, "without a checksum"),
        (Condition::Leftover, "left by a killed process"),
        (Condition::Unknown, "unknown"),
    ] {
        let number = of(condition).count();
        if number > 0 {
            let names = of(condition).map(|file| file.path.display().to_string());
            let names = match condition {
                Condition::Whole => String::new(),
                _ => format!(": {}", names.collect::<Vec<_>>().join("  ")),
            };
            out(format_args!("  {} {text}{names}", count(number, "file")));
        }
    }
    for file in of(Condition::Damaged) {
        let problem = file.problem.as_deref().unwrap_or_default();
        out(format_args!("  DAMAGED {}: {problem}", file.path.display()));
    }
}
