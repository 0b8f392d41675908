//! Power losses during a training: at each moment, with all that the disk may lose or reorder.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use jiff::{ToSpan, civil::date};
use rnn_data::Table;
use rnn_files::power::{CrashState, Files, Log, Operation, Recording, files};
use rnn_train::{BackendChoice, Options, RunFolder, SeriesTask, Training};

/// Number of random choices for each operation.
const RANDOM: usize = 2;
/// Numbers of states that are loaded, and that are trained to the end.
const LOADED: usize = 250;
const TRAINED: usize = 12;

fn task(epochs: usize, seed: u64) -> SeriesTask {
    let first = date(2024, 1, 1).at(0, 0, 0, 0);
    let times = (0..120).map(|day| first + day.days()).collect();
    let values = (0..120).map(|day| 10.0 + (f64::from(day) / 5.0).sin()).collect();
    let table = Table::from_columns("sensor", times, [("temperature", values)]).unwrap();
    let options = Options::default().window(6).units([3]).dropout(0.1).patience(0);
    let options = options.epochs(epochs).seed(seed).checkpoint_every_seconds(1e-6);
    SeriesTask::from_table(table, options).unwrap()
}

fn train(task: &SeriesTask, folder: &Path) {
    Training::new(task).backend(BackendChoice::Ndarray).folder(folder).run().unwrap();
}

const RESULTS: [&str; 5] =
    ["model.safetensors", "weights.txt", "predictions.csv", "evaluation.json", "config.json"];

/// The results of a run that do not depend on the machine.
fn results(folder: &Path) -> Vec<Vec<u8>> {
    RESULTS.map(|name| fs::read(folder.join(name)).unwrap()).to_vec()
}

fn load(folder: &Path, task: &SeriesTask) -> Result<usize, String> {
    let run = RunFolder::open(folder).map_err(|error| error.to_string())?;
    let model = run.load(task, BackendChoice::Ndarray).map_err(|error| error.to_string())?;
    Ok(model.best_epoch())
}

/// Temporary files and backups below a folder.
fn left(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let hidden = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".tmp") || name.starts_with(".before") || name.starts_with(".discarded")
    };
    let of_folders = folders.iter().filter(|path| !hidden(path)).flat_map(|path| left(path));
    let own = folders.iter().chain(&files).filter(|path| hidden(path)).cloned();
    own.chain(of_folders).collect()
}

/// The number of operations after which the first best checkpoint is durable.
fn first_best(log: &Log) -> usize {
    let has_best = |operation: &Operation| match operation {
        Operation::Write(path, content) => {
            let text = String::from_utf8_lossy(content);
            path.ends_with("checkpoint/.manifest.json.tmp") && !text.contains("\"best\": null")
        }
        _ => false,
    };
    let written = log.operations.iter().position(has_best).expect("a manifest");
    let synced = Operation::SyncFolder("run/checkpoint".into());
    let after = log.operations[written..].iter().position(|operation| *operation == synced);
    1 + written + after.expect("a durable manifest")
}

/// Whether each file of a run is in place or backed up.
fn is_kept(run: &Files, folder: &Path) -> bool {
    let places = [folder.to_owned(), folder.join(".before")];
    let is_there = |name: &Path, content: &Vec<u8>| {
        places.iter().any(|place| fs::read(place.join(name)).is_ok_and(|found| found == *content))
    };
    run.iter()
        .filter(|(name, _)| !name.ends_with(".train.lock"))
        .all(|(name, content)| content.as_ref().is_none_or(|content| is_there(name, content)))
}

/// Some of the states, evenly spread.
fn spread(states: &[CrashState], number: usize) -> impl Iterator<Item = &CrashState> {
    let step = states.len().div_ceil(number).max(1);
    states.iter().step_by(step).chain(states.last())
}

