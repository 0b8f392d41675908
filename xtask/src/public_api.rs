//! The crates that users depend on: their public API as text, and their packages.

use std::process::Command;

use crate::ci::VULKAN;
use crate::shell::{Result, cargo, root, run as run_command, say, target};

#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Write the files instead of comparing them
    #[arg(long)]
    write: bool,
}

/// Crates for users, lowest first.
const CRATES: [&str; 6] =
    ["rnn-kernels", "rnn-models", "rnn-data", "rnn-files", "rnn-fetch", "rnn-train"];
/// If this is set, the program is rustdoc with unstable options.
const AS_RUSTDOC: &str = "XTASK_AS_RUSTDOC";

/// Compares the public API of every crate with its `public-api.txt`.
///
/// # Errors
///
/// Returns an error with the changed lines if a file is out of date.
pub(crate) fn run(args: &Args) -> Result<()> {
    // The features are those of the docs in CI, so that nothing is built twice. Only rustdoc may
    // use unstable options, which would rebuild the dependencies.
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--lib", "--features", VULKAN]);
    docs.env("RUSTDOC", std::env::current_exe()?)
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
        .env(AS_RUSTDOC, "1");
    run_command(docs)?;
    let mut changed = Vec::new();
    for name in CRATES {
        let json = target("doc").join(name.replace('-', "_") + ".json");
        let file = root().join("crates").join(name).join("public-api.txt");
        let mut list = cargo(&["public-api", "-sss", "--rustdoc-json"]);
        let output = list.arg(&json).output()?;
        if !output.status.success() {
            let problem = String::from_utf8_lossy(&output.stderr);
            let remedy = "cargo-public-api: `cargo install cargo-public-api@0.52.0 --locked`";
            return Err(format!("{}\n({remedy})", problem.trim()).into());
        }
        let text = String::from_utf8(output.stdout)?;
        if args.write {
            fs_err::write(&file, text)?;
            continue;
        }
        let before = fs_err::read_to_string(&file).unwrap_or_default();
        changed
            .extend(difference(&before, &text).into_iter().map(|line| format!("{name}: {line}")));
    }
    if changed.is_empty() {
        return Ok(());
    }
    changed.iter().for_each(|line| say(line));
    Err("the public API has changed (`cargo xtask api --write` updates the files)".into())
}

/// Lines of one text only, `-` before and `+` after.
fn difference(before: &str, after: &str) -> Vec<String> {
    let only = |one: &str, other: &str, sign: char| -> Vec<String> {
        let other: std::collections::HashSet<&str> = other.lines().collect();
        one.lines()
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    [only(before, after, '-'), only(after, before, '+')].concat()
}

/// Packs every crate as for publication, without building it.
pub(crate) fn package() -> Result<()> {
    let mut command = cargo(&["package", "--no-verify", "--allow-dirty", "--quiet"]);
    command.args(CRATES.iter().flat_map(|name| ["-p", name]));
    run_command(command)
}

/// Runs rustdoc with the arguments of this process, if cargo started it as rustdoc.
pub(crate) fn as_rustdoc() -> Option<std::process::ExitCode> {
    std::env::var_os(AS_RUSTDOC)?;
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1");
    let code = rustdoc.status().ok().and_then(|status| status.code()).unwrap_or(1);
    Some(std::process::ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_and_added_lines_are_listed() {
        assert_eq!(difference("a\nb\n", "b\nc\n"), ["- a", "+ c"]);
        assert!(difference("a\n", "a\n").is_empty());
    }
}
