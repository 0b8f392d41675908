//! All fuzz targets for some time each.

use super::{Progress, Row};
use crate::shell::{Result, nightly, root, target as target_folder};

pub(super) fn run(seconds: u64) -> Result<Vec<Row>> {
    let folder = root().join("fuzz");
    if !folder.join("Cargo.toml").exists() {
        return Err("fuzz/ is not there".into());
    }
    let listed = nightly(&["fuzz", "list"]).output()?;
    if !listed.status.success() {
        let remedy = "rustup toolchain install nightly; cargo install cargo-fuzz --locked";
        return Err(format!("fuzzing needs a nightly toolchain and cargo-fuzz: {remedy}").into());
    }
    let targets = String::from_utf8_lossy(&listed.stdout).into_owned();
    let targets: Vec<&str> = targets.split_whitespace().collect();
    let mut progress = Progress::new("targets", targets.len());
    let mut inputs = 0;
    for (index, target) in targets.iter().enumerate() {
        // New inputs are kept apart from those of the repository.
        let found = target_folder("fuzz-corpus").join(target);
        fs_err::create_dir_all(&found)?;
        let mut command = nightly(&["fuzz", "run", target]);
        command.arg(&found).arg(folder.join("corpus").join(target)).args(["--", &format!("-max_total_time={seconds}")]);
        command.args(["-print_final_stats=1", "-max_len=65536", "-rss_limit_mb=1024", "-malloc_limit_mb=64", "-timeout=10"]);
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last: Vec<&str> = said.lines().rev().take(30).collect();
            return Err(format!("{target}:\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n")).into());
        }
        inputs += executed(&said);
        progress.done(index + 1, &format!(" ({target})"));
    }
    let figure = format!("{} targets, {inputs} inputs in {seconds} s each, no crash", targets.len());
    Ok(vec![Row { promise: "no file crashes a reader", figure }])
}

/// How many inputs libFuzzer says that it has tried.
fn executed(said: &str) -> u64 {
    said.lines().filter_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_counted() {
        assert_eq!(executed("Done 12 runs\nstat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     40\n"), 1200);
    }
}