#[test]
fn a_training_resumes_to_the_same_bytes_after_a_power_loss_at_any_moment() {
    let scratch = tempfile::tempdir().unwrap();
    // Temporary folders may be named through a link.
    let scratch = scratch.path().canonicalize().unwrap();
    let [whole, root, after] = ["whole", "recorded", "after"].map(|name| scratch.join(name));
    let task = task(3, 1);
    train(&task, &whole);
    fs::create_dir(&root).unwrap();
    let recording = Recording::start(&root).unwrap();
    train(&task, &root.join("run"));
    let log = recording.finish();
    assert_eq!(results(&root.join("run")), results(&whole));
    let (states, certain) = (log.crash_states(RANDOM, 7), first_best(&log));
    let folder = after.join("run");

    let (mut found, mut loaded) = (BTreeSet::new(), 0);
    for state in spread(&states, LOADED) {
        state.write_to(&after).unwrap();
        match load(&folder, &task) {
            Ok(epoch) => {
                found.insert(epoch);
                loaded += 1;
            }
            Err(error) => {
                let is_early = error.contains("is missing (choose the folder of a run)")
                    || error.contains("not trained yet");
                let before = state.operations;
                assert!(is_early && before < certain, "operation {before}: {error}");
            }
        }
    }
    let mut resumed = 0;
    for state in spread(&states, TRAINED) {
        state.write_to(&after).unwrap();
        // A finished run would be continued.
        let manifest = fs::read_to_string(folder.join("checkpoint/manifest.json"));
        if !manifest.is_ok_and(|manifest| manifest.contains("\"last\": null")) {
            train(&task, &folder);
        }
        for (name, (found, expected)) in
            RESULTS.iter().zip(results(&folder).iter().zip(results(&whole)))
        {
            assert!(
                *found == expected,
                "operation {}: {name}: {}",
                state.operations,
                String::from_utf8_lossy(found)
            );
        }
        assert_eq!(left(&folder), Vec::<PathBuf>::new(), "operation {}", state.operations);
        resumed += 1;
    }
    println!(
        "{} operations, {} states: {loaded} loaded, {resumed} resumed to the same bytes",
        log.operations.len(),
        states.len()
    );
    assert!(states.len() > 100 && loaded > 50 && resumed > 3 && !found.is_empty());
}

#[test]
fn a_power_loss_while_a_run_is_replaced_leaves_the_earlier_or_the_new_one() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path().canonicalize().unwrap();
    let [whole, root, after] = ["whole", "recorded", "after"].map(|name| scratch.join(name));
    let (earlier, task) = (task(2, 8), task(2, 1));
    train(&task, &whole);
    fs::create_dir(&root).unwrap();
    train(&earlier, &root.join("run"));
    let weights = |folder: &Path, task: &SeriesTask| {
        let run = RunFolder::open(folder)?;
        run.load(task, BackendChoice::Ndarray)?.weights(rnn_train::Format::Text)
    };
    let of_earlier = weights(&root.join("run"), &earlier).unwrap();
    let earlier = files(&root.join("run")).unwrap();
    let recording = Recording::start(&root).unwrap();
    let fresh = |folder: &Path| {
        let training = Training::new(&task).backend(BackendChoice::Ndarray).folder(folder);
        training.fresh().run().map(drop)
    };
    fresh(&root.join("run")).unwrap();
    let log = recording.finish();
    let states = log.crash_states(RANDOM, 7);
    let folder = after.join("run");

    let (mut old, mut new, mut moving) = (0, 0, 0);
    for state in spread(&states, LOADED) {
        state.write_to(&after).unwrap();
        match weights(&folder, &task) {
            Ok(found) if found == of_earlier => old += 1,
            Ok(_) => new += 1,
            // While its files are moved, the next training moves them back.
            Err(_) if is_kept(&earlier, &folder) => moving += 1,
            Err(error) => panic!("operation {}: {error}", state.operations),
        }
    }
    let mut resumed = 0;
    for state in spread(&states, TRAINED) {
        state.write_to(&after).unwrap();
        fresh(&folder).unwrap_or_else(|error| panic!("operation {}: {error}", state.operations));
        assert!(results(&folder) == results(&whole), "operation {}", state.operations);
        assert_eq!(left(&folder), Vec::<PathBuf>::new(), "operation {}", state.operations);
        resumed += 1;
    }
    println!(
        "{} operations, {} states: {old} with the earlier run, {moving} with its files in two \
         places, {new} with the new one, {resumed} trained again",
        log.operations.len(),
        states.len()
    );
    assert!(old > 3 && new > 20 && resumed > 3);
}
