//! Flags that a message names, and the command that has them.

use std::sync::{Mutex, PoisonError};

use clap::Command as Program;

/// The program and its command that runs.
static RUNNING: Mutex<Option<(Program, &'static str)>> = Mutex::new(None);

/// Options that the advice of `rnn-data` names by their keys.
const KEYS: [&str; 13] = [
    "date-column",
    "date-format",
    "decimal",
    "encoding",
    "features",
    "fill",
    "future-data",
    "max-gap",
    "no-header",
    "series-column",
    "static-data",
    "target",
    "transform",
];

/// Records the program and the command that runs, for messages.
pub(super) fn remember(mut program: Program, running: &'static str) {
    program.build();
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some((program, running));
}

/// A note on the flags of a message that the running command lacks; none if it has all of them.
pub(super) fn note_on(message: &str) -> Option<String> {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let (program, running) = running.as_ref()?;
    note(program, message, running)
}

fn note(program: &Program, message: &str, running: &str) -> Option<String> {
    let has = |command: &str, flag: &str| {
        let command = program.get_subcommands().find(|one| one.get_name() == command);
        command.is_some_and(|command| flags(command).any(|one| one == flag))
    };
    let mut foreign: Vec<String> = Vec::new();
    for flag in named(message) {
        let flag = flag.trim_start_matches('-');
        let shown = format!("--{flag}");
        if has("train", flag) && !has(running, flag) && !foreign.contains(&shown) {
            foreign.push(shown);
        }
    }
    let (last, others) = foreign.split_last()?;
    let (list, are, them) = match others {
        [] => (last.clone(), "is a flag", "it"),
        _ => (format!("{} and {last}", others.join(", ")), "are flags", "them"),
    };
    Some(format!("{list} {are} of `train`, not of `{running}` (train with {them} and --fresh)"))
}

/// The flags of a command.
fn flags(command: &Program) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(|argument| argument.get_long())
}

/// The flags that a text names, without those of a quoted command, or of advice to train again.
fn named(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = &text[..at];
        let is_start = !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '-');
        let rest = &text[at + 2..];
        let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
        let flag = &rest[..end.unwrap_or(rest.len())];
        let is_quoted = before.matches('`').count() % 2 == 1;
        let advice = &before[before.rfind('(').map_or(0, |open| open + 1)..];
        let is_flag = is_start && flag.starts_with(|letter: char| letter.is_ascii_lowercase());
        if is_flag && !is_quoted && !advice.contains("train ") {
            found.push(flag);
        }
    }
    found
}

/// Replaces the options that the advice of a data error names by their flags.
pub(super) fn with_flags(text: &str) -> String {
    KEYS.iter().fold(text.to_owned(), |text, option| {
        let advice = ["set", "with", "use"].map(|verb| format!("{verb} `{option}`"));
        advice.iter().fold(text, |text, advice| {
            text.replace(advice.as_str(), &advice.replace('`', "").replacen(' ', " --", 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn program() -> Program {
        let mut program = Cli::command();
        program.build();
        program
    }

    fn note(message: &str, running: &str) -> Option<String> {
        super::note(&program(), message, running)
    }

    #[test]
    fn flags_of_training_are_named_as_such_by_other_commands() {
        let fill = "a.csv, line 4: a value is missing (use --fill forward, or correct the file)";
        assert_eq!(note(fill, "train"), None);
        assert_eq!(note(fill, "backtest"), None);
        assert_eq!(
            note(fill, "forecast").as_deref(),
            Some("--fill is a flag of `train`, not of `forecast` (train with it and --fresh)")
        );
        assert_eq!(
            note("(use --fill, --max-gap or --fill)", "evaluate").as_deref(),
            Some(
                "--fill and --max-gap are flags of `train`, not of `evaluate` (train with them \
                 and --fresh)"
            )
        );
        for text in [
            "not trained (run `rnn-train train series --fill forward` first)",
            "7 steps (train it with --fresh --horizon 7)",
            "cannot be read (use --data to read it anyway)",
            "a-folder--fill/a.csv: is missing, --unknown",
        ] {
            assert_eq!(note(text, "forecast"), None, "{text}");
        }
    }

    #[test]
    fn every_flag_that_a_message_names_exists() {
        let program = program();
        let known: BTreeSet<&str> = program.get_subcommands().flat_map(flags).collect();
        for key in KEYS {
            assert!(known.contains(key), "{key}");
        }
        // Of cargo, and of other programs.
        let foreign = ["features", "release", "git", "always", "abbrev"];
        for folder in ["../rnn-data/src", "../rnn-fetch/src", "src"] {
            for file in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
                let source = fs::read_to_string(&file).unwrap();
                let code = source.split("#[cfg(test)]").next().unwrap_or_default();
                for line in code.lines().filter(|line| !line.trim().starts_with("//")) {
                    let text = line.replace('`', "'").replace('(', " ").replace("train ", "");
                    for flag in named(&text) {
                        let is_known = known.contains(flag) || foreign.contains(&flag);
                        assert!(is_known, "{}: --{flag}", file.display());
                    }
                }
            }
        }
    }

    /// The source files of a folder, without tests and this file.
    fn sources(folder: PathBuf) -> Vec<PathBuf> {
        let (mut folders, mut files) = (vec![folder], Vec::new());
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let is_left_out =
                    ["tests", "tests.rs", "flags.rs"].iter().any(|name| path.ends_with(name));
                match path.extension() {
                    _ if is_left_out => {}
                    None => folders.push(path),
                    Some(extension) if extension == "rs" => files.push(path),
                    Some(_) => {}
                }
            }
        }
        files
    }
}
