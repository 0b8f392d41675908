//! SIGKILL at random moments of a fetch from a local server.

use std::{
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use jiff::{ToSpan, civil::Date};
use serde_json::Value;

use super::{Progress, Row, Setup};
use crate::{
    shell::{Result, json},
    survival::{Random, Run},
    tencent::{Asked, serve},
};

const FILE: &str = "prices.csv";
const SIDECAR: &str = "prices.csv.json";
/// Last days of the fetches of a round: a new file, new days, a rewritten history, new days.
const DAYS: [&str; 4] = ["2020-06-30", "2020-08-31", "2021-06-30", "2021-12-31"];
const START: Date = Date::constant(2015, 1, 1);
const DIVIDEND_DAY: Date = Date::constant(2021, 2, 1);
const DIVIDEND: f64 = 4.5;
/// Longest time from the first temporary file to the kill; writing takes some ten milliseconds.
const WRITING: Duration = Duration::from_millis(15);

/// Counters of kills and of what they left.
#[derive(Default)]
struct Killed {
    kills: usize,
    /// Kills while the files were written.
    late: usize,
    /// Kills that left temporary files.
    unfinished: usize,
    /// Kills between the two renames, which the next fetch completed.
    between: usize,
}

/// Kills fetches that create, extend and replace a file, and lets the next fetch repair it. File
/// and sidecar must equal those of undisturbed fetches.
pub(super) fn run(setup: &Setup, kills: usize, seed: u64) -> Result<Vec<Row>> {
    let url = serve(bars)?;
    let whole = setup.run("fetch", "fetch-whole", &[]);
    let mut steps = Vec::new();
    for day in DAYS {
        let started = Instant::now();
        whole_fetch(&whole, &url, day)?;
        steps.push((day, files(&whole.folder)?, started.elapsed()));
    }
    let run = setup.run("fetch", "fetch-killed", &[]);
    let (mut random, mut killed, mut repaired) = (Random::new(seed), Killed::default(), 0);
    let mut progress = Progress::new("kills", kills);
    while killed.kills < kills {
        for (day, expected, life) in &steps {
            // Sometimes the repair is killed, too.
            for _ in 0..=random.below(2) {
                killed.once(&run, start(&run, &url, day)?, *life, &mut random)?;
            }
            let stderr = whole_fetch(&run, &url, day)?;
            killed.between += usize::from(stderr.contains("completing an interrupted fetch"));
            let context = format!("{day}, after {} kills", killed.kills);
            if files(&run.folder)? != *expected {
                return Err(format!(
                    "{context}: the file differs from that of an undisturbed fetch"
                )
                .into());
            }
            if unfinished(&run.folder)? > 0 {
                return Err(format!("{context}: a temporary file is left").into());
            }
            repaired += 1;
            progress.done(killed.kills.min(kills), "");
        }
        fs_err::remove_dir_all(&run.folder)?;
    }
    let Killed { kills, late, unfinished, between } = killed;
    let figure = format!(
        "{kills} kills ({late} while files were written, {between} between their renames, \
         {unfinished} left temporary files); the {repaired} fetches after them left the bytes of \
         an undisturbed fetch and no temporary file"
    );
    Ok(vec![Row { promise: "a fetch killed at any moment is repaired by the next", figure }])
}

impl Killed {
    /// Kills a fetch at a random moment, in every second case while it writes.
    fn once(
        &mut self,
        run: &Run,
        mut child: Child,
        life: Duration,
        random: &mut Random,
    ) -> Result<()> {
        let is_late = random.below(2) == 0;
        let delay = random.within(if is_late { WRITING } else { life.mul_f64(1.1) });
        while is_late && unfinished(&run.folder)? == 0 && child.try_wait()?.is_none() {
            thread::sleep(Duration::from_micros(100));
        }
        thread::sleep(delay);
        if child.try_wait()?.is_none() {
            child.kill()?;
            self.kills += 1;
            self.late += usize::from(is_late);
        }
        child.wait()?;
        self.unfinished += usize::from(unfinished(&run.folder)? > 0);
        Ok(())
    }
}

fn start(run: &Run, url: &str, day: &str) -> Result<Child> {
    let args = ["fetch", "600519", "--from", "2019-01-02", "--to", day, "--out", FILE];
    let mut command: Command = run.command(&[&args[..], &["--provider", "tencent"]].concat())?;
    command.env("RNN_TENCENT_URL", url);
    for name in ["http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    Ok(command.spawn()?)
}

/// Fetches undisturbed and returns the messages.
fn whole_fetch(run: &Run, url: &str, day: &str) -> Result<String> {
    let ended = run.end(start(run, url, day)?)?;
    match ended.code {
        Some(0) => Ok(ended.stderr),
        code => Err(format!("{day}: the fetch ended with {code:?}: {}", ended.stderr).into()),
    }
}

/// The CSV file, and its sidecar without the time of the download.
fn files(folder: &Path) -> Result<(String, Value)> {
    let mut sidecar = json(&folder.join(SIDECAR))?;
    sidecar["fetched_at"].take();
    Ok((fs_err::read_to_string(folder.join(FILE))?, sidecar))
}

/// Number of temporary files.
fn unfinished(folder: &Path) -> Result<usize> {
    let names =
        fs_err::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.ends_with(".tmp")).count())
}

/// A wave of prices on all days.
fn bars(asked: &Asked<'_>) -> Vec<[String; 6]> {
    let [Ok(from), Ok(to)] = asked.days.map(str::parse::<Date>) else { return Vec::new() };
    let days = from.series(1.day()).take_while(|day| *day <= to);
    let row = |day: Date| {
        let time = f64::from((day - START).get_days());
        // After the dividend, unadjusted prices are lower and backward-adjusted ones are not.
        let shift = if day >= DIVIDEND_DAY && asked.adjust.is_empty() { DIVIDEND } else { 0.0 };
        let [open, close] =
            [0.0, 0.7].map(|phase| 60.0 + 9.0 * (time / 30.0 + phase).sin() - shift);
        let prices = [open, close, open.max(close) + 0.4, open.min(close) - 0.4];
        let [open, close, high, low] = prices.map(|price| format!("{price:.2}"));
        [day.to_string(), open, close, high, low, "9".to_owned()]
    };
    days.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dividend_lowers_unadjusted_prices_only() {
        let opens = |adjust: &str| -> Vec<f64> {
            let line = format!("GET /x?param=sh600519,day,2021-01-31,2021-02-01,640,{adjust}&r=0");
            let rows = bars(&Asked::parse(&line).unwrap());
            rows.iter().map(|row| row[1].parse().unwrap()).collect()
        };
        let [raw, adjusted] = ["", "hfq"].map(opens);
        assert_eq!((raw.len(), raw[0]), (2, adjusted[0]));
        assert!((raw[1] + DIVIDEND - adjusted[1]).abs() < 0.011, "{raw:?} {adjusted:?}");
    }
}
