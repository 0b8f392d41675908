//! Disks and folders that cannot be written. The training reports it, keeps its files, and resumes
//! once they can be written again.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    support::{Scratch, bars},
    survival::{Ended, FULL, Run, check, failed_well, limited, limits, mounting, same, small_disk},
};

const LETTERS: [&str; 4] = ["--epochs", "20", "--seed", "7"];

fn letters(scratch: &Scratch) -> Run {
    let options = LETTERS.map(str::to_owned).to_vec();
    Run {
        program: PathBuf::from(env!("CARGO_BIN_EXE_rnn-train")),
        folder: scratch.path("whole"),
        experiment: "letters-embedding-4",
        options,
    }
}

fn prices(scratch: &Scratch) -> Run {
    let data = scratch.path(&scratch.file("bars.csv", bars(500))).display().to_string();
    let options = ["--units", "4,4", "--window", "10", "--epochs", "3", "--data", &data]
        .map(str::to_owned)
        .to_vec();
    Run { experiment: "stock-rnn", options, ..letters(scratch) }
}

/// Prints that a check was skipped, even if the harness captures the output of tests.
fn left_out(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "\nLEFT OUT: {what}: {why}");
}

#[test]
fn short_writes_are_reported_and_the_run_resumes_to_the_same_bytes() {
    let scratch = Scratch::new();
    for whole in [letters(&scratch), prices(&scratch)] {
        whole.train(&[]).unwrap();
        for blocks in limits(&whole.results()).unwrap() {
            let run = whole.in_folder(scratch.path(&format!("{}-{blocks}", whole.experiment)));
            failed_well(&limited(&run, blocks, &[]).unwrap(), &run.results(), &FULL).unwrap();
            run.train(&[]).unwrap();
            same(&whole.results(), &run.results()).unwrap();
        }
    }
}

#[test]
fn a_fresh_run_on_a_full_disk_keeps_the_previous_run() {
    let scratch = Scratch::new();
    let whole = letters(&scratch);
    whole.train(&[]).unwrap();
    let other = Run {
        options: ["--epochs", "5", "--seed", "8"].map(str::to_owned).to_vec(),
        ..letters(&scratch)
    };
    // Limits that fail the settings file, or the checkpoint.
    for blocks in [0, 3] {
        failed_well(&limited(&other, blocks, &["--fresh"]).unwrap(), &other.results(), &FULL)
            .unwrap();
        assert!(other.evaluate().unwrap());
    }
    let again = whole.in_folder(scratch.path("again"));
    again.train(&[]).unwrap();
    same(&again.results(), &whole.results()).unwrap();
}

#[test]
fn unwritable_files_are_named_and_the_run_resumes_to_the_same_bytes() {
    let scratch = Scratch::new();
    let whole = prices(&scratch);
    whole.train(&[]).unwrap();
    let names = fs::read_dir(whole.results())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names
        .filter(|name| !name.starts_with('.') && name != "checkpoint")
        .chain(["checkpoint/manifest.json".to_owned()]);
    for (index, name) in names.enumerate() {
        let run = whole.in_folder(scratch.path(&format!("in-the-way-{index}")));
        fs::create_dir_all(run.results().join(&name)).unwrap();
        let ended = run.end(run.start(&[]).unwrap()).unwrap();
        failed_well(&ended, &run.results(), &[&name]).unwrap();
        fs::remove_dir(run.results().join(&name)).unwrap();
        run.train(&[]).unwrap();
        same(&whole.results(), &run.results()).unwrap();
    }
}

#[test]
fn a_run_resumes_to_the_same_bytes_after_a_full_disk() {
    let Some(way) = mounting() else {
        return left_out(
            "a full disk",
            "mounting is not allowed on this machine (unshare -m, unshare -Urm)",
        );
    };
    let scratch = Scratch::new();
    let whole = prices(&scratch);
    whole.train(&[]).unwrap();
    let mut full = 0;
    for kibibytes in [4, 16, 32, 64, 128, 256] {
        let run = whole.in_folder(scratch.path(&format!("{kibibytes}-kib")));
        let ended = small_disk(&run, way, kibibytes).unwrap();
        if ended.code != Some(0) {
            failed_well(&ended, &run.folder.join("first").join(run.experiment), &FULL).unwrap();
            full += 1;
        }
        same(&whole.results(), &run.results()).unwrap();
    }
    assert!(full > 3, "{full}");
}

