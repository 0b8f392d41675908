//! Flips bits in every file of a run, a search and seeds, and runs all commands that read them.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio};

use super::{
    Progress, Row, Setup,
    trees::{Group, SMALL, files, prices, results, untimed},
};
use crate::{
    shell::{Result, say},
    survival::{Random, same::copy},
};

/// What a command did after a flip.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It ended with an error.
    Refused,
    /// It printed what it prints without the flip, and wrote the same results.
    Same,
}

/// A command, and what it prints and writes without a flip.
struct Reader {
    name: &'static str,
    group: Group,
    printed: String,
    written: BTreeMap<PathBuf, Vec<u8>>,
}

/// Flips one bit at a time, in each file in turn. A command that reads the folder must fail, or
/// print and write what it does without the flip.
pub(super) fn run(setup: &Setup, flips: usize, seed: u64) -> Result<Vec<Row>> {
    let data = setup.scratch.join("prices.csv");
    fs_err::write(&data, prices(200))?;
    let space = setup.scratch.join("flips.toml");
    fs_err::write(&space, "learning_rate = [0.01, 0.05]\n")?;
    let (data, space) = (data.display().to_string(), space.display().to_string());
    let common = [&SMALL[..], &["--data", &data]].concat();
    let search = ["search", "series", "--space", &space, "--trials", "2"];
    let group = |args: &[&[&str]]| Group::new(setup, "flips-whole", args);
    let writers = [
        group(&[&["train", "series"], &common]),
        group(&[&["train", "series", "--artifacts", "artifacts/other", "--seed", "2"], &common]),
        group(&[&["train", "series", "--seeds", "2"], &common]),
        group(&[&search, &common]),
    ];
    for writer in &writers {
        writer.complete()?;
    }
    let whole = writers[0].artifacts();
    let again: [(&str, &[&[&str]]); 6] = [
        ("evaluate", &[&["evaluate", "series", "--json"]]),
        ("forecast", &[&["forecast", "series", "--json"]]),
        ("forecast --mean-of-seeds", &[&["forecast", "series", "--json", "--mean-of-seeds"]]),
        ("compare", &[&["compare", "series", "artifacts/other/series", "--json"]]),
        ("search", &[&search, &common, &["--json"]]),
        ("verify", &[&["verify", "artifacts"]]),
    ];
    let mut readers = Vec::new();
    for (name, args) in again {
        let group = Group::new(setup, "flips", args);
        copy(&whole, &group.artifacts())?;
        let (code, printed) = printed(&group)?;
        if code != Some(0) {
            return Err(format!("{name}, without a flip: {}", group.run.stderr()).into());
        }
        readers.push(Reader { name, written: results(&group.artifacts())?, group, printed });
        clear(&readers[readers.len() - 1].group)?;
    }

    let names: Vec<PathBuf> = files(&whole)?
        .into_iter()
        .filter(|name| !name.to_string_lossy().ends_with(".lock"))
        .collect();
    say(&format!("  {} files, {} commands after each flip", names.len(), readers.len()));
    let mut random = Random::new(seed);
    let mut progress = Progress::new("flips", flips);
    let (mut counts, mut wrong) = (BTreeMap::<(&str, Outcome), usize>::new(), Vec::new());
    for flip in 0..flips {
        let name = &names[flip % names.len()];
        let mut bytes = fs_err::read(whole.join(name))?;
        let (place, bit) = (random.below(bytes.len() as u64) as usize, random.below(8));
        let Some(byte) = bytes.get_mut(place) else { continue };
        *byte ^= 1 << bit;
        for reader in &readers {
            clear(&reader.group)?;
            copy(&whole, &reader.group.artifacts())?;
            fs_err::write(reader.group.artifacts().join(name), &bytes)?;
            match outcome(reader, name) {
                Ok(outcome) => *counts.entry((reader.name, outcome)).or_default() += 1,
                Err(problem) => {
                    let flip = format!("bit {bit} of byte {place} of {}", name.display());
                    say(&format!("  {flip}: {}: {problem}", reader.name));
                    wrong.push(format!("{flip}: {}: {problem}", reader.name));
                }
            }
        }
        progress.done(flip + 1, &format!(" ({} wrong)", wrong.len()));
    }
    if !wrong.is_empty() {
        return Err(format!("{} wrong:\n{}", wrong.len(), wrong.join("\n")).into());
    }
    let figures = readers.iter().map(|Reader { name, .. }| {
        let of = |outcome| counts.get(&(*name, outcome)).copied().unwrap_or_default();
        format!("{name}: {} refused, {} the same", of(Outcome::Refused), of(Outcome::Same))
    });
    let figure = format!(
        "{flips} flips in {} files. {}",
        names.len(),
        figures.collect::<Vec<_>>().join("; ")
    );
    Ok(vec![Row { promise: "a flipped bit is refused, repaired or without effect", figure }])
}

/// Removes the results of a command.
fn clear(group: &Group) -> Result<()> {
    let artifacts = group.artifacts();
    if artifacts.exists() {
        fs_err::remove_dir_all(artifacts)?;
    }
    Ok(())
}

/// Runs a command and returns its exit code and what it printed on stdout, without times.
fn printed(group: &Group) -> Result<(Option<i32>, String)> {
    let path = group.run.folder.join("stdout.txt");
    let mut command = group.command()?;
    command.stdout(Stdio::from(fs_err::File::create(&path)?.into_file()));
    let ended = group.run.end(command.spawn()?)?;
    let text = fs_err::read_to_string(path)?;
    let printed =
        serde_json::from_str(&text).map_or(text, |document| untimed(document).to_string());
    Ok((ended.code, printed))
}

/// What a command did after the flip of a file.
fn outcome(reader: &Reader, flipped: &PathBuf) -> Result<Outcome> {
    let (code, printed) = printed(&reader.group)?;
    let stderr = reader.group.run.stderr();
    if ["panicked", "internal error", "this is a bug"].iter().any(|bad| stderr.contains(bad)) {
        return Err(format!("it panicked: {stderr}").into());
    }
    match code {
        Some(1) if stderr.contains("error: ") => Ok(Outcome::Refused),
        Some(0) if printed != reader.printed => Err("it printed another result".into()),
        Some(0) => {
            let mut written = results(&reader.group.artifacts())?;
            // The flipped file itself is as it was, repaired, or untouched.
            if let (Some(found), Some(expected)) =
                (written.get_mut(flipped), reader.written.get(flipped))
            {
                found.clone_from(expected);
            }
            match written.iter().find(|(name, bytes)| reader.written.get(*name) != Some(bytes)) {
                None => Ok(Outcome::Same),
                Some((name, _)) => Err(format!("it wrote another {}", name.display()).into()),
            }
        }
        _ => Err(format!("it ended with {code:?}: {stderr}").into()),
    }
}
