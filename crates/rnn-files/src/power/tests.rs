//! The rules of the simulated disk, and the writes of this crate on it.

use serde_json::{Value, json};

use super::*;
use crate::{
    create_folders, create_own_folder, remove_all, rename_synced, seal, sync_folder, unseal,
    write_atomic, write_synced,
};

/// The states after a power loss in a function that changes a folder, which holds `file` before.
fn states(change: impl FnOnce(&Path)) -> Vec<CrashState> {
    let scratch = tempfile::tempdir().unwrap();
    // Temporary folders may be named through a link.
    let root = scratch.path().canonicalize().unwrap();
    fs::write(root.join("file"), "old").unwrap();
    let recording = Recording::start(&root).unwrap();
    change(&root);
    recording.finish().crash_states(50, 7)
}

/// What a reader finds in different states, sorted.
fn found<T: Ord>(states: &[CrashState], read: impl Fn(&CrashState) -> T) -> Vec<T> {
    states.iter().map(read).collect::<BTreeSet<T>>().into_iter().collect()
}

fn text(state: &CrashState, name: &str) -> Option<String> {
    state.file(name).map(|content| String::from_utf8(content.to_vec()).unwrap())
}

#[test]
fn unsynced_contents_and_names_are_lost_or_kept() {
    let operations = |operations: &[Operation]| Log {
        before: Files::from([("file".into(), Some(b"old".to_vec()))]),
        operations: operations.to_vec(),
    };
    let unsynced = [
        Operation::CreateFile("new".into()),
        Operation::Write("new".into(), b"text".to_vec()),
        Operation::Rename("new".into(), "file".into()),
    ];
    let some = |text: &str| Some(text.to_owned());
    let states = operations(&unsynced).crash_states(50, 7);
    assert_eq!(
        found(&states, |state| text(state, "file")),
        [some(""), some("\0\0\0\0"), some("old"), some("te"), some("text")]
    );
    let synced = [
        &unsynced[..2],
        &[Operation::SyncFile("new".into())],
        &unsynced[2..],
        &[Operation::SyncFolder("".into())],
    ]
    .concat();
    let states = operations(&synced).crash_states(50, 7);
    assert_eq!(found(&states, |state| text(state, "file")), [some("old"), some("text")]);
    let last: Vec<_> = states.iter().filter(|state| state.operations == 4).collect();
    assert!(last.iter().any(|state| text(state, "file") == some("text")));
}

#[test]
fn names_in_different_folders_are_durable_one_by_one() {
    let log = Log {
        before: Files::from([
            ("a".into(), None),
            ("a/file".into(), Some(b"x".to_vec())),
            ("b".into(), None),
        ]),
        operations: vec![
            Operation::Rename("a/file".into(), "b/file".into()),
            Operation::SyncFolder("b".into()),
            Operation::CreateFolder("a/c".into()),
            Operation::CreateFile("a/c/d".into()),
            Operation::SyncFolder("a/c".into()),
        ],
    };
    let states = log.crash_states(50, 7);
    let names = found(&states, |state| {
        ["a/file", "b/file", "a/c/d"].map(|name| state.file(name).is_some())
    });
    // Both names, one of them, but never none; a file of a lost folder is lost.
    assert_eq!(
        names,
        [
            [false, true, false],
            [false, true, true],
            [true, false, false],
            [true, true, false],
            [true, true, true]
        ]
    );
}

#[test]
fn a_file_is_the_old_or_the_new_one_after_a_power_loss() {
    let states = states(|root| {
        write_atomic(&root.join("file"), b"new").unwrap();
        write_atomic(&root.join("file"), b"newer").unwrap();
    });
    let found = found(&states, |state| text(state, "file").unwrap());
    assert_eq!(found, ["new", "newer", "old"]);
    assert!(states.len() > 10, "{} states", states.len());
    // Only after the last sync is the last content certain.
    assert_eq!(text(states.last().unwrap(), "file").as_deref(), Some("newer"));
}

#[test]
fn a_sealed_document_is_whole_after_a_power_loss() {
    let documents: Vec<Value> = (0..4).map(|epoch| json!({"format": 2, "epoch": epoch})).collect();
    let states = states(|root| {
        for document in &documents {
            write_atomic(&root.join("state.json"), seal(document).unwrap().as_bytes()).unwrap();
        }
    });
    let read = found(&states, |state| {
        let text = text(state, "state.json")?;
        Some(unseal::<Value>(&text, 2).unwrap()["epoch"].as_u64().unwrap())
    });
    assert_eq!(read, [None, Some(0), Some(1), Some(2), Some(3)]);
}

/// Files, then the document that lists them, then the removal of the files of the document before.
#[test]
fn a_document_lists_only_durable_files_after_a_power_loss() {
    let states = states(|root| {
        create_folders(&root.join("run")).unwrap();
        create_own_folder(&root.join("run/checkpoint")).unwrap();
        let folder = root.join("run/checkpoint");
        for epoch in 0..3 {
            for part in ["model", "optimizer"] {
                write_atomic(&folder.join(format!("{part}-{epoch}")), &[epoch; 9]).unwrap();
            }
            write_atomic(&folder.join("manifest"), &[epoch]).unwrap();
            if epoch > 0 {
                for part in ["model", "optimizer"] {
                    remove_all(&folder.join(format!("{part}-{}", epoch - 1))).unwrap();
                }
            }
        }
    });
    let read = found(&states, |state| {
        let epoch = state.file("run/checkpoint/manifest")?[0];
        for part in ["model", "optimizer"] {
            let name = format!("run/checkpoint/{part}-{epoch}");
            assert_eq!(state.file(&name), Some(&[epoch; 9][..]), "{state:?}");
        }
        Some(epoch)
    });
    assert_eq!(read, [None, Some(0), Some(1), Some(2)]);
}

/// The steps of `--fresh`: the earlier run is moved into a backup, which is then removed.
#[test]
fn a_backup_or_its_original_is_whole_after_a_power_loss() {
    let moved = states(|root| {
        create_own_folder(&root.join(".before")).unwrap();
        rename_synced(&root.join("file"), &root.join(".before/file")).unwrap();
        write_atomic(&root.join("file"), b"new").unwrap();
        rename_synced(&root.join(".before"), &root.join(".discarded")).unwrap();
        remove_all(&root.join(".discarded")).unwrap();
        sync_folder(root).unwrap();
    });
    let found = found(&moved, |state| {
        [text(state, "file"), text(state, ".before/file")].map(Option::unwrap_or_default)
    });
    for [file, backup] in &found {
        assert!(file == "new" || [file, backup].contains(&&"old".to_owned()), "{found:?}");
        // No partial backup has the name of one, once the new file is there.
        assert!(["", "old"].contains(&backup.as_str()), "{found:?}");
    }
    assert!(found.len() > 3, "{found:?}");
}

/// The steps of a fetch: both files are durable before the first gets its name.
#[test]
fn two_files_are_durable_before_either_gets_its_name() {
    let states = states(|root| {
        let [csv, json] = ["file", "file.json"].map(|name| root.join(name));
        let [new_csv, new_json] = [".file.tmp", ".file.json.tmp"].map(|name| root.join(name));
        write_synced(&new_csv, "new").unwrap();
        write_synced(&new_json, "of new").unwrap();
        rename_synced(&new_csv, &csv).unwrap();
        rename_synced(&new_json, &json).unwrap();
    });
    for state in &states {
        if text(state, "file").unwrap() == "new" {
            let described = ["file.json", ".file.json.tmp"].map(|name| text(state, name));
            assert!(described.contains(&Some("of new".to_owned())), "{state:?}");
        }
    }
}
