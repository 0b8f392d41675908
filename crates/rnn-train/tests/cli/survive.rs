//! Signals, and damaged checkpoints.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    resume::same,
    support::{Scratch, bars, copied},
};

/// A run with several steps per epoch and a save after almost every step. Dropout shows whether the
/// random numbers are resumed, too.
const RUN: [&str; 20] = [
    "train",
    "series",
    "--data",
    "bars.csv",
    "--naive",
    "last-value",
    "--units",
    "12",
    "--window",
    "20",
    "--dropout",
    "0.2",
    "--batch-size",
    "16",
    "--epochs",
    "12",
    "--checkpoint-every-seconds",
    "0.01",
    "--progress",
    "none",
];

fn with_data() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(1200));
    scratch
}

fn started(scratch: &Scratch, args: &[&str]) -> Child {
    scratch
        .command(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a condition while a process runs.
fn wait(child: &mut Child, what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(
            child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60),
            "the condition never held"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// Kills a run once it has a previous checkpoint, and leaves its folder under this name.
fn killed(scratch: &Scratch, root: &str) {
    let mut child = started(scratch, &[&RUN[..], &["--artifacts", root]].concat());
    let manifest = |name| fs::read(scratch.path(root).join("series/checkpoint").join(name)).ok();
    // The first manifest is written twice.
    let has_two = || {
        let before = manifest("manifest.before.json");
        before.is_some() && before != manifest("manifest.json")
    };
    wait(&mut child, has_two);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill")
            .args([format!("-{name}"), child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[cfg(unix)]
#[test]
fn a_signal_stops_a_run_after_its_step_and_the_same_command_resumes_it() {
    let scratch = with_data();
    // Long enough not to end before the signals, also beside other work.
    let epochs = RUN.iter().position(|arg| *arg == "--epochs").unwrap();
    let long = [&RUN[..=epochs], &["40"], &RUN[epochs + 2..]].concat();
    scratch.ok(&[&long[..], &["--artifacts", "whole"]].concat());
    let args = [&long[..], &["--artifacts", "stopped"]].concat();
    let mut stopped = 0;
    let signals = [
        ("INT", 130, "stopped by Ctrl-C after "),
        ("TERM", 143, "stopped by SIGTERM after "),
        #[cfg(target_os = "linux")]
        ("HUP", 129, "stopped by SIGHUP after "),
    ];
    for (name, code, by) in signals {
        let mut child = started(&scratch, &args);
        // The first signal comes during the training; later ones may come before it.
        let begun = scratch.path("stopped/series/checkpoint/manifest.json");
        wait(&mut child, || begun.exists());
        thread::sleep(Duration::from_millis(100));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{message}");
        if message.contains(by) {
            assert!(
                message.contains(": progress saved (run the same command again to resume)"),
                "{message}"
            );
            stopped += 1;
        }
    }
    assert!(stopped > 0);
    let last = scratch.ok(&args);
    assert!(last.stderr.contains("resuming the interrupted run "), "{}", last.stderr);
    same(&scratch, ["stopped", "whole"], "series");
}

/// The run, started by a shell that first does something else.
#[cfg(target_os = "linux")]
fn after(first: &str, scratch: &Scratch) -> Command {
    let program = env!("CARGO_BIN_EXE_rnn-train");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first}; exec {program} {}", RUN.join(" "))]);
    command.current_dir(scratch.path(""));
    command
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_does_not_stop_a_run_under_nohup() {
    let scratch = with_data();
    let mut child = after("trap '' HUP", &scratch).spawn().unwrap();
    let begun = scratch.artifact("series", "checkpoint/manifest.json");
    wait(&mut child, || begun.exists());
    signal(&child, "HUP");
    assert!(child.wait().unwrap().success());
    assert!(scratch.artifact("series", "evaluation.json").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_file_sizes_is_an_error_and_the_run_resumes_without_it() {
    let scratch = with_data();
    let output = after("ulimit -f 4", &scratch).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("File too large"), "{message}");
    scratch.ok(&RUN);
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_a_run_at_once() {
    let scratch = with_data();
    // A step takes a second or more. So in one of a few tries the second signal comes within the
    // same step.
    let sizes = ["--units", "256", "--window", "150", "--batch-size", "512", "--progress", "none"];
    let at_once = (0..5).any(|_| {
        let mut child = started(
            &scratch,
            &[&["train", "series", "--fresh", "--data", "bars.csv"], &sizes[..]].concat(),
        );
        let config = scratch.artifact("series", "config.json");
        wait(&mut child, || config.exists());
        thread::sleep(Duration::from_millis(500));
        signal(&child, "INT");
        thread::sleep(Duration::from_millis(50));
        // The first signal does not end the process immediately.
        let lives = child.try_wait().unwrap().is_none();
        if lives {
            signal(&child, "INT");
        }
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{message}");
        fs::remove_file(config).unwrap();
        lives && !message.contains("progress saved")
    });
    assert!(at_once);
}

/// A kind of damage to a file: its name, and the function.
type Damage = (&'static str, fn(&Path));

/// All kinds of damage.
fn damages() -> [Damage; 4] {
    fn changed(path: &Path, change: impl Fn(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
    [
        ("truncated", |path| changed(path, |bytes| bytes.truncate(bytes.len() / 2))),
        ("flipped", |path| {
            changed(path, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            });
        }),
        ("emptied", |path| fs::write(path, "").unwrap()),
        ("removed", |path| fs::remove_file(path).unwrap()),
    ]
}

/// A file of the last checkpoint that is not shared with the best or the previous one.
fn newest(folder: &Path, part: &str) -> Option<PathBuf> {
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let (now, before) = (read("manifest.json"), read("manifest.before.json").to_string());
    let index = ["model", "optimizer", "scheduler"].iter().position(|name| *name == part).unwrap();
    let stamp = &now["last"]["files"][index];
    let hash = &stamp["sha256"].as_str()?[..8];
    let step = if stamp["step"] == 0 { String::new() } else { format!(".{}", stamp["step"]) };
    let path = folder.join(format!("{part}-{}{step}-{hash}.bpk", stamp["epoch"]));
    assert!(path.exists(), "{}", path.display());
    (!before.contains(hash) && now["best"]["epoch"] != stamp["epoch"]).then_some(path)
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_previous_one_ends_with_the_same_bytes() {
    let scratch = with_data();
    scratch.ok(&[&RUN[..], &["--artifacts", "whole"]].concat());
    // Only some kills hit a moment when the last checkpoint is new.
    killed(&scratch, "killed");
    let mut tries = 0;
    while newest(&scratch.path("killed/series/checkpoint"), "model").is_none() {
        assert!(tries < 50);
        fs::remove_dir_all(scratch.path("killed")).unwrap();
        killed(&scratch, "killed");
        tries += 1;
    }
    let parts = ["model", "optimizer", "scheduler", "manifest.json"];
    for (index, (damage, harm)) in damages().into_iter().enumerate() {
        for (turn, part) in parts.into_iter().enumerate() {
            let root = format!("{part}-{damage}");
            copied(&scratch.path("killed"), &scratch.path(&root));
            let folder = scratch.path(&root).join("series/checkpoint");
            let file = if part == "manifest.json" {
                folder.join(part)
            } else {
                newest(&folder, part).unwrap()
            };
            harm(&file);
            let expected = format!(
                "{}: ",
                Path::new(&root)
                    .join("series/checkpoint")
                    .join(file.file_name().unwrap())
                    .display()
            );
            // `evaluate` fails with a hint; `train` falls back. Some combinations train to the end.
            if part == "manifest.json" {
                scratch.fails(
                    &["evaluate", "series", "--artifacts", &root],
                    1,
                    "run `train` to resume from an earlier checkpoint",
                );
            }
            if turn == index {
                let args = [&RUN[..], &["--artifacts", &root]].concat();
                let trained = scratch.ok(&args);
                let message = trained.stderr;
                assert!(
                    message.contains(&expected)
                        && message.contains("; falling back to the checkpoint after "),
                    "{root}: {message}"
                );
                same(&scratch, [&root, "whole"], "series");
            }
        }
    }
}

#[test]
fn without_an_intact_checkpoint_the_damaged_files_are_named() {
    let scratch = with_data();
    killed(&scratch, "killed");
    let of = |root: &str, kept: &dyn Fn(&str) -> bool| {
        copied(&scratch.path("killed"), &scratch.path(root));
        let folder = scratch.path(root).join("series/checkpoint");
        for entry in fs::read_dir(folder)
            .unwrap()
            .flatten()
            .filter(|entry| !kept(entry.file_name().to_str().unwrap()))
        {
            fs::write(entry.path(), "not what it was").unwrap();
        }
    };
    // All manifests are damaged.
    of("manifests", &|name| name.ends_with(".bpk"));
    let args = |root| [&RUN[..], &["--artifacts", root]].concat();
    scratch.fails(&args("manifests"), 1, "manifest.json: cannot be read");
    scratch.fails(
        &args("manifests"),
        1,
        "(no other checkpoint is intact; use --fresh to start over)",
    );
    scratch.ok(&[&args("manifests")[..], &["--fresh"]].concat());
    // All files of all checkpoints are damaged.
    of("files", &|name| name.ends_with(".json"));
    scratch.fails(&args("files"), 1, "(no other checkpoint is intact; use --fresh to start over)");
    scratch.fails(&["list", "--artifacts", "files", "--backend", "gpu"], 2, "gpu");
    scratch.ok(&[&args("files")[..], &["--fresh"]].concat());
}

#[test]
fn a_damaged_finished_run_falls_back_to_the_previous_checkpoint() {
    let scratch = with_data();
    let run = [&RUN[..], &["--seed", "4"]].concat();
    scratch.ok(&[&run[..], &["--artifacts", "whole"]].concat());
    // Files that no manifest lists are removed.
    let folder = scratch.path("whole/series/checkpoint");
    let names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let manifests = names
        .iter()
        .filter(|name| name.ends_with(".json"))
        .map(|name| fs::read_to_string(folder.join(name)).unwrap());
    let manifests = manifests.collect::<String>();
    let hash = |name: &str| {
        name.strip_suffix(".bpk").and_then(|name| name.rsplit('-').next()).map(str::to_owned)
    };
    let hashes: Vec<String> = names.iter().filter_map(|name| hash(name)).collect();
    assert!(
        hashes.len() >= 6 && hashes.iter().all(|hash| manifests.contains(&format!("\"{hash}"))),
        "{names:?}"
    );
    for (damage, harm) in damages() {
        for part in ["model-", "optimizer-", "scheduler-", "manifest.json"] {
            let root = format!("{damage}-{part}");
            copied(&scratch.path("whole"), &scratch.path(&root));
            let folder = scratch.path(&root).join("series/checkpoint");
            let manifest: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(folder.join("manifest.json")).unwrap())
                    .unwrap();
            let best = manifest["best"]["epoch"].as_u64().unwrap();
            let names = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let is_best =
                |name: &String| name.starts_with(&format!("{part}{best}-")) || name == part;
            let name = names.into_iter().find(is_best).unwrap();
            harm(&folder.join(&name));
            let message = scratch.ok(&[&run[..], &["--artifacts", &root]].concat()).stderr;
            assert!(
                message.contains(&name)
                    && message.contains("; falling back to the checkpoint after "),
                "{root}: {message}"
            );
            same(&scratch, [&root, "whole"], "series");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_last_epoch_is_saved_before_the_reports() {
    let scratch = with_data();
    let args = [&RUN[..], &["--artifacts", "stopped"]].concat();
    let mut child = started(&scratch, &args);
    let predictions = scratch.path("stopped/series/predictions.csv");
    let begun = Instant::now();
    while !predictions.exists()
        && child.try_wait().unwrap().is_none()
        && begun.elapsed() < Duration::from_secs(60)
    {
        thread::sleep(Duration::from_millis(1));
    }
    // The reports may be finished by now; otherwise the message names them.
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    // A finished process prints no such message.
    if message.contains("stopped by SIGTERM") {
        assert!(message.contains("after its last epoch, while writing reports"), "{message}");
        assert_eq!(output.status.code(), Some(143));
        let again = scratch.ok(&args);
        assert!(
            again.stderr.contains("resuming the interrupted run after epoch 12 of 12"),
            "{}",
            again.stderr
        );
    }
    assert_eq!(
        scratch.read_json_at("stopped/series/checkpoint/manifest.json")["last"],
        serde_json::Value::Null
    );
}

#[test]
fn a_run_with_a_foreign_config_does_not_resume() {
    let scratch = with_data();
    killed(&scratch, "killed");
    scratch.ok(&[&RUN[..], &["--seed", "7", "--artifacts", "other"]].concat());
    fs::copy(scratch.path("other/series/config.json"), scratch.path("killed/series/config.json"))
        .unwrap();
    let args = ["train", "series", "--artifacts", "killed"];
    scratch.fails(
        &args,
        1,
        "config.json: does not match the interrupted run (restore it, or use --fresh to start \
         over)",
    );
}

#[test]
fn missing_epochs_are_reported() {
    let scratch = with_data();
    killed(&scratch, "killed");
    fs::remove_file(scratch.path("killed/series/metrics.csv")).unwrap();
    let message = scratch.ok(&[&RUN[..], &["--artifacts", "killed"]].concat()).stderr;
    assert!(
        message.contains(" epochs are missing; training does not need them")
            || message.contains("resuming the interrupted run after epoch 0 "),
        "{message}"
    );
}

#[test]
fn a_finished_model_that_is_damaged_is_never_evaluated() {
    let scratch = with_data();
    scratch.train("series", &["--data", "bars.csv", "--naive", "last-value"]);
    let folder = scratch.artifact("series", "checkpoint");
    let path = scratch.best("series", "model");
    let whole = fs::read(&path).unwrap();
    for (_, harm) in damages() {
        harm(&path);
        for command in ["evaluate", "forecast"] {
            scratch.fails(&[command, "series"], 1, path.file_name().unwrap().to_str().unwrap());
        }
        fs::write(&path, &whole).unwrap();
    }
    // A config of another experiment, and one of a newer version.
    let manifest = folder.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"format\": 2", "\"format\": 9")).unwrap();
    scratch.fails(
        &["evaluate", "series"],
        1,
        "was written by a newer version of this program (layout 9, this one reads 2)",
    );
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    fs::copy(scratch.artifact("letters-onehot-1", "checkpoint/manifest.json"), &manifest).unwrap();
    scratch.fails(
        &["evaluate", "series"],
        1,
        "manifest.json: belongs to letters-onehot-1, expected series",
    );
}

#[test]
fn unreadable_losses_do_not_stop_training() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "3", "--progress", "none"]);
    fs::write(scratch.artifact("letters-onehot-1", "metrics.csv"), "epoch,train_loss\n1,\"")
        .unwrap();
    let further = scratch.ok(&["train", "letters-onehot-1", "--epochs", "2", "--progress", "none"]);
    assert!(
        further.stderr.contains("metrics.csv: expected the epochs of earlier runs"),
        "{}",
        further.stderr
    );
    assert!(scratch.artifact("letters-onehot-1", "metrics.damaged.csv").exists());
    assert_eq!(scratch.read_csv("letters-onehot-1", "metrics.csv").1.len(), 2);
}

/// A `--fresh` run first moves all results of the previous run to `.before`.
#[test]
fn the_previous_run_is_read_while_a_fresh_one_has_no_checkpoint() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "3", "--progress", "none"]);
    let evaluate = ["evaluate", "letters-onehot-1", "--json"];
    let before = scratch.json(&evaluate);
    let folder = scratch.path("artifacts/letters-onehot-1");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.filter(|name| !name.to_string_lossy().starts_with('.')).collect();
    fs::create_dir(folder.join(".before")).unwrap();
    for name in &names {
        fs::rename(folder.join(name), folder.join(".before").join(name)).unwrap();
    }
    assert_eq!(scratch.json(&evaluate), before);
    let read = scratch.ok(&["compare", "letters-onehot-1", "letters-onehot-1"]);
    assert!(read.stderr.contains("reading the previous run"), "{}", read.stderr);
    let list = scratch.json(&["list", "--json"]);
    assert_eq!(list[0]["best_epoch"], before["best_epoch"]);
    // The next training restores it.
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    assert!(!folder.join(".before").exists() && folder.join("evaluation.json").exists());
}
