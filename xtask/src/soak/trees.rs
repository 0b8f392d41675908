//! Commands that write several runs (searches, backtests, seeds), and comparison of their folders.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::Setup;
use crate::{
    shell::Result,
    survival::{Ended, Run, whole::complete},
};

/// Options of a small and fast training.
pub(super) const SMALL: [&str; 12] = [
    "--units",
    "3",
    "--window",
    "5",
    "--epochs",
    "3",
    "--batch-size",
    "16",
    "--patience",
    "0",
    "--progress",
    "none",
];

/// A command in its own working folder.
#[derive(Clone)]
pub(super) struct Group {
    /// Its working folder; the results are in `artifacts`.
    pub(super) run: Run,
    args: Vec<String>,
}

impl Group {
    pub(super) fn new(setup: &Setup, folder: &str, args: &[&[&str]]) -> Self {
        let args = args.concat().into_iter().map(str::to_owned).collect();
        Self { run: setup.run("series", folder, &[]), args }
    }

    pub(super) fn in_folder(&self, folder: PathBuf) -> Self {
        Self { run: self.run.in_folder(folder), args: self.args.clone() }
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.run.folder.join("artifacts")
    }

    pub(super) fn command(&self) -> Result<Command> {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        Ok(self.run.command(&args)?)
    }

    pub(super) fn start(&self) -> Result<Child> {
        Ok(self.command()?.spawn()?)
    }

    /// Runs the command to its end. It must succeed.
    pub(super) fn complete(&self) -> Result<Duration> {
        let started = Instant::now();
        let Ended { code, stderr } = self.run.end(self.start()?)?;
        if code == Some(0) {
            return Ok(started.elapsed());
        }
        Err(format!("`{}` ended with {code:?}: {stderr}", self.args.join(" ")).into())
    }
}

/// Daily values: a slow wave with noise.
pub(super) fn prices(rows: usize) -> String {
    let mut state = 1_u32;
    let mut text = "date,open,close\n".to_owned();
    let mut date = jiff::civil::date(2020, 1, 1);
    for row in 0..rows {
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        let open = 50.0 + 8.0 * (row as f64 / 15.0).sin() + noise();
        let close = open + noise();
        text += &format!("{date},{open:.3},{close:.3}\n");
        date = date.saturating_add(jiff::Span::new().days(1));
    }
    text
}

/// All files below a folder with their bytes, except locks. Times, seals and the random names of
/// checkpoints are left out.
pub(super) fn results(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut results = BTreeMap::new();
    for name in files(folder)? {
        let text = name.to_string_lossy();
        if text.ends_with(".tmp") || text.contains("/.before") || text.contains("/.discarded") {
            return Err(format!("{text} was left in {}", folder.display()).into());
        }
        let bytes = fs_err::read(folder.join(&name))?;
        let file = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bytes = match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "lock" | "bpk" => continue,
            _ if file.starts_with("manifest.before") || file.starts_with("manifest.older") => {
                continue;
            }
            // A damaged file is compared as it is.
            "json" => serde_json::from_slice(&bytes)
                .map_or(bytes, |document| untimed(document).to_string().into()),
            "csv" => without_times(&String::from_utf8_lossy(&bytes)).into(),
            _ => bytes,
        };
        results.insert(name, bytes);
    }
    Ok(results)
}

/// Checks that two folders hold the same results, and returns the number of files.
pub(super) fn same(one: &Path, other: &Path) -> Result<usize> {
    let [ones, others] = [results(one)?, results(other)?];
    let names = ones.keys().chain(others.keys());
    let different = names.into_iter().find(|name| ones.get(*name) != others.get(*name));
    match different {
        None => Ok(ones.len()),
        Some(name) => {
            let place = |folder: &Path, there: bool| {
                format!("{} ({})", folder.display(), if there { "there" } else { "missing" })
            };
            Err(format!(
                "{} differs: {}, {}",
                name.display(),
                place(one, ones.contains_key(name)),
                place(other, others.contains_key(name))
            )
            .into())
        }
    }
}

/// Checks that every file of the run folders below a folder is complete, except in hidden folders.
pub(super) fn whole(folder: &Path) -> Result<usize> {
    let mut checked = 0;
    for name in files(folder)? {
        let hidden = name.iter().any(|part| part.to_string_lossy().starts_with('.'));
        if !hidden
            && name.file_name().is_some_and(|file| file == "config.json")
            && let Some(run) = name.parent()
        {
            checked += complete(&folder.join(run))?;
        }
    }
    Ok(checked)
}

/// All files below a folder, in order. Folders that vanish meanwhile have none.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = open.pop() {
        let Ok(entries) = fs_err::read_dir(folder.join(&below)) else { continue };
        for entry in entries {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if entry.file_type()?.is_dir() { open.push(name) } else { found.push(name) }
        }
    }
    found.sort();
    Ok(found)
}

/// A document without its times, seals and names of checkpoint files.
pub(super) fn untimed(document: Value) -> Value {
    match document {
        Value::Object(entries) => entries
            .into_iter()
            .filter(|(name, _)| !["seconds", "sha256", "files"].contains(&name.as_str()))
            .map(|(name, value)| (name, untimed(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(untimed).collect(),
        other => other,
    }
}

/// A table without its columns `seconds` and `check`. No cell before them has a comma.
fn without_times(text: &str) -> String {
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split(',').collect();
    let kept = |column: usize| !matches!(header.get(column), Some(&"seconds" | &"check"));
    let line = |line: &str| {
        let cells = line.split(',').enumerate().filter(|(column, _)| kept(*column));
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",") + "\n"
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_left_out() {
        assert_eq!(
            without_times("trial,seconds,units\n1,0.25,\"[3,4]\"\n"),
            "trial,units\n1,\"[3,4]\"\n"
        );
        assert_eq!(without_times("epoch,seconds,check\n1,2,x\n"), "epoch\n1\n");
        let document = serde_json::json!({ "a": [{ "seconds": 1.0, "b": 2 }], "sha256": "x" });
        assert_eq!(untimed(document), serde_json::json!({ "a": [{ "b": 2 }] }));
    }

    #[test]
    fn a_changed_file_is_found() {
        let folder = crate::shell::scratch("trees-test").unwrap();
        for (name, text) in [("one/a/b.txt", "1"), ("other/a/b.txt", "2")] {
            let path = folder.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        let (one, other) = (folder.join("one"), folder.join("other"));
        assert_eq!(same(&one, &one).unwrap(), 1);
        assert!(same(&one, &other).unwrap_err().to_string().starts_with("a/b.txt differs"));
        fs_err::write(other.join("a/b.txt"), "1").unwrap();
        fs_err::write(other.join("a/c.txt"), "1").unwrap();
        assert!(same(&one, &other).unwrap_err().to_string().contains("(missing)"));
    }
}
