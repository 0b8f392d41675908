//! Power losses: the system calls of a training, replayed with all that a disk may lose.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rnn_files::power::{CrashState, Files, Log, Operation, files};
use serde_json::Value;

use super::{Progress, Row, Setup, strace};
use crate::{
    shell::{Result, say},
    survival::{Run, kept, kill::replaced, same, same::copy},
};

/// System calls that change files, as a filter of strace.
const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,\
                     mkdir,mkdirat";
/// Number of random choices for each call.
const RANDOM: usize = 4;

pub(super) fn run(setup: &Setup, most: usize, seed: u64) -> Result<Vec<Row>> {
    if !strace::is_allowed() {
        return Err("power losses were LEFT OUT: recording them needs strace, and a machine that \
                    allows it"
            .into());
    }
    let whole = setup.prices("power-whole", &["--epochs", "3", "--seed", "5"]);
    whole.train(&[])?;
    let before = setup.prices("power-before", &["--epochs", "1", "--seed", "6"]);
    before.train(&[])?;
    let mut rows = Vec::new();
    for (promise, before) in [
        ("a power loss during a training", None),
        ("a power loss during a training with --fresh", Some(before.results())),
    ] {
        let figure = lost(setup, &whole, before.as_deref(), most, seed)?;
        say(&format!("  {promise}: {figure}"));
        rows.push(Row { promise, figure });
    }
    Ok(rows)
}

/// Records a training, and checks and resumes what power losses leave of it.
fn lost(
    setup: &Setup,
    whole: &Run,
    before: Option<&Path>,
    most: usize,
    seed: u64,
) -> Result<String> {
    let run = whole.in_folder(setup.scratch.join("power"));
    let log = record(&run, before)?;
    same(&whole.results(), &run.results())?;
    let states = log.crash_states(RANDOM, seed);
    let step = states.len().div_ceil(most.max(1)).max(1);
    let tried: Vec<&CrashState> = states.iter().step_by(step).collect();
    let (mut scored, mut resumed) = (0, 0);
    let mut progress = Progress::new("power losses", tried.len());
    for (done, state) in tried.iter().enumerate() {
        let context =
            |problem: String| format!("a power loss after call {}: {problem}", state.operations);
        state.write_to(&run.folder)?;
        scored += usize::from(run.evaluate().map_err(context)?);
        let is_replaced = before.is_none_or(|before| replaced(before, &run.results()));
        if let (Some(before), false) = (before, is_replaced) {
            kept(before, &run.results()).map_err(context)?;
        }
        // A finished run would be continued.
        if !(is_replaced && is_finished(&run.results())) {
            run.train(if is_replaced { &[] } else { &["--fresh"] }).map_err(context)?;
            resumed += 1;
        }
        drop(
            [".before", ".discarded"].map(|name| fs_err::remove_dir_all(run.results().join(name))),
        );
        same(&whole.results(), &run.results()).map_err(context)?;
        progress.done(done + 1, "");
    }
    fs_err::remove_dir_all(&run.folder)?;
    Ok(format!(
        "{} of {} folders after {} calls: {scored} could be scored, {resumed} trained to the end; \
         all have the same bytes",
        tried.len(),
        states.len(),
        log.operations.len()
    ))
}

fn is_finished(results: &Path) -> bool {
    let manifest = fs_err::read(results.join("checkpoint/manifest.json")).ok();
    let manifest = manifest.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    manifest.is_some_and(|manifest| manifest["last"].is_null())
}

/// Runs a training under strace.
fn record(run: &Run, before: Option<&Path>) -> Result<Log> {
    let mut old = Files::new();
    if let Some(before) = before {
        copy(before, &run.results())?;
        old = files(&run.folder)?;
    }
    let options = ["-s", "100000000", "-xx"];
    let mut command = strace::traced(run, CALLS, &options)?;
    command.args(before.map(|_| "--fresh"));
    let ended = run.end(command.spawn()?)?;
    if ended.code != Some(0) {
        return Err(format!("under strace it ended with {:?}: {}", ended.code, ended.stderr).into());
    }
    let trace = fs_err::read_to_string(run.folder.join("trace.txt"))?;
    let operations = Trace::new(&run.folder.canonicalize()?, &old).operations(&trace);
    Ok(Log { before: old, operations })
}

/// Reads the calls of a trace.
struct Trace {
    root: PathBuf,
    /// Contents of the files so far.
    contents: BTreeMap<PathBuf, Vec<u8>>,
    operations: Vec<Operation>,
}

impl Trace {
    fn new(root: &Path, before: &Files) -> Self {
        let file =
            |(path, content): (&PathBuf, &Option<Vec<u8>>)| Some((path.clone(), content.clone()?));
        let contents = before.iter().filter_map(file).collect();
        Self { root: root.to_owned(), contents, operations: Vec::new() }
    }

