//! Checks every file of run folders against its checksum.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use rnn_files::{read_if_exists, sha256_of_file};
use serde::Serialize;
use serde_json::Value;

use super::checkpoint::{Best, Manifest, NAMES, Stamp};
use crate::{
    error::{Error, Result},
    run::{
        CONFIG, EVALUATION, FORECASTS, History, METRICS, RunFolder, read_config, read_results,
        reports_of_run,
    },
};

/// Whether a file is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    /// The content matches its checksum.
    Whole,
    /// The file has no checksum: an early version wrote it, or the run is not finished.
    NoChecksum,
    /// A killed process left the file; nothing reads it.
    Leftover,
    /// No command wrote a file of this name.
    Unknown,
    /// The content does not match its checksum, or the file is missing.
    Damaged,
}

/// A file and its condition.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FileState {
    pub(crate) path: PathBuf,
    pub(crate) condition: Condition,
    /// The problem of a damaged file.
    pub(crate) problem: Option<String>,
}

/// A checked folder: a run, or what lies around runs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FolderState {
    pub(crate) path: PathBuf,
    /// State of the run, if the folder has one.
    pub(crate) run: Option<String>,
    pub(crate) files: Vec<FileState>,
}

/// Deepest folder that is searched: `FOLDER/EXPERIMENT/search/trial-001/EXPERIMENT/.before`.
const DEPTH: usize = 8;

/// JSON documents with a checksum, beside those of a run.
const SEALED: [&str; 6] =
    ["search.json", "test.json", "trial.json", "seeds.json", "backtest.json", EVALUATION];

/// Files without a checksum that commands write and do not read back.
const WRITTEN: [&str; 4] = ["search.csv", "best.toml", "backtest.csv", "find-lr.csv"];

/// Checks all runs in a folder and in the folders below it.
///
/// # Errors
///
/// If the folder cannot be read.
pub(crate) fn verify(folder: &Path) -> Result<Vec<FolderState>> {
    let mut folders = Vec::new();
    visit(folder, DEPTH, &mut folders)?;
    Ok(folders)
}

fn visit(folder: &Path, depth: usize, found: &mut Vec<FolderState>) -> Result<()> {
    let problem = |source: std::io::Error| Error::Artifact {
        path: folder.to_owned(),
        problem: format!("cannot be read: {source} (choose the folder of runs)"),
    };
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(problem)? {
        entries.push(entry.map_err(problem)?.path());
    }
    entries.sort();
    let mut check = FolderCheck { folder, files: Vec::new(), checked: BTreeSet::new() };
    let run = check.run();
    let mut below = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = fs::symlink_metadata(&path).map_err(problem)?.file_type();
        if kind.is_dir() && name == ".discarded" {
            check.add(&name, Condition::Leftover, None);
        } else if kind.is_dir() {
            let is_checked = run.is_some() && name == "checkpoint";
            below.extend(Some(path).filter(|_| depth > 0 && !is_checked));
        } else if !kind.is_file() && !is_known(&name) {
            check.add(&name, Condition::Unknown, None);
        } else if !kind.is_file() {
            let problem = "expected a file or a folder, got a link, a pipe or a device";
            check.add(&name, Condition::Damaged, Some(problem.to_owned()));
        } else {
            check.other(&name);
        }
    }
    let is_trial = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("trial-") || name == "baseline"
    };
    if below.iter().any(is_trial) {
        check.expect("search.json");
    }
    if is_trial(&folder.to_owned()) && !below.is_empty() {
        check.expect("trial.json");
    }
    let files = check.files;
    if run.is_some() || !files.is_empty() {
        found.push(FolderState { path: folder.to_owned(), run, files });
    }
    below.iter().try_for_each(|folder| visit(folder, depth - 1, found))
}

/// Whether a command writes a file of this name.
fn is_known(name: &str) -> bool {
    let is_picture = name.ends_with(".svg") || name.ends_with(".png");
    let of_run = reports_of_run().any(|report| report == name);
    let others = [&WRITTEN[..], &SEALED, &FORECASTS, &[CONFIG, METRICS]].concat();
    is_picture || of_run || others.contains(&name) || name.ends_with(".lock")
}

/// The check of one folder.
struct FolderCheck<'a> {
    folder: &'a Path,
    files: Vec<FileState>,
    /// Names in `files`.
    checked: BTreeSet<String>,
}

