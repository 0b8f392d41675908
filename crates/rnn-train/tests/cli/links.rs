//! Links, pipes and sockets in place of the files and folders of a run, and several writers of one
//! file.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Finished, Scratch, bars, copied, quick, unfinished};

/// Longest run of a command that waits for nothing.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs a command that must end by itself.
fn ended(scratch: &Scratch, args: &[&str]) -> Finished {
    let mut command = scratch.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let errors = scratch.path("stderr.txt");
    command.stderr(fs::File::create(&errors).unwrap());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let stderr = fs::read_to_string(&errors).unwrap();
            return Finished { code: status.code().unwrap_or(-1), stdout: String::new(), stderr };
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{args:?} waits");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pipe(path: &Path) {
    drop(fs::remove_file(path));
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A trained series with a forecast, in the folder `whole`.
fn series() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    let args = ["--data", "bars.csv", "--naive", "last-value", "--artifacts", "whole"];
    scratch.train("series", &args);
    scratch.ok(&["forecast", "series", "--artifacts", "whole"]);
    scratch
}

/// A copy of the trained series, under a name.
fn copy(scratch: &Scratch, name: &str) -> PathBuf {
    copied(&scratch.path("whole"), &scratch.path(name));
    scratch.path(name).join("series")
}

/// What a command does about a pipe in place of a file.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// It fails and names the file.
    Refused,
    /// It succeeds and names the file.
    Noted,
    /// It succeeds and writes a file there.
    Replaced,
}

#[test]
fn pipes_in_place_of_files_are_named_or_replaced_and_never_waited_for() {
    use Answer::{Noted, Refused, Replaced};

    let scratch = series();
    let manifest = scratch.read_json_at("whole/series/checkpoint/manifest.json");
    let best = |part: usize, name: &str| {
        let stamp = &manifest["best"]["files"][part];
        let hash = &stamp["sha256"].as_str().unwrap()[..8];
        format!("checkpoint/{name}-{}-{hash}.bpk", stamp["epoch"])
    };
    let mut cases = vec![
        ("config.json".to_owned(), vec![("train", Refused), ("evaluate", Refused)]),
        ("checkpoint/manifest.json".to_owned(), vec![("train", Noted), ("evaluate", Refused)]),
        ("evaluation.json".to_owned(), vec![("compare", Refused), ("train", Replaced)]),
        ("metrics.csv".to_owned(), vec![("compare", Refused), ("train", Noted)]),
        ("forecast.json".to_owned(), vec![("forecast", Replaced)]),
        ("forecast.csv".to_owned(), vec![("forecast", Replaced)]),
        (".train.lock".to_owned(), vec![("train", Refused), ("evaluate", Replaced)]),
        (".forecast.lock".to_owned(), vec![("forecast", Refused)]),
        ("compare.svg".to_owned(), vec![("compare", Replaced)]),
    ];
    for name in ["weights.txt", "loss.svg", "prediction.png", "predictions.csv"] {
        cases.push((name.to_owned(), vec![("train", Replaced)]));
    }
    for name in ["model.safetensors", ".writable", ".loss.svg.tmp"] {
        cases.push((name.to_owned(), vec![("train", Replaced)]));
    }
    for (part, name) in ["model", "optimizer", "scheduler"].into_iter().enumerate() {
        // The scores depend on the weights alone; training falls back to an earlier checkpoint.
        let evaluate = if name == "model" { Refused } else { Replaced };
        cases.push((best(part, name), vec![("train", Noted), ("evaluate", evaluate)]));
    }
    for (index, (name, commands)) in cases.iter().enumerate() {
        for (command, answer) in commands {
            let artifacts = format!("{index}-{command}");
            let folder = copy(&scratch, &artifacts);
            let path = match name.as_str() {
                "compare.svg" => folder.with_file_name(name),
                _ => folder.join(name),
            };
            pipe(&path);
            let args = match *command {
                "train" => quick(&["train", "series"], &["--epochs", "1"]),
                "compare" => vec!["compare", "series", "series"],
                command => vec![command, "series"],
            };
            let args = [&args[..], &["--artifacts", &artifacts]].concat();
            let Finished { code, stderr, .. } = ended(&scratch, &args);
            let context = || format!("{name}, {command}: {code}, {stderr}");
            let named = stderr.contains(&format!("{name}: "))
                && stderr.contains("expected an ordinary file, got a pipe or a device");
            let is_fine = match answer {
                Refused => code == 1 && named,
                Noted => code == 0 && named,
                Replaced => code == 0,
            };
            assert!(is_fine, "{}", context());
            assert!(!stderr.contains("internal error"), "{}", context());
            if matches!(answer, Replaced) && *command != "evaluate" && !name.starts_with('.') {
                assert!(path.is_file(), "{}", context());
            }
        }
    }
}

