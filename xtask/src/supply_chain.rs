//! What the tree of dependencies holds: licences, sources, duplicates and advisories (`deny.toml`),
//! and nothing that is not used.

use std::process::Command;

use crate::shell::{Result, cargo, run as run_command, say};

/// The tools, and the versions that CI installs.
const TOOLS: [(&str, &str); 2] = [("deny", "0.20.2"), ("machete", "0.9.2")];
/// What `cargo deny` says when it cannot reach the database, which is a git repository on a host of
/// its own.
const UNREACHABLE: &str = "failed to fetch advisory database";

/// Runs both tools over the workspace.
///
/// # Errors
///
/// Returns an error if a tool is missing or finds something. A database of advisories that cannot
/// be fetched is said, and no error.
pub(crate) fn check() -> Result<()> {
    for (name, version) in TOOLS {
        let there = tool(&[name, "--version"]).output().is_ok_and(|output| output.status.success());
        if !there {
            let remedy = format!(
                "cargo install cargo-{name}@{version} --locked, or leave this step out with \
                 --no-tools"
            );
            return Err(format!("cargo-{name} is missing: {remedy}").into());
        }
    }
    run_command(tool(&["deny", "--locked", "check", "bans", "licenses", "sources"]))?;
    advisories()?;
    run_command(tool(&["machete"]))
}

/// A tool as from a shell: cargo-machete takes its arguments for others where it finds the name of
/// a package that cargo runs.
fn tool(args: &[&str]) -> Command {
    let mut command = cargo(args);
    command.env_remove("CARGO_PKG_NAME");
    command
}

fn advisories() -> Result<()> {
    let output = tool(&["deny", "--locked", "check", "advisories"]).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    say(said.trim());
    match output.status.success() {
        true => Ok(()),
        false if is_unreachable(&said) => {
            say("== LEFT OUT: advisories. The RustSec database cannot be fetched from here; \
                 everything else was checked");
            Ok(())
        }
        false => Err("cargo deny found advisories".into()),
    }
}

/// Whether nothing but the way to the database is at fault.
fn is_unreachable(said: &str) -> bool {
    said.contains(UNREACHABLE) && !said.contains("error[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_that_cannot_be_fetched_is_passed_over() {
        assert!(is_unreachable(
            "[ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db with \
             cli: failed to clone"
        ));
        assert!(!is_unreachable("error[vulnerability]: a crate\nadvisories FAILED"));
        assert!(!is_unreachable("[ERROR] failed to validate configuration file deny.toml"));
    }
}