impl FolderCheck<'_> {
    fn add(&mut self, name: &str, condition: Condition, problem: Option<String>) {
        if self.checked.insert(name.to_owned()) {
            self.files.push(FileState { path: name.into(), condition, problem });
        }
    }

    fn add_result(&mut self, name: &str, result: std::result::Result<Condition, String>) {
        match result {
            Ok(condition) => self.add(name, condition, None),
            Err(problem) => self.add(name, Condition::Damaged, Some(problem)),
        }
    }

    /// Reports a file that must exist.
    fn expect(&mut self, name: &str) {
        if fs::symlink_metadata(self.folder.join(name)).is_err() {
            self.add(name, Condition::Damaged, Some("is missing".to_owned()));
        }
    }

    /// Checks the run in this folder. Returns its state, or `None` if there is no run.
    fn run(&mut self) -> Option<String> {
        let path = self.folder.join(CONFIG);
        let config = read_if_exists(&path).map_err(Error::from).transpose();
        let config = config.map(|text| text.and_then(|text| read_config(&path, &text)));
        let name = match &config {
            Some(Ok(config)) => config.experiment.clone(),
            _ => self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let parameters = match &config {
            Some(Ok(config)) => config.parameters as u64,
            _ => 0,
        };
        let folder = RunFolder { name, folder: self.folder.to_owned() };
        let checkpoints = folder.checkpoints();
        if config.is_none() && !NAMES.iter().any(|name| checkpoints.join(name).exists()) {
            return None;
        }
        self.add_result(
            CONFIG,
            match config {
                Some(read) => read.map(|_| Condition::Whole).map_err(problem_of),
                None => Err("is missing".to_owned()),
            },
        );
        if self.folder.join(METRICS).exists() {
            let read = History::open(self.folder.join(METRICS));
            let read = read.map_err(problem_of);
            self.add_result(
                METRICS,
                read.map(|history| match history.has_checksums() {
                    true => Condition::Whole,
                    false => Condition::NoChecksum,
                }),
            );
        }
        let mut state = "no checkpoint".to_owned();
        for (index, name) in NAMES.into_iter().enumerate() {
            let path = checkpoints.join(name);
            let shown = format!("checkpoint/{name}");
            match Manifest::read(&path, &folder.name) {
                Ok(None) if index == 0 => {
                    self.add(&shown, Condition::Damaged, Some("is missing".to_owned()));
                }
                Ok(None) => {}
                Ok(Some(manifest)) => {
                    self.add(&shown, Condition::Whole, None);
                    self.manifest(&checkpoints, &manifest);
                    if index == 0 {
                        state = manifest.state();
                        self.reports(&manifest);
                        if manifest.best.is_some() {
                            self.expect(METRICS);
                        }
                        let small = |best: &Best| best.files[0].most_parameters() < parameters;
                        if manifest.best.as_ref().is_some_and(small) {
                            let problem = format!("{parameters} parameters do not fit the model");
                            self.files.retain(|file| file.path != Path::new(CONFIG));
                            self.checked.remove(CONFIG);
                            self.add(CONFIG, Condition::Damaged, Some(problem));
                        }
                    }
                }
                Err(error) => self.add_result(&shown, Err(problem_of(error))),
            }
        }
        if self.files.iter().any(|file| file.condition == Condition::Damaged) {
            state += match folder.can_recover() {
                true => "; `train` repairs or replaces what is damaged",
                false => "; no checkpoint is intact (use `train --fresh` to start over)",
            };
        }
        Some(state)
    }

    /// Checks the checkpoint files of a manifest, and their copies.
    fn manifest(&mut self, folder: &Path, manifest: &Manifest) {
        for (part, stamp) in manifest.stamps() {
            let mut check = |name: String, stamp: &Stamp| {
                let read = stamp.read_named(folder, &name).map(|_| Condition::Whole);
                self.add_result(&format!("checkpoint/{name}"), read.map_err(problem_of));
            };
            check(stamp.name(part), stamp);
            if fs::symlink_metadata(folder.join(stamp.copy_name(part))).is_ok() {
                check(stamp.copy_name(part), stamp);
            }
        }
    }

    /// Checks the reports of a finished run.
    fn reports(&mut self, manifest: &Manifest) {
        for (name, expected) in &manifest.reports {
            let found = match sha256_of_file(&self.folder.join(name)) {
                Ok(Some(found)) if found == (expected.bytes, expected.sha256.clone()) => {
                    Ok(Condition::Whole)
                }
                Ok(Some(_)) => Err("does not match its checksum".to_owned()),
                Ok(None) => Err("is missing".to_owned()),
                Err(error) => Err(problem_of(error)),
            };
            self.add_result(name, found);
        }
    }

    /// Checks a file that is not part of a checkpoint.
    fn other(&mut self, name: &str) {
        if self.checked.contains(name) || name.ends_with(".lock") {
            return;
        }
        if name.starts_with('.') {
            self.add(name, Condition::Leftover, None);
        } else if SEALED.contains(&name) {
            let text = read_if_exists(&self.folder.join(name));
            let text = text.map_err(problem_of).map(Option::unwrap_or_default);
            let read = text.and_then(|text| read_results::<Value>(&text));
            let was_tested = |value: &Value| {
                value.get("tested").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
            };
            if name == "search.json" && read.as_ref().is_ok_and(was_tested) {
                self.expect("test.json");
            }
            let condition = read.map(|value| match value.get("format") {
                Some(format) if *format != 1 => Condition::Whole,
                _ => Condition::NoChecksum,
            });
            self.add_result(name, condition);
        } else {
            let known = is_known(name);
            let condition = if known { Condition::NoChecksum } else { Condition::Unknown };
            self.add(name, condition, None);
        }
    }
}

/// The problem of a file, without its path.
fn problem_of(error: impl Into<Error>) -> String {
    match error.into() {
        Error::Artifact { problem, .. } => problem,
        other => other.to_string(),
    }
}
