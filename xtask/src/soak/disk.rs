//! Tests with full disks and limited file sizes.

use std::collections::BTreeSet;

use super::{Progress, Row, Setup};
use crate::{
    shell::Result,
    survival::{FULL, Run, failed_well, limited, limits, mounting, same, small_disk},
};

/// Disk sizes grow by this factor, up to `LARGEST` KiB, which holds a run.
const GROWTH: f64 = 1.12;
const LARGEST: f64 = 700.0;

pub(super) fn run(setup: &Setup) -> Result<Vec<Row>> {
    let runs = [
        setup.letters("whole-letters", &["--epochs", "30", "--seed", "7"]),
        setup.prices("whole-prices", &["--epochs", "3", "--seed", "5"]),
    ];
    for run in &runs {
        run.train(&[])?;
    }
    let figure = format!(
        "{} limits: in each the first longer file failed, and the run resumed to the same bytes",
        short(setup, &runs)?
    );
    let short = Row { promise: "a partial write (RLIMIT_FSIZE)", figure };
    let Some(way) = mounting() else {
        return Err("small disks were LEFT OUT: this machine does not allow mounts (unshare -m, \
                    unshare -Urm)"
            .into());
    };
    let full = full(setup, &runs, way)?;
    Ok(vec![short, Row { promise: "a full disk (tmpfs), then a larger one", figure: full }])
}

fn short(setup: &Setup, runs: &[Run]) -> Result<usize> {
    let mut cases = Vec::new();
    for run in runs {
        let limits: BTreeSet<u64> =
            limits(&run.results())?.into_iter().flat_map(|blocks| [blocks, blocks / 2]).collect();
        cases.extend(limits.into_iter().map(|blocks| (run, blocks)));
    }
    let mut progress = Progress::new("limits", cases.len());
    for (index, (whole, blocks)) in cases.iter().enumerate() {
        let run =
            whole.in_folder(setup.scratch.join(format!("limit-{}-{blocks}", whole.experiment)));
        failed_well(&limited(&run, *blocks, &[])?, &run.results(), &FULL)?;
        again(whole, &run)?;
        progress.done(index + 1, "");
    }
    Ok(cases.len())
}

fn full(setup: &Setup, runs: &[Run], way: &[&str]) -> Result<String> {
    let sizes: BTreeSet<u64> = std::iter::successors(Some(4.0), |size| Some(size * GROWTH))
        .take_while(|size| *size < LARGEST)
        .map(|size| size as u64)
        .collect();
    let mut progress = Progress::new("disks", runs.len() * sizes.len());
    let (mut full, mut done) = (0, 0);
    for whole in runs {
        for kibibytes in &sizes {
            let run = whole
                .in_folder(setup.scratch.join(format!("disk-{}-{kibibytes}", whole.experiment)));
            let ended = small_disk(&run, way, *kibibytes)?;
            if ended.code != Some(0) {
                failed_well(&ended, &run.folder.join("first").join(run.experiment), &FULL)?;
                full += 1;
            }
            same(&whole.results(), &run.results())
                .map_err(|problem| format!("{kibibytes} KiB: {problem}"))?;
            fs_err::remove_dir_all(&run.folder)?;
            done += 1;
            progress.done(done, "");
        }
    }
    Ok(format!(
        "{full} full disks of {done} sizes, 4 KiB to {LARGEST:.0} KiB; each run resumed to the \
         same bytes"
    ))
}

/// Resumes a run undisturbed and checks that it ends like the uninterrupted run.
fn again(whole: &Run, run: &Run) -> Result<()> {
    run.train(&[])?;
    same(&whole.results(), &run.results())?;
    Ok(fs_err::remove_dir_all(&run.folder)?)
}
