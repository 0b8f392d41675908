//! Failing system calls: strace lets the k-th call of a kind return an error.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    process::Command,
};

use super::{Progress, Row, Setup};
use crate::{
    shell::{Result, say},
    survival::{Run, check, failed_well, kept, kill::replaced, same, same::copy},
};

/// System calls, their injected error, and its message.
const KINDS: [(&str, &str, &str); 5] = [
    ("write", "ENOSPC", "No space left on device"),
    ("write", "EIO", "Input/output error"),
    ("fsync,fdatasync", "EIO", "Input/output error"),
    ("rename,renameat,renameat2", "EIO", "Input/output error"),
    ("openat", "EMFILE", "Too many open files"),
];

pub(super) fn run(setup: &Setup, most: usize) -> Result<Vec<Row>> {
    if !is_allowed() {
        return Err(
            "failing system calls were LEFT OUT: they need strace, and a machine that allows it"
                .into(),
        );
    }
    let whole = setup.prices("faults-whole", &["--epochs", "3", "--seed", "5"]);
    whole.train(&[])?;
    let mut rows = vec![killed(setup, &whole, most)?];
    for (calls, error, words) in KINDS {
        let places = places(&whole.in_folder(setup.scratch.join("faults-count")), calls, &[])?;
        let tried = places.len().min(most);
        let (mut failed, mut mute, mut borne) = (0, 0, 0);
        let mut progress = Progress::new(calls, tried);
        for done in 0..tried {
            let call = places[done * places.len() / tried];
            let run = whole.in_folder(setup.scratch.join("faults"));
            let fault = format!("inject={calls}:error={error}:when={call}");
            let ended = run.end(traced(&run, calls, &["-e", &fault])?.spawn()?)?;
            let context = |problem: String| format!("{fault}: {problem}");
            match ended.code {
                Some(0) => borne += 1,
                // The failed call may have been the output of the message itself.
                Some(1) if !only_results(&run)? => mute += 1,
                _ => {
                    failed_well(&ended, &run.results(), &[words]).map_err(context)?;
                    failed += 1;
                }
            }
            check(&run.results()).map_err(context)?;
            if ended.code != Some(0) {
                run.train(&[]).map_err(context)?;
            }
            same(whole.results().as_path(), &run.results()).map_err(context)?;
            fs_err::remove_dir_all(&run.folder)?;
            progress.done(done + 1, &format!(" ({error})"));
        }
        let figure = format!(
            "{tried} faults in {} places: {failed} runs reported it and ended, {mute} ended after \
             further faults, {borne} tolerated it; all resumed to the same bytes",
            places.len()
        );
        say(&format!("  {calls} {error}: {figure}"));
        rows.push(Row { promise: label(calls, error), figure });
    }
    Ok(rows)
}

/// System calls that change the set of files.
const CHANGES: &str = "rename,renameat,renameat2,unlink,unlinkat,rmdir";
/// The second kill comes within this number of changes, while the backed-up run is being restored.
const SOON: usize = 12;

/// Kills a `--fresh` run at each change of its files, and kills the next start soon after it
/// begins.
fn killed(setup: &Setup, whole: &Run, most: usize) -> Result<Row> {
    let before = setup.prices("faults-before", &["--epochs", "1", "--seed", "6"]);
    before.train(&[])?;
    let (before, run) = (before.results(), whole.in_folder(setup.scratch.join("faults-killed")));
    let prepare = || copy(&before, &run.results());
    prepare()?;
    let places = places(&run, CHANGES, &["--fresh"])?;
    let tried = places.len().min(most);
    let (mut kills, mut progress) = (0, Progress::new("changes of files", tried));
    for done in 0..tried {
        prepare()?;
        for call in [places[done * places.len() / tried], 1 + done % SOON] {
            let fault = format!("inject={CHANGES}:signal=KILL:when={call}");
            let mut command = traced(&run, CHANGES, &["-e", &fault])?;
            command.args(fresh(&before, &run));
            let ended = run.end(command.spawn()?)?;
            kills += usize::from(ended.code.is_none());
            let context = |problem: String| format!("{fault}: {problem}");
            if ended.code.is_some_and(|code| code != 0) {
                return Err(
                    context(format!("it ended with {:?}: {}", ended.code, ended.stderr)).into()
                );
            }
            check(&run.results()).map_err(context)?;
            run.evaluate().map_err(context)?;
            if !replaced(&before, &run.results()) {
                kept(&before, &run.results()).map_err(context)?;
            }
            if same(&whole.results(), &run.results()).is_ok() {
                break;
            }
        }
        if same(&whole.results(), &run.results()).is_err() {
            run.train(fresh(&before, &run))?;
        }
        same(&whole.results(), &run.results())
            .map_err(|problem| format!("killed at change {done}: {problem}"))?;
        fs_err::remove_dir_all(&run.folder)?;
        progress.done(done + 1, "");
    }
    let figure = format!(
        "{kills} kills, at {tried} of {} renames and removals and soon after the next start; \
         neither run was lost, the same bytes",
        places.len()
    );
    say(&format!("  {figure}"));
    Ok(Row { promise: "a kill at each rename and removal of a file, with --fresh", figure })
}

