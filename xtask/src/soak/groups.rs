//! SIGKILL at random moments of a search, a backtest, and trainings with several seeds.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    Progress, Row, Setup,
    trees::{Group, SMALL, prices, same, whole},
};
use crate::{
    shell::{Result, say},
    survival::Random,
};

/// Number of kills before a command may finish; mostly it finishes earlier.
const MOST: usize = 12;

const SPACE: &str = "learning_rate = { min = 1e-3, max = 0.1, log = true }\ndropout = [0.0, 0.1]\n";

/// Counters of a kind of command.
#[derive(Default)]
struct Count {
    kills: usize,
    ends: usize,
    files: usize,
}

/// Kills each kind of command `kills` times. It is started again until it ends, with the results
/// of an undisturbed one.
pub(super) fn run(setup: &Setup, kills: usize, seed: u64) -> Result<Vec<Row>> {
    let data = setup.scratch.join("prices.csv");
    fs_err::write(&data, prices(200))?;
    let space = setup.scratch.join("space.toml");
    fs_err::write(&space, SPACE)?;
    let (data, space) = (data.display().to_string(), space.display().to_string());
    let common = [&SMALL[..], &["--data", &data, "--jobs", "2"]].concat();
    let search = ["search", "series", "--space", &space, "--trials"];
    let halving = ["4", "--method", "halving"];
    let groups = [
        ("search", Group::new(setup, "search", &[&search, &["3"], &common])),
        ("search (halving)", Group::new(setup, "halving", &[&search, &halving, &common])),
        (
            "backtest",
            Group::new(setup, "backtest", &[&["backtest", "series", "--folds", "3"], &common]),
        ),
        (
            "train --seeds",
            Group::new(setup, "seeds", &[&["train", "series", "--seeds", "3"], &common]),
        ),
    ];
    let mut random = Random::new(seed);
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for (name, group) in &groups {
        let count = disturb(name, group, kills, &mut random)?;
        let Count { kills, ends, files } = count;
        figures.push(format!("{name}: {kills} kills, {ends} ended, {files} files"));
    }
    rows.push(Row {
        promise: "a killed search, backtest or --seeds ends with the same bytes",
        figure: figures.join("; "),
    });
    Ok(rows)
}

fn disturb(name: &'static str, group: &Group, kills: usize, random: &mut Random) -> Result<Count> {
    let undisturbed = group.in_folder(group.run.folder.with_extension("whole"));
    let mut life = undisturbed.complete()?;
    say(&format!("  {name} undisturbed: {:.1} s", life.as_secs_f64()));
    let mut progress = Progress::new(name, kills);
    let mut count = Count::default();
    while count.kills < kills {
        let most = MOST.min(kills - count.kills);
        let killed = round(group, &mut life, most, random, &mut count)
            .and_then(|killed| Ok((killed, same(&undisturbed.artifacts(), &group.artifacts())?)));
        let (killed, files) = killed
            .map_err(|problem| format!("{name}, after {} kills in all: {problem}", count.kills))?;
        say(&format!("  {name}: {killed} kills, then the same {files} files"));
        count.ends += 1;
        count.files = files;
        progress.done(count.kills, "");
    }
    Ok(count)
}

/// Kills a new command up to `most` times, starting it again each time, and then lets it end.
fn round(
    group: &Group,
    life: &mut Duration,
    most: usize,
    random: &mut Random,
    count: &mut Count,
) -> Result<usize> {
    if group.run.folder.exists() {
        fs_err::remove_dir_all(&group.run.folder)?;
    }
    for kill in 0..most {
        let (mut child, started) = (group.start()?, Instant::now());
        let moment = moment(*life, random);
        while started.elapsed() < moment && child.try_wait()?.is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        if let Some(status) = child.try_wait()? {
            if status.success() {
                if kill == 0 {
                    // The machine is less busy than before.
                    *life = started.elapsed().min(*life);
                }
                return Ok(kill);
            }
            return Err(format!("it ended with {status}: {}", group.run.stderr()).into());
        }
        child.kill()?;
        child.wait()?;
        count.kills += 1;
        readable(&group.artifacts())?;
    }
    group.complete()?;
    Ok(most)
}

/// Mostly any moment of a command, and often an early one.
fn moment(life: Duration, random: &mut Random) -> Duration {
    match random.below(6) {
        0 => random.within(Duration::from_millis(60)),
        _ => random.within(life),
    }
}

/// Checks that no file is incomplete. The trainings of a killed command end with it, but take a
/// moment: a file may vanish while it is checked.
fn readable(artifacts: &Path) -> Result<()> {
    let mut checked = whole(artifacts);
    for _ in 0..5 {
        if checked.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
        checked = whole(artifacts);
    }
    checked.map(drop)
}