#[test]
fn a_run_stops_without_its_folder_and_resumes_once_it_is_back() {
    let scratch = Scratch::new();
    let long = Run {
        options: ["--epochs", "1500", "--seed", "7"].map(str::to_owned).to_vec(),
        ..letters(&scratch)
    };
    long.train(&[]).unwrap();
    let run = long.in_folder(scratch.path("vanishing"));
    let (there, away) = (run.results(), run.folder.join("away"));
    let child = run.start(&[]).unwrap();
    let started = Instant::now();
    while !there.join("checkpoint/manifest.json").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", run.stderr());
        thread::sleep(Duration::from_millis(2));
    }
    fs::rename(&there, &away).unwrap();
    let ended = run.end(child).unwrap();
    failed_well(&ended, &there, &["No such file or directory"]).unwrap();
    if there.exists() {
        fs::remove_dir_all(&there).unwrap();
    }
    check(&away).unwrap();
    fs::rename(&away, &there).unwrap();
    run.train(&[]).unwrap();
    same(&long.results(), &run.results()).unwrap();
}

#[test]
fn files_in_place_of_folders_are_named() {
    let scratch = Scratch::new();
    for (index, place) in
        ["artifacts", "artifacts/letters-embedding-4", "artifacts/letters-embedding-4/checkpoint"]
            .into_iter()
            .enumerate()
    {
        for link in [false, true] {
            let run =
                letters(&scratch).in_folder(scratch.path(&format!("no-folder-{index}-{link}")));
            let place = run.folder.join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            if link {
                symlink("/nowhere/at/all", &place).unwrap();
            } else {
                fs::write(&place, "a file").unwrap();
            }
            let ended = run.end(run.start(&[]).unwrap()).unwrap();
            failed_well(
                &ended,
                &scratch.path("nothing/letters-embedding-4"),
                &["Not a directory", "File exists", "No such file", "expected a folder, got a "],
            )
            .unwrap();
            assert!(link || fs::read_to_string(&place).unwrap() == "a file");
        }
    }
}

#[test]
fn a_read_only_run_stays_unchanged_and_can_be_evaluated() {
    let scratch = Scratch::new();
    let [whole, run] = [letters(&scratch), letters(&scratch).in_folder(scratch.path("read-only"))];
    whole.train(&[]).unwrap();
    run.train(&[]).unwrap();
    let folders = [run.results(), run.results().join("checkpoint")];
    let allow = |mode| {
        folders.iter().for_each(|folder| {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap()
        })
    };
    allow(0o555);
    let Some(bound) = bound_by_permissions(&run.results()) else {
        allow(0o755);
        return left_out(
            "a read-only folder",
            "this user may write anywhere, and setpriv cannot drop that privilege",
        );
    };
    let ended = |args: &[&str]| {
        let mut command = Command::new(bound[0]);
        command.args(&bound[1..]).arg(&run.program).args(args);
        run.end(run.prepare(command).unwrap().spawn().unwrap()).unwrap()
    };
    for more in [&[][..], &["--fresh"]] {
        failed_well(
            &ended(&[&run.arguments()[..], more].concat()),
            &run.results(),
            &["Permission denied"],
        )
        .unwrap();
    }
    let scored = ended(&["evaluate", run.experiment]);
    assert_eq!(scored.code, Some(0), "{}", scored.stderr);
    allow(0o755);
    same(&whole.results(), &run.results()).unwrap();
}

/// The prefix of a command that obeys permissions, also as root. `env` does nothing; `setpriv`
/// drops the privileges that let root write anywhere.
fn bound_by_permissions(read_only: &std::path::Path) -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] =
        [&["env"], &["setpriv", "--bounding-set=-dac_override,-dac_read_search"]];
    ways.into_iter().find(|way| {
        let mut touch = Command::new(way[0]);
        touch
            .args(&way[1..])
            .arg("sh")
            .arg("-c")
            .arg("mkdir \"$0/probe\" 2>/dev/null || exit 0; rmdir \"$0/probe\"; exit 1")
            .arg(read_only);
        touch.status().is_ok_and(|status| status.success())
    })
}

/// Runs the training of a letters model with a limit of the shell.
fn with_limit(run: &Run, limit: &str) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$@\""), "sh"]);
    command.arg(&run.program).args(run.arguments());
    run.end(run.prepare(command).unwrap().spawn().unwrap()).unwrap()
}

#[test]
fn a_small_address_space_is_named_and_a_small_stack_suffices() {
    let scratch = Scratch::new();
    let run = letters(&scratch);
    for (limit, expected) in [
        ("-v 100000", "error: the limit of address space: 97 MiB, expected at least "),
        ("-d 50000", "error: the limit of data: 48 MiB, expected at least "),
    ] {
        let ended = with_limit(&run, limit);
        assert!(
            ended.code == Some(1) && ended.stderr.starts_with(expected),
            "{limit}: {:?} {}",
            ended.code,
            ended.stderr
        );
        assert!(!run.results().exists());
    }
    let ended = with_limit(&run, "-s 64");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