/// A folder with files that look like ours, and their contents.
fn outside(scratch: &Scratch) -> Vec<(PathBuf, String)> {
    let names = [
        "model-7-deadbeef.bpk",
        "manifest.json",
        "config.json",
        "checkpoint/model-7-deadbeef.bpk",
        "checkpoint/manifest.json",
        "series/config.json",
        "trial.json",
    ];
    for name in names {
        scratch.file(&format!("outside/{name}"), "not ours");
    }
    contents(scratch)
}

fn contents(scratch: &Scratch) -> Vec<(PathBuf, String)> {
    let (mut found, mut open) = (Vec::new(), vec![scratch.path("outside")]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn folders_behind_links_in_a_run_are_neither_read_nor_changed() {
    let scratch = series();
    let before = outside(&scratch);
    let train = quick(&["train", "series"], &["--epochs", "1"]);
    let fresh = [&train[..], &["--data", "bars.csv", "--fresh"]].concat();
    let with = |more: &[&'static str]| [&train[..], &["--data", "bars.csv"], more].concat();
    let backtest = quick(&["backtest", "series"], &["--folds", "2", "--data", "bars.csv"]);
    scratch.file("space.toml", "learning_rate = [0.001, 0.002]\n");
    let search = ["search", "series", "--space", "space.toml", "--trials", "1"];
    let search = quick(&search, &["--data", "bars.csv", "--epochs", "1"]);
    let refused = Some("expected a folder, got a symbolic link (remove the link)");
    for (index, (link, args, expected)) in [
        ("checkpoint", &train, refused),
        ("checkpoint", &vec!["evaluate", "series"], refused),
        // The link itself is replaced.
        ("checkpoint", &fresh, None),
        (".before", &train, None),
        (".before", &fresh, None),
        (".before", &vec!["evaluate", "series"], None),
        (".discarded", &train, None),
        (".discarded", &fresh, None),
        ("seeds", &with(&["--seeds", "2"]), refused),
        ("seeds/1", &with(&["--seeds", "2"]), None),
        ("seeds/2/series", &with(&["--seeds", "2"]), None),
        (".seeds.unfinished", &with(&["--seeds", "2"]), None),
        ("backtest", &backtest, refused),
        ("backtest/fold-1", &backtest, refused),
        ("search", &search, refused),
        ("search", &[&search[..], &["--fresh"]].concat(), None),
        ("search/trial-001", &search, None),
        ("search/baseline", &search, None),
    ]
    .into_iter()
    .enumerate()
    {
        let artifacts = format!("{index}");
        let folder = copy(&scratch, &artifacts);
        drop(fs::remove_dir_all(folder.join(link)));
        fs::create_dir_all(folder.join(link).parent().unwrap()).unwrap();
        symlink(scratch.path("outside"), folder.join(link)).unwrap();
        let Finished { code, stderr, .. } =
            ended(&scratch, &[&args[..], &["--artifacts", &artifacts]].concat());
        let context = format!("{link}, {args:?}: {code}, {stderr}");
        match expected {
            Some(expected) => {
                assert!(code == 1, "{context}");
                assert!(stderr.contains(&format!("{link}: cannot be ")), "{context}");
                assert!(stderr.contains(expected), "{context}");
            }
            None => assert_eq!(code, 0, "{context}"),
        }
        assert_eq!(contents(&scratch), before, "{context}");
    }
    // A backup behind a link is not restored when there is no checkpoint.
    let folder = copy(&scratch, "no-checkpoint");
    fs::remove_dir_all(folder.join("checkpoint")).unwrap();
    symlink(scratch.path("outside"), folder.join(".before")).unwrap();
    for args in [&train, &fresh] {
        scratch.fails(
            &[&args[..], &["--artifacts", "no-checkpoint"]].concat(),
            1,
            "series/.before: cannot be read: expected a folder, got a symbolic link",
        );
    }
    scratch.fails(&["evaluate", "series", "--artifacts", "no-checkpoint"], 1, "not trained yet");
    assert_eq!(contents(&scratch), before);
}

#[test]
fn files_with_a_second_name_outside_keep_their_contents_there() {
    let scratch = series();
    let folder = copy(&scratch, "artifacts");
    fs::create_dir(scratch.path("outside")).unwrap();
    let train = quick(&["train", "series"], &["--epochs", "1"]);
    let names = ["metrics.csv", "predictions.csv", "config.json", "loss.svg", "manifest.json"];
    for name in names {
        let file = if name == "manifest.json" { "checkpoint/manifest.json" } else { name };
        if name.ends_with("json") {
            fs::copy(folder.join(file), scratch.path("outside").join(name)).unwrap();
        } else {
            scratch.file(&format!("outside/{name}"), "not ours");
        }
        fs::remove_file(folder.join(file)).unwrap();
        fs::hard_link(scratch.path("outside").join(name), folder.join(file)).unwrap();
    }
    let before = contents(&scratch);
    scratch.ok(&train);
    assert_eq!(contents(&scratch), before);
    scratch.file("outside/victim", "not ours");
    for (lock, args) in [
        (".train.lock", &train),
        (".forecast.lock", &vec!["forecast", "series"]),
        (".seeds.lock", &[&train[..], &["--seeds", "2"]].concat()),
    ] {
        drop(fs::remove_file(folder.join(lock)));
        fs::hard_link(scratch.path("outside/victim"), folder.join(lock)).unwrap();
        let expected = format!(
            "{lock}: cannot be written: expected a lock file with one name, got a hard link with \
             2 names (remove it)"
        );
        scratch.fails(args, 1, &expected);
        fs::remove_file(folder.join(lock)).unwrap();
    }
    assert_eq!(fs::read_to_string(scratch.path("outside/victim")).unwrap(), "not ours");
    scratch.ok(&train);
}

#[test]
fn links_in_paths_of_the_user_are_followed() {
    let scratch = series();
    scratch.file("elsewhere/run.toml", "epochs = 1\n");
    fs::create_dir_all(scratch.path("elsewhere/artifacts")).unwrap();
    copied(&scratch.path("whole/series"), &scratch.path("elsewhere/run"));
    symlink("elsewhere/run.toml", scratch.path("run.toml")).unwrap();
    symlink("bars.csv", scratch.path("data.csv")).unwrap();
    symlink("elsewhere/artifacts", scratch.path("artifacts")).unwrap();
    symlink("../run", scratch.path("elsewhere/artifacts/series")).unwrap();
    let flags = ["--config", "run.toml", "train", "series", "--data", "data.csv"];
    scratch.ok(&[&flags[..], &["--progress", "none"]].concat());
    assert!(scratch.path("elsewhere/run/checkpoint/manifest.json").exists());
    fs::write(scratch.path("weights"), "old").unwrap();
    symlink("weights", scratch.path("out")).unwrap();
    let export = ["export", "series", "--format", "text", "--out"];
    scratch.ok(&[&export[..], &["out"]].concat());
    assert!(scratch.path("out").is_symlink());
    let weights = fs::read_to_string(scratch.path("weights")).unwrap();
    assert!(weights.contains("shape ["));
    // Pipes and devices that the user names are written to.
    let printed = scratch.ok(&[&export[..], &["/dev/stdout"]].concat());
    assert!(printed.stdout.starts_with(&weights));
    pipe(&scratch.path("pipe"));
    let finished = ended(&scratch, &[&export[..], &["pipe"]].concat());
    let expected = "pipe: cannot be written: no program reads this pipe (start its reader first)";
    assert!(finished.code == 1 && finished.stderr.contains(expected), "{}", finished.stderr);
    assert_eq!(unfinished(scratch.path("elsewhere").as_path()), Vec::<PathBuf>::new());
}

#[test]
fn several_exports_to_one_file_all_succeed() {
    let scratch = series();
    let args = ["export", "series", "--artifacts", "whole", "--format", "safetensors"];
    let args = [&args[..], &["--out", "weights"]].concat();
    // One that was killed before.
    scratch.file(".weights.tmp", "half");
    scratch.file(".weights.2.tmp", "half");
    for _ in 0..10 {
        let start = |_| {
            let mut command = scratch.command(&args);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        for child in (0..3).map(start).collect::<Vec<_>>() {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let weights = fs::read(scratch.path("weights")).unwrap();
    assert_eq!(weights, fs::read(scratch.path("whole/series/model.safetensors")).unwrap());
    let left = fs::read_dir(scratch.path("")).unwrap();
    let left: Vec<String> = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".tmp"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
