//! The documents and the texts in the sources: lines, sentences, words.

use std::{fs, path::PathBuf};

use crate::{
    architecture::{root, sources},
    language::{phrases, problems},
};

/// Columns of a line.
const WIDEST: usize = 100;

/// Markdown files at the root, in `docs/` and of the crates.
pub(crate) fn documents() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let folders = crates.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let folders = folders.chain([root(), root().join("docs"), root().join("assets")]);
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    found.sort();
    found
}

fn name(path: &std::path::Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

fn is_chinese(name: &str) -> bool {
    name.ends_with(".zh.md")
}

#[test]
fn documents_have_short_sentences_in_the_words_of_the_field() {
    let documents = documents();
    let names: Vec<String> = documents.iter().map(|path| name(path)).collect();
    for expected in ["README.md", "docs/forecasting.md", "crates/rnn-models/README.md"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is missing: {names:?}");
    }
    let mut found = Vec::new();
    for (path, name) in documents.iter().zip(&names).filter(|(_, name)| !is_chinese(name)) {
        let text = fs::read_to_string(path).unwrap();
        found.extend(problems(&text).into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The tables of the benchmarks are printed by `cargo xtask bench`.
#[test]
fn lines_of_documents_are_at_most_100_columns_wide() {
    let mut found = Vec::new();
    for path in documents() {
        let name = name(&path);
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let is_printed = name == "docs/benchmarks.md" && line.starts_with('|');
            let has_address = line.contains("](") || line.contains("http");
            let columns: usize =
                line.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
            let columns = if is_chinese(&name) { columns } else { line.chars().count() };
            if columns > WIDEST && !is_printed && !has_address {
                found.push(format!("{name}:{}: {columns} columns", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// rustfmt leaves long comments and strings as they are.
#[test]
fn lines_of_sources_are_at_most_100_columns_wide() {
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "benches", "tests", "fuzz"] {
        sources(&root().join(folder), &mut files);
    }
    let mut found = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let wide = text.lines().enumerate().filter(|(_, line)| line.chars().count() > WIDEST);
        found.extend(wide.map(|(number, _)| format!("{}:{}", name(&path), number + 1)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn sources_have_the_words_of_the_field() {
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "benches", "tests", "fuzz"] {
        sources(&root().join(folder), &mut files);
    }
    // It lists the phrases.
    files.retain(|file| !file.ends_with("language.rs") && !file.ends_with("documents.rs"));
    assert!(files.len() > 100, "the sources were not found");
    let mut found = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let problems = text.lines().flat_map(phrases).chain(long_comments(&text));
        found.extend(problems.map(|problem| format!("{}: {problem}", name(&path))));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Sentences of comments that are too long. Those that quote a title are left out.
fn long_comments(text: &str) -> Vec<String> {
    let (mut found, mut comment) = (Vec::new(), String::new());
    for line in text.lines().map(str::trim).chain([""]) {
        match line.strip_prefix("//") {
            Some(rest) => {
                comment += rest.trim_start_matches(['/', '!']).strip_prefix(' ').unwrap_or("");
                comment.push('\n');
            }
            None if comment.is_empty() => {}
            None => found.extend(problems(&std::mem::take(&mut comment))),
        }
    }
    found.retain(|problem| !problem.contains('"'));
    found
}

/// `cargo test` builds the examples and benches of the documents, and runs the examples. What takes
/// a release build or a GPU is run by hand, so its name at least must exist.
#[test]
fn cargo_commands_of_documents_name_what_exists() {
    let tasks = fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let mut found = 0;
    for path in documents() {
        let (name, text) = (name(&path), fs::read_to_string(&path).unwrap());
        let commands = text.split("cargo ").skip(1).map(|rest| {
            let end = rest.find(['`', '#', '\n']).unwrap_or(rest.len());
            rest[..end].split_whitespace().collect::<Vec<&str>>()
        });
        for words in commands {
            let after = |flag: &str| {
                let place = words.iter().position(|word| *word == flag)?;
                words.get(place + 1).copied()
            };
            if words.first() == Some(&"xtask")
                && let Some(task) = words.get(1)
            {
                let mut variant = String::new();
                for part in task.split('-') {
                    variant += &part[..1].to_uppercase();
                    variant += &part[1..];
                }
                assert!(tasks.contains(&format!("    {variant}(")), "{name}: cargo xtask {task}");
                found += 1;
            }
            for (flag, folder) in [("--example", "examples"), ("--bench", "benches")] {
                let Some(target) = after(flag) else { continue };
                let mut files = Vec::new();
                for folder in ["crates", "benches"] {
                    sources(&root().join(folder), &mut files);
                }
                let wanted = format!("{folder}/{target}.rs");
                let exists = files.iter().any(|file| file.ends_with(&wanted));
                assert!(exists, "{name}: cargo {}", words.join(" "));
                found += 1;
            }
        }
    }
    assert!(found > 10, "the documents show {found} such commands");
}
