//! Comparison of the results of two runs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::Result;

/// Checks that two folders hold the same files with the same bytes, and returns their number. The
/// durations of epochs and the checkpoint files may differ. Burn draws new parameter names for
/// checkpoints in every process; `model.safetensors` has the same weights.
pub(crate) fn same(one: &Path, other: &Path) -> Result<usize> {
    let [ones, others] = [results(one)?, results(other)?];
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| {
        files.keys().map(|name| name.display().to_string()).collect::<Vec<_>>()
    };
    if names(&ones) != names(&others) {
        return Err(format!(
            "{} holds {:?}, {} holds {:?}",
            one.display(),
            names(&ones),
            other.display(),
            names(&others)
        ));
    }
    for ((name, bytes), other_bytes) in ones.iter().zip(others.values()) {
        if bytes != other_bytes {
            let [bytes, other_bytes] =
                [bytes, other_bytes].map(|bytes| String::from_utf8_lossy(bytes));
            let at = bytes
                .chars()
                .zip(other_bytes.chars())
                .take_while(|(char, other)| char == other)
                .count();
            let [part, other_part] = [bytes, other_bytes]
                .map(|text| text.chars().skip(at.saturating_sub(20)).take(60).collect::<String>());
            let (one, other) = (one.display(), other.display());
            return Err(format!(
                "{} of {one} and {other} differ: `{part}`, `{other_part}`",
                name.display()
            ));
        }
    }
    Ok(ones.len())
}

/// Copies a folder and all below it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |error: std::io::Error| format!("{} to {}: {error}", from.display(), to.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target).map(drop).map_err(failed)?
        }
    }
    Ok(())
}

/// Checks that a folder still has all files of a run, in place or backed up.
pub(crate) fn kept(run: &Path, folder: &Path) -> Result<()> {
    for name in files(run, Path::new(""))? {
        let bytes =
            fs::read(run.join(&name)).map_err(|error| format!("{}: {error}", name.display()))?;
        let places = [folder.join(&name), folder.join(".before").join(&name)];
        if !places.iter().any(|place| fs::read(place).is_ok_and(|found| found == bytes)) {
            return Err(format!(
                "{} of the previous run is missing in {}",
                name.display(),
                folder.display()
            ));
        }
    }
    Ok(())
}

fn results(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut results = BTreeMap::new();
    for name in files(folder, Path::new(""))? {
        let path = folder.join(&name);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let bytes = match name.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
            "metrics.csv" => String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(|line| Some(line.rsplitn(3, ',').nth(2)?.to_owned() + "\n"))
                .collect::<String>()
                .into(),
            "manifest.json" => without_files(&bytes)?,
            "manifest.before.json" | "manifest.older.json" => continue,
            name if name.ends_with(".bpk") => continue,
            _ => bytes,
        };
        results.insert(name, bytes);
    }
    Ok(results)
}

/// A manifest without the hashes of the checkpoint files.
fn without_files(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut manifest: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("manifest.json: {error}"))?;
    for part in ["best", "last"] {
        if let Some(part) = manifest.get_mut(part).and_then(Value::as_object_mut) {
            part.remove("files");
        }
    }
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.remove("sha256");
    }
    Ok(manifest.to_string().into())
}

/// All files of a folder and its subfolders, except locks. Unfinished files are an error.
pub(super) fn files(folder: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let path = folder.join(below);
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?.flatten()
    {
        let name = below.join(entry.file_name());
        let text = name.to_string_lossy();
        if text.ends_with(".tmp") || text.starts_with(".before") || text.starts_with(".discarded") {
            return Err(format!("{} was left in {}", name.display(), folder.display()));
        }
        if entry.path().is_dir() {
            found.extend(files(folder, &name)?);
        } else if !text.ends_with(".lock") {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}
