//! Checks the dependency tree: licences, sources, duplicates and advisories (`deny.toml`), and
//! unused dependencies.

use std::process::Command;

use crate::shell::{Result, cargo, run as run_command, say};

/// The tools, with the versions that CI installs.
const TOOLS: [(&str, &str); 2] = [("deny", "0.20.2"), ("machete", "0.9.2")];
/// Message of `cargo deny` if it cannot reach the database, a git repository on another host.
const UNREACHABLE: &str = "failed to fetch advisory database";

/// Runs both tools over the workspace.
///
/// # Errors
///
/// Returns an error if a tool is missing or finds a problem. If the database of advisories cannot
/// be fetched, it prints a note and continues.
pub(crate) fn check() -> Result<()> {
    for (name, version) in TOOLS {
        let there = tool(&[name, "--version"]).output().is_ok_and(|output| output.status.success());
        if !there {
            let remedy = format!(
                "run `cargo install cargo-{name}@{version} --locked`, or skip this step with \
                 --no-tools"
            );
            return Err(format!("cargo-{name}: not installed ({remedy})").into());
        }
    }
    run_command(tool(&["deny", "--locked", "check", "bans", "licenses", "sources"]))?;
    advisories()?;
    run_command(tool(&["machete"]))
}

/// Command of a tool, with the environment of a shell. With `CARGO_PKG_NAME` set, cargo-machete
/// would misread its arguments.
fn tool(args: &[&str]) -> Command {
    let mut command = cargo(args);
    command.env_remove("CARGO_PKG_NAME");
    command
}

fn advisories() -> Result<()> {
    let output = tool(&["deny", "--locked", "check", "advisories"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    say(text.trim());
    match output.status.success() {
        true => Ok(()),
        false if is_unreachable(&text) => {
            say(
                "== LEFT OUT: advisories. The RustSec database cannot be fetched; everything else \
                 was checked",
            );
            Ok(())
        }
        false => Err("cargo deny found advisories".into()),
    }
}

/// True if the only problem is that the database cannot be reached.
fn is_unreachable(output: &str) -> bool {
    output.contains(UNREACHABLE) && !output.contains("error[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unreachable_database_is_tolerated() {
        assert!(is_unreachable(
            "[ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db with \
             cli: failed to clone"
        ));
        assert!(!is_unreachable("error[vulnerability]: a crate\nadvisories FAILED"));
        assert!(!is_unreachable("[ERROR] failed to validate configuration file deny.toml"));
    }
}
