//! Runs Criterion's benches as programs in turn, and reads their results.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::program::Setup;
use crate::{
    process::{self, Finished},
    shell::{Result, json},
    table::Spread,
};

/// Time of one call, as measured by Criterion.
#[derive(Debug)]
pub(super) struct Timing {
    /// Last part of the bench's name, after the function.
    pub(super) value: String,
    /// Nanoseconds per call, over Criterion's samples.
    pub(super) nanoseconds: Spread,
}

/// Runs the benches of a program whose names match a pattern, with additional environment
/// variables.
pub(super) fn run<'a>(
    setup: &Setup,
    program: &str,
    pattern: &str,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Finished> {
    let home = setup.scratch.join("criterion");
    if home.exists() {
        fs_err::remove_dir_all(&home)?;
    }
    let mut command = Command::new(setup.program(program));
    command.args(["--bench", pattern]).env("CRITERION_HOME", &home).envs(variables);
    if setup.quick {
        command.args(["--sample-size", "10", "--warm-up-time", "0.1", "--measurement-time", "0.3"]);
    }
    process::run(command)
}

/// Runs the layer benches whose names match a pattern, and returns their results.
pub(super) fn layers<'a>(
    setup: &Setup,
    pattern: &str,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Timing>> {
    run(setup, "layers", pattern, variables)?;
    let mut timings = Vec::new();
    collect(&setup.scratch.join("criterion"), &mut timings)?;
    if timings.is_empty() {
        Err(format!("no layer bench matches {pattern}").into())
    } else {
        Ok(timings)
    }
}

/// Collects the results in a folder; their paths follow from the names of the benches.
fn collect(folder: &Path, found: &mut Vec<Timing>) -> Result<()> {
    let mut entries: Vec<PathBuf> =
        fs_err::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    entries.sort();
    for path in entries.iter().filter(|path| path.is_dir()) {
        if path.ends_with("new") {
            found.push(timing(path)?);
        } else {
            collect(path, found)?;
        }
    }
    Ok(())
}

fn timing(folder: &Path) -> Result<Timing> {
    let (named, sample) =
        (json(&folder.join("benchmark.json"))?, json(&folder.join("sample.json"))?);
    let value = named["value_str"].as_str().unwrap_or_default().to_owned();
    let numbers = |name: &str| {
        sample[name].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64)
    };
    let nanoseconds =
        Spread::of(numbers("times").zip(numbers("iters")).map(|(time, calls)| time / calls));
    Ok(Timing { value, nanoseconds: nanoseconds.ok_or("a bench of Criterion has no samples")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timing_is_that_of_one_call() {
        let folder = crate::shell::scratch("criterion-test").unwrap();
        let bench = folder.join("lstm, inference/ours, ndarray/240/new");
        fs_err::create_dir_all(&bench).unwrap();
        fs_err::write(bench.join("benchmark.json"), r#"{"value_str":"240"}"#).unwrap();
        fs_err::write(
            bench.join("sample.json"),
            r#"{"iters":[1.0,2.0,3.0],"times":[10.0,24.0,33.0]}"#,
        )
        .unwrap();
        let mut found = Vec::new();
        collect(&folder, &mut found).unwrap();
        assert_eq!(found[0].value, "240");
        assert_eq!(found[0].nanoseconds, Spread { median: 11.0, least: 10.0, most: 12.0 });
    }
}
