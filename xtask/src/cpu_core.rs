//! Runs the unsafe code of the CPU core under Miri and AddressSanitizer.
//!
//! Neither tool is practical for all of Burn: Miri would take days, and the sanitizer needs a full
//! rebuild. The core does not depend on Burn. So a generated crate includes it and its tests by
//! path.

use std::path::Path;

use crate::shell::{Result, nightly, root, run as run_command, say};

/// Passed as `--target`; without it, cargo would also sanitize build scripts.
const TARGET: &str = "x86_64-unknown-linux-gnu";
const SCRATCH: &str = "target/cpu-core";

/// Tree borrows are needed because rayon's crossbeam-epoch violates the older model. The other
/// flags let rayon query the number of threads and tag pointers.
const MIRI: &str = "-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-disable-isolation";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only tests whose name contains this [default: all]
    filter: Option<String>,
}

/// Interprets the core's tests on the scalar path, with two threads.
pub(crate) fn miri(args: &Args) -> Result<()> {
    let installed =
        nightly(&["miri", "--version"]).output().is_ok_and(|output| output.status.success());
    if !installed {
        return Err("Miri: not installed (run `rustup toolchain install nightly --component miri \
                    --component rust-src`)"
            .into());
    }
    test(&["miri", "test"], ("MIRIFLAGS", MIRI), args)
}

/// Runs the core's tests with every memory access checked, for every instruction set of this
/// machine.
pub(crate) fn sanitize(args: &Args) -> Result<()> {
    let installed = nightly(&["--version"]).output().is_ok_and(|output| output.status.success());
    if !installed {
        return Err(
            "AddressSanitizer: no nightly toolchain (run `rustup toolchain install nightly`)"
                .into(),
        );
    }
    test(&["test", "--release", "--target", TARGET], ("RUSTFLAGS", "-Zsanitizer=address"), args)
}

fn test(task: &[&str], (variable, flags): (&str, &str), args: &Args) -> Result<()> {
    let folder = root().join(SCRATCH);
    write_crate(&folder)?;
    let mut command = nightly(task);
    command
        .current_dir(&folder)
        .env(variable, flags)
        .env("RAYON_NUM_THREADS", "2")
        .env_remove("CARGO_TARGET_DIR")
        .args(&args.filter);
    say(&format!("{SCRATCH}: {variable}=\"{flags}\" cargo +nightly {}", task.join(" ")));
    run_command(command)
}

/// Writes the crate, with the workspace's versions of its dependencies.
fn write_crate(folder: &Path) -> Result<()> {
    let workspace = fs_err::read_to_string(root().join("Cargo.toml"))?;
    let dependencies = workspace
        .lines()
        .filter(|line| line.starts_with("pulp = ") || line.starts_with("rayon = "));
    let manifest = "[package]\nname = \"cpu-core\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                    [workspace]\n\n[lints.rust]\nunsafe_code = \"deny\"\ndead_code = \"allow\"\n\
                    unused_imports = \"allow\"\n\n[dependencies]\n";
    fs_err::create_dir_all(folder.join("src"))?;
    fs_err::write(
        folder.join("Cargo.toml"),
        dependencies.fold(manifest.to_owned(), |text, line| text + line + "\n"),
    )?;
    fs_err::write(
        folder.join("src/lib.rs"),
        "#[path = \"../../../crates/rnn-kernels/src/cpu/mod.rs\"]\nmod cpu;\n",
    )?;
    fs_err::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}
