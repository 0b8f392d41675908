//! Tests of the invariants that ARCHITECTURE.md names.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

/// Our crates, each with its dependencies on our crates and on those of [`RESERVED`].
pub(crate) const CRATES: [(&str, &[&str], &[&str]); 6] = [
    ("rnn-kernels", &[], &[]),
    ("rnn-data", &[], &[]),
    ("rnn-files", &[], &[]),
    ("rnn-models", &["rnn-kernels"], &[]),
    ("rnn-fetch", &["rnn-data", "rnn-files"], &["ureq"]),
    ("rnn-train", &["rnn-data", "rnn-fetch", "rnn-files", "rnn-models"], &["clap"]),
];
/// Crates that parse arguments or access the network.
const RESERVED: [&str; 2] = ["clap", "ureq"];
/// Largest number of lines in a source file, except tests.
const LONGEST_FILE: usize = 400;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn manifest(path: &str) -> Table {
    fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn crates_have_only_the_listed_dependencies() {
    let folders = fs::read_dir(root().join("crates"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir());
    let folders: BTreeSet<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(
        folders,
        CRATES.map(|(name, ..)| name.to_owned()).into(),
        "every crate has its dependencies listed"
    );
    for (name, ours, reserved) in CRATES {
        let manifest = manifest(&format!("crates/{name}/Cargo.toml"));
        let dependencies = manifest["dependencies"].as_table().unwrap().keys().map(String::as_str);
        let found = dependencies
            .filter(|name| name.starts_with("rnn-") || RESERVED.contains(name))
            .collect();
        assert_eq!(BTreeSet::from_iter(ours.iter().chain(reserved).copied()), found, "{name}");
    }
}

#[test]
fn burn_keeps_its_minor_version_and_comes_from_the_registry() {
    let manifest = manifest("Cargo.toml");
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    assert_eq!(dependencies["burn"]["version"].as_str(), Some("~0.22.1"));
    for (name, dependency) in dependencies {
        assert!(dependency.get("git").is_none(), "{name} comes from git");
    }
}

/// Code that runs during a build could access the network, so there must be none of ours.
#[test]
fn no_code_of_ours_runs_during_a_build() {
    let workspace = manifest("Cargo.toml");
    let listed = workspace["workspace"]["members"].as_array().unwrap();
    assert_eq!(
        listed.iter().filter_map(|member| member.as_str()).collect::<Vec<_>>(),
        ["benches", "crates/*", "tests", "xtask"]
    );
    let crates = CRATES.iter().map(|(name, ..)| format!("crates/{name}"));
    let members = crates.chain(["benches", "tests", "xtask"].map(str::to_owned));
    for member in members {
        let manifest = manifest(&format!("{member}/Cargo.toml"));
        assert!(
            manifest["package"].get("build").is_none()
                && !root().join(&member).join("build.rs").exists(),
            "{member} has a build script"
        );
        assert!(
            manifest.get("lib").is_none_or(|lib| lib.get("proc-macro").is_none()),
            "{member} is a proc-macro crate"
        );
        assert!(manifest.get("build-dependencies").is_none(), "{member} has build dependencies");
    }
}

#[test]
fn source_files_stay_small() {
    let mut files = Vec::new();
    sources(&root().join("crates"), &mut files);
    sources(&root().join("xtask"), &mut files);
    assert!(files.len() > 30, "the workspace's sources are found");
    let is_test = |file: &&PathBuf| {
        file.ends_with("tests.rs") || file.components().any(|part| part.as_os_str() == "tests")
    };
    for file in files.iter().filter(|file| !is_test(file)) {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", file.display());
    }
}

/// Folder of the files that ARCHITECTURE.md names without a folder.
const CPU_CORE: &str = "crates/rnn-kernels/src/cpu";

#[test]
fn unsafe_code_is_only_in_the_documented_files() {
    let mut files = Vec::new();
    ["crates", "benches", "tests", "xtask"]
        .iter()
        .for_each(|folder| sources(&root().join(folder), &mut files));
    let kinds = ["{", "fn", "impl"].map(|kind| "unsafe ".to_owned() + kind);
    let is_unsafe = |text: &str| {
        text.lines().any(|line| {
            !line.trim_start().starts_with("//") && kinds.iter().any(|kind| line.contains(kind))
        })
    };
    let found = files.iter().filter(|file| is_unsafe(&fs::read_to_string(file).unwrap()));
    let found: BTreeSet<String> = found
        .map(|file| {
            file.strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace(std::path::MAIN_SEPARATOR, "/")
        })
        .collect();
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let paragraph =
        map.split("\n\n").find(|paragraph| paragraph.starts_with("`unsafe` is in")).unwrap();
    let names = paragraph.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs"));
    let named: BTreeSet<String> = names
        .map(|name| if name.contains('/') { name.to_owned() } else { format!("{CPU_CORE}/{name}") })
        .collect();
    assert_eq!(found, named, "files with unsafe code, and those ARCHITECTURE.md names");
}

/// The Markdown files at the root and in `docs`, and the READMEs of `assets` and of the crates.
fn documents() -> Vec<PathBuf> {
    let markdown = |folder: &str| -> Vec<PathBuf> {
        let found: Vec<PathBuf> = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .collect();
        assert!(!found.is_empty(), "no document in `{folder}`");
        found
    };
    let readmes: Vec<PathBuf> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("README.md"))
        .filter(|path| path.exists())
        .collect();
    assert!(!readmes.is_empty(), "no crate has a README");
    [markdown("."), markdown("docs"), readmes, vec![root().join("assets/README.md")]].concat()
}

/// Targets of the links of a document, inline and by reference.
fn links(text: &str) -> Vec<&str> {
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let references = text
        .lines()
        .filter(|line| line.starts_with('['))
        .filter_map(|line| line.split_once("]: ").map(|(_, target)| target));
    inline.chain(references).collect()
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        let name = document.display();
        assert!(!text.contains("@@"), "{name} has a placeholder");
        for link in links(&text).into_iter().filter(|link| !link.starts_with("http")) {
            let file = link.split('#').next().unwrap();
            assert!(folder.join(file).exists(), "{name} links to {link}, which is not there");
        }
    }
}