/// Arguments of the next start: `--fresh` as long as the new run has no checkpoint.
fn fresh(before: &Path, run: &Run) -> &'static [&'static str] {
    if replaced(before, &run.results()) { &[] } else { &["--fresh"] }
}

fn label(calls: &str, error: &str) -> &'static str {
    match (calls, error) {
        ("write", "ENOSPC") => "failing writes, ENOSPC",
        ("write", _) => "failing writes, EIO",
        ("fsync,fdatasync", _) => "failing syncs, EIO",
        ("openat", _) => "failing opens, EMFILE",
        _ => "failing renames, EIO",
    }
}

/// Whether strace exists, and the machine allows it.
pub(super) fn is_allowed() -> bool {
    let mut command = Command::new("strace");
    command.args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
}

/// Command that runs the training under strace, which follows its threads.
pub(super) fn traced(run: &Run, calls: &str, more: &[&str]) -> Result<Command> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-qq", "-o", "trace.txt", "-e", &format!("trace={calls}")])
        .args(more);
    command.arg(&run.program).args(run.arguments());
    Ok(run.prepare(command)?)
}

/// True if all failed calls concerned files of the results.
fn only_results(run: &Run) -> Result<bool> {
    let injected = |line: &&str| line.contains("(INJECTED)");
    Ok(trace(run)?.lines().filter(injected).all(of_results))
}

/// True if a call concerns the results: by a file descriptor with its path, by a path, or by
/// written text that names them.
fn of_results(call: &str) -> bool {
    call.contains("/artifacts/") || call.contains("\"artifacts/")
}

fn trace(run: &Run) -> Result<String> {
    Ok(fs_err::read_to_string(run.folder.join("trace.txt"))?)
}

/// Numbers of the calls of an undisturbed run that concern its results. strace counts the calls of
/// each thread.
fn places(run: &Run, calls: &str, more: &[&str]) -> Result<Vec<usize>> {
    let ended = run.end(traced(run, calls, &[])?.args(more).spawn()?)?;
    if ended.code != Some(0) {
        return Err(format!("under strace it ended with {:?}: {}", ended.code, ended.stderr).into());
    }
    let text = trace(run)?;
    fs_err::remove_dir_all(&run.folder)?;
    Ok(ordinals(&text))
}

fn ordinals(trace: &str) -> Vec<usize> {
    let (mut counts, mut found) = (HashMap::new(), BTreeSet::new());
    for (thread, call) in trace
        .lines()
        .filter(|line| !line.contains("resumed>"))
        .filter_map(|line| line.split_once(' '))
    {
        let count = counts.entry(thread).or_insert(0);
        *count += 1;
        if of_results(call) {
            found.insert(*count);
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_for_each_thread() {
        let trace = "7 write(2</dev/null>, \"a\", 1) = 1\n7 write(3</x/artifacts/y>, \"b\", 1 \
                     <unfinished ...>\n8 write(3</x/artifacts/y>, \"c\", 1) = 1\n7 <... write \
                     resumed>) = 1\n7 write(3</x/artifacts/y>, \"d\", 1) = 1\n";
        assert_eq!(ordinals(trace), [1, 2, 3]);
    }
}
