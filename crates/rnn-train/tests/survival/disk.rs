//! Full disks, simulated with limits of the system and small file systems.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use super::{Ended, Result, Run, check, same::files};

/// Runs the training with a limit on file sizes, in blocks of 512 bytes. The write that passes the
/// limit is short, and the next one fails.
pub(crate) fn limited(run: &Run, blocks: u64, more: &[&str]) -> Result<Ended> {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]);
    command.arg(&run.program).args(run.arguments()).args(more);
    let mut command = run.prepare(command)?;
    // A pipe, because the limit would apply to a file, too.
    let mut child =
        command.stderr(Stdio::piped()).spawn().map_err(|error| format!("sh: {error}"))?;
    let mut pipe = child.stderr.take().ok_or("sh has no stderr")?;
    let reader = thread::spawn(move || {
        let mut stderr = String::new();
        pipe.read_to_string(&mut stderr).map(|_| stderr)
    });
    let ended = run.end(child)?;
    let stderr =
        reader.join().map_err(|_| "reading panicked")?.map_err(|error| error.to_string())?;
    Ok(Ended { stderr, ..ended })
}

/// For each file of a finished run, the largest limit that makes its write fail.
pub(crate) fn limits(results: &Path) -> Result<BTreeSet<u64>> {
    let sizes = files(results, Path::new(""))?
        .into_iter()
        .filter_map(|name| fs::metadata(results.join(name)).ok());
    Ok(sizes.map(|file| file.len().saturating_sub(1) / 512).collect())
}

/// Checks a failed training: exit code 1, the name of the file or folder, and the cause in the
/// system's words. It must not panic or leave an incomplete file.
pub(crate) fn failed_well(ended: &Ended, results: &Path, causes: &[&str]) -> Result<()> {
    let error =
        ended.stderr.lines().rev().find(|line| line.starts_with("error: ")).unwrap_or_default();
    let names =
        results.file_name().and_then(|name| name.to_str()).is_some_and(|name| error.contains(name));
    let bad = ["panicked", "internal error", "RUST_BACKTRACE"]
        .into_iter()
        .find(|bad| ended.stderr.contains(bad));
    match (ended.code, bad) {
        (Some(1), None) if names && causes.iter().any(|cause| error.contains(cause)) => {}
        _ => {
            return Err(format!(
                "expected exit code 1, a file's name and one of {causes:?}, got {:?} and\n{}",
                ended.code, ended.stderr
            ));
        }
    }
    check(results).map(drop)
}

/// Messages of the system for a full disk.
pub(crate) const FULL: [&str; 2] = ["No space left on device", "File too large"];

/// Options of `unshare` that allow mounting file systems on this machine, if any do.
pub(crate) fn mounting() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["-m"], &["-Urm"]];
    let works = |way: &&[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(*way)
            .args(["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ways.into_iter().find(works)
}

/// Trains on a disk of `kibibytes` KiB, enlarges the disk, and trains again. Returns how the first
/// training ended. The final results are copied to the results of the run. Those of the first
/// training go to `first` next to them.
pub(crate) fn small_disk(run: &Run, way: &[&str], kibibytes: u64) -> Result<Ended> {
    const SCRIPT: &str = r#"
        mkdir -p disk && mount -t tmpfs -o "size=$1k" none disk && shift || exit 90
        "$@" --artifacts disk/artifacts
        echo "$?" >code
        cp -r disk/artifacts first 2>copy.txt
        if test "$(cat code)" != 0; then
            mount -o remount,size=64m disk || exit 91
            "$@" --artifacts disk/artifacts 2>again.txt || exit 92
        fi
        cp -r disk/artifacts artifacts || exit 93
    "#;
    let mut command = Command::new("unshare");
    command
        .args(way)
        .args(["sh", "-c", SCRIPT, "sh", &kibibytes.to_string()])
        .arg(&run.program)
        .args(run.arguments());
    let ended =
        run.end(run.prepare(command)?.spawn().map_err(|error| format!("unshare: {error}"))?)?;
    let read = |name: &str| fs::read_to_string(run.folder.join(name)).unwrap_or_default();
    if ended.code != Some(0) {
        return Err(format!(
            "on a disk of {kibibytes} KiB, then on one of 64 MiB: {:?}, {}\n{}",
            ended.code,
            ended.stderr,
            read("again.txt")
        ));
    }
    Ok(Ended { code: read("code").trim().parse().ok(), stderr: ended.stderr })
}
