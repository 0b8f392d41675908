//! SIGKILL at random moments of a run.

use super::{Progress, Row, Setup};
use crate::{
    shell::{Result, say},
    survival::{Killed, Random, Run, Subject, round},
};

/// Number of kills of one run before it may finish; mostly it finishes earlier.
const MOST: usize = 12;

/// Kills three kinds of trainings: letters, prices, and prices with checkpoints inside epochs. Each
/// alternates between a new folder and `--fresh` over another run.
pub(super) fn run(setup: &Setup, kills: usize, seed: u64) -> Result<Vec<Row>> {
    let letters = |options: &[&str]| setup.letters("letters", options);
    let prices = |options: &[&str]| setup.prices("prices", options);
    let inside = |options: &[&str]| setup.prices("inside", options);
    let schedule =
        ["--schedule", "plateau:2:0.7", "--warmup", "1.5", "--patience", "20", "--seed", "5"];
    let long = [&["--epochs", "25"][..], &schedule].concat();
    let often = [
        &["--epochs", "4", "--batch-size", "4", "--checkpoint-every-seconds", "0.02"][..],
        &schedule,
    ]
    .concat();
    let subjects = [
        [
            letters(&["--epochs", "1500", "--learning-rate", "0.0005", "--seed", "7"]),
            letters(&["--epochs", "5", "--seed", "8"]),
        ],
        [prices(&long), prices(&["--epochs", "1", "--seed", "6"])],
        [inside(&often), inside(&["--epochs", "1", "--seed", "6"])],
    ];
    let (mut random, mut all, mut progress) =
        (Random::new(seed), Killed::default(), Progress::new("kills", kills));
    for (runs, goal) in subjects.into_iter().zip([kills / 3, 2 * kills / 3, kills]) {
        all = disturb(runs, (all, goal), &mut random, &mut progress)?;
    }
    let figure = format!(
        "{} kills ({} in the first tenth of a second, {} while reports were written), {} times \
         resumed, {} runs ended with the same bytes",
        all.kills, all.early, all.at_reports, all.resumed, all.ends
    );
    let read = format!(
        "{} files read in {} checks while runs were written and killed",
        all.files, all.looks
    );
    Ok(vec![
        Row { promise: "a killed training resumes and ends with the same bytes", figure },
        Row { promise: "no artifact is unreadable at any moment", figure: read },
    ])
}

fn disturb(
    [run, before]: [Run; 2],
    (mut all, goal): (Killed, usize),
    random: &mut Random,
    progress: &mut Progress,
) -> Result<Killed> {
    let whole = run.in_folder(run.folder.with_extension("whole"));
    let before = before.in_folder(run.folder.with_extension("before"));
    let life = whole.train(&[])?;
    before.train(&[])?;
    say(&format!("  {} undisturbed: {:.1} s", run.experiment, life.as_secs_f64()));
    let (whole, before) = (whole.results(), before.results());
    let mut subject = Subject { run: &run, whole: &whole, life, before: None };
    for index in 0.. {
        subject.before = (index % 2 == 1).then_some(before.as_path());
        all += round(&mut subject, MOST.min(goal - all.kills), random)?;
        progress.done(all.kills, &format!(" ({})", run.experiment));
        if all.kills >= goal {
            break;
        }
    }
    Ok(all)
}