    fn operations(mut self, trace: &str) -> Vec<Operation> {
        let mut unfinished = BTreeMap::new();
        for line in trace.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix(" <unfinished ...>") {
                unfinished.insert(thread, start.to_owned());
            } else if let Some((_, end)) = call.split_once(" resumed>") {
                let start = unfinished.remove(thread).unwrap_or_default();
                self.call(&(start + end));
            } else {
                self.call(call);
            }
        }
        self.operations
    }

    /// Adds a finished call, such as `fsync(3</folder/file>) = 0`.
    fn call(&mut self, call: &str) -> Option<()> {
        let (call, result) = call.rsplit_once(" = ")?;
        if result.starts_with(['-', '?']) {
            return None;
        }
        let (name, arguments) = call.split_once('(')?;
        let arguments: Vec<&str> = arguments.trim_end().strip_suffix(')')?.split(", ").collect();
        let first = *arguments.first()?;
        match name {
            "openat" => {
                let path = self.path(first, arguments.get(1)?)?;
                let creates = arguments.get(2)?.contains("O_CREAT");
                if creates && !self.contents.contains_key(&path) {
                    self.contents.insert(path.clone(), Vec::new());
                    self.operations.push(Operation::CreateFile(path));
                }
            }
            "write" => {
                let path = self.descriptor(first)?;
                let written = self.contents.get_mut(&path)?;
                written.extend(decoded(arguments.get(1)?.trim_matches('"')));
                self.operations.push(Operation::Write(path, written.clone()));
            }
            "fsync" | "fdatasync" => {
                let path = self.descriptor(first)?;
                let is_file = self.contents.contains_key(&path);
                let synced = if is_file { Operation::SyncFile } else { Operation::SyncFolder };
                self.operations.push(synced(path));
            }
            "rename" => self.rename(self.path("", first)?, self.path("", arguments.get(1)?)?),
            "renameat" | "renameat2" => {
                let from = self.path(first, arguments.get(1)?)?;
                self.rename(from, self.path(arguments.get(2)?, arguments.get(3)?)?);
            }
            "unlink" | "rmdir" => self.remove(self.path("", first)?),
            "unlinkat" => self.remove(self.path(first, arguments.get(1)?)?),
            "mkdir" => self.operations.push(Operation::CreateFolder(self.path("", first)?)),
            "mkdirat" => {
                let path = self.path(first, arguments.get(1)?)?;
                self.operations.push(Operation::CreateFolder(path));
            }
            _ => {}
        }
        Some(())
    }

    fn rename(&mut self, from: PathBuf, to: PathBuf) {
        let moved: Vec<PathBuf> =
            self.contents.keys().filter(|path| path.starts_with(&from)).cloned().collect();
        for path in moved {
            if let (Some(content), Ok(below)) =
                (self.contents.remove(&path), path.strip_prefix(&from))
            {
                // Joining an empty path would add a separator.
                let is_itself = below.as_os_str().is_empty();
                let target = if is_itself { to.clone() } else { to.join(below) };
                self.contents.insert(target, content);
            }
        }
        self.operations.push(Operation::Rename(from, to));
    }

    fn remove(&mut self, path: PathBuf) {
        self.contents.remove(&path);
        self.operations.push(Operation::Remove(path));
    }

    /// The path of an argument like `"folder/file"`, relative to the recorded folder. It is below
    /// the folder of the descriptor, if there is one.
    fn path(&self, descriptor: &str, argument: &str) -> Option<PathBuf> {
        let path = PathBuf::from(text(argument.trim_matches('"'))?);
        let folder = self.descriptor(descriptor).unwrap_or_default();
        self.results(folder.join(path))
    }

    /// The path in an argument like `3</folder/file>`.
    fn descriptor(&self, argument: &str) -> Option<PathBuf> {
        let (_, path) = argument.strip_suffix('>')?.split_once('<')?;
        self.results(PathBuf::from(text(path)?))
    }

    /// A path of the results, or the folder that holds them.
    fn results(&self, path: PathBuf) -> Option<PathBuf> {
        let path = if path.is_absolute() { path.strip_prefix(&self.root).ok()? } else { &path };
        let is_ours = path.starts_with("artifacts") || path.as_os_str().is_empty();
        is_ours.then(|| path.to_owned())
    }
}

fn text(escaped: &str) -> Option<String> {
    String::from_utf8(decoded(escaped)).ok()
}

/// The bytes of a text with `\\x` escapes.
fn decoded(escaped: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut parts = escaped.split("\\x");
    bytes.extend(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_the_results_are_read_from_a_trace() {
        let opened = "O_RDWR|O_CREAT|O_EXCL, 0666) = 3</x/artifacts/new>";
        let trace = format!(
            "7 openat(AT_FDCWD</x>, \"\\x61rtifacts/new\", {opened}\n\
             7 write(3</x/artifacts/new>, \"\\x2c\\x20\", 2 <unfinished ...>\n\
             8 write(2</dev/null>, \"\\x61\", 1) = 1\n\
             7 <... write resumed>) = 2\n\
             7 fsync(3</x/artifacts/new>) = 0\n\
             7 rename(\"artifacts/new\", \"artifacts/old\") = 0\n\
             7 fsync(4</x/artifacts>) = 0\n\
             7 unlinkat(5</x/artifacts>, \"old\", 0) = 0\n\
             7 unlink(\"artifacts/none\") = -1 ENOENT (No such file or directory)\n"
        );
        let path = |name: &str| PathBuf::from("artifacts").join(name);
        assert_eq!(
            Trace::new(Path::new("/x"), &Files::new()).operations(&trace),
            [
                Operation::CreateFile(path("new")),
                Operation::Write(path("new"), b", ".to_vec()),
                Operation::SyncFile(path("new")),
                Operation::Rename(path("new"), path("old")),
                Operation::SyncFolder("artifacts".into()),
                Operation::Remove(path("old")),
            ]
        );
    }
}
