//! Fuzzes the readers of files and server answers, each for a given time.

use std::collections::BTreeSet;

use super::{Progress, Row};
use crate::shell::{Result, nightly, root, target};

pub(super) fn run(seconds: u64) -> Result<Vec<Row>> {
    let corpora = root().join("fuzz/corpus");
    if !nightly(&["fuzz", "--version"]).output()?.status.success() {
        let remedy = "rustup toolchain install nightly; cargo install cargo-fuzz --locked";
        return Err(format!("fuzzing needs a nightly toolchain and cargo-fuzz: {remedy}").into());
    }
    let names = fs_err::read_dir(&corpora)?
        .map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()));
    let readers = names.collect::<Result<BTreeSet<String>>>()?;
    let mut progress = Progress::new("readers", readers.len());
    let mut inputs = 0;
    for (index, reader) in readers.iter().enumerate() {
        // New inputs are stored apart from those of the repository.
        let found = target("fuzz-corpus").join(reader);
        fs_err::create_dir_all(&found)?;
        let mut command = nightly(&["fuzz", "run", "reader"]);
        command
            .env("READER", reader)
            .arg("--target-dir")
            .arg(target("fuzz"))
            .arg(&found)
            .arg(corpora.join(reader))
            .args(["--", &format!("-max_total_time={seconds}")]);
        command.args([
            "-print_final_stats=1",
            "-max_len=65536",
            "-rss_limit_mb=1024",
            "-malloc_limit_mb=64",
            "-timeout=10",
        ]);
        let output = command.output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last: Vec<&str> = stderr.lines().rev().take(30).collect();
            return Err(format!(
                "{reader}:\n{}",
                last.into_iter().rev().collect::<Vec<_>>().join("\n")
            )
            .into());
        }
        inputs += executed(&stderr);
        progress.done(index + 1, &format!(" ({reader})"));
    }
    let figure =
        format!("{} readers, {inputs} inputs in {seconds} s each, no crash", readers.len());
    Ok(vec![Row { promise: "no file crashes a reader", figure }])
}

/// Number of inputs that libFuzzer reports as executed.
fn executed(output: &str) -> u64 {
    output
        .lines()
        .filter_map(|line| {
            line.strip_prefix("stat::number_of_executed_units:")?.trim().parse::<u64>().ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_counted() {
        assert_eq!(
            executed(
                "Done 12 runs\nstat::number_of_executed_units: 1200\n\
                 stat::average_exec_per_sec:     40\n"
            ),
            1200
        );
    }
}
