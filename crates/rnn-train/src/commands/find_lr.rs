use serde::Serialize;

use super::{
    train::{json as to_json, write_picture},
    trained::options_before,
};
use crate::{
    Error, Result,
    artifacts::{Artifacts, csv_rows},
    backend::{Backend, SMALLER_BATCH},
    cli::{FindLrArgs, Progress},
    console::{json, note, out},
    evaluation::number,
    job::{Job, LettersJob, SeriesJob},
    plot,
    range_test::{Point, RangeTest, Suggestion, suggest},
    recipe::{Experiment, Task},
    settings::{GlobalSettings, SeriesSettings, TrainSettings},
    values::{Count, Positive},
};

/// `find-lr.json`: the suggestion and every step.
#[derive(Debug, Serialize)]
struct Report<'a> {
    experiment: Experiment,
    optimizer: String,
    batch_size: usize,
    synthetic: bool,
    #[serde(flatten)]
    suggestion: &'a Suggestion,
    points: &'a [Point],
}

/// Finds a learning rate.
pub(super) fn run(global: &GlobalSettings, args: &FindLrArgs) -> Result<()> {
    let (Positive(lowest), Positive(highest), Count(steps)) = (args.lowest, args.highest, args.steps);
    if !(LEAST..=MOST).contains(&lowest) || !(LEAST..=MOST).contains(&highest) || highest < 100.0 * lowest {
        return Err(Error::Usage(format!(
            "a range test goes from a rate to one a hundred times as large or more, both from {LEAST:e} to {MOST:e}; got --lowest {lowest:e} and \
             --highest {highest:e}"
        )));
    }
    let asked = &args.options;
    let useless = [
        ("--epochs", asked.epochs.is_some()),
        ("--learning-rate", asked.learning_rate.is_some()),
        ("--schedule", asked.schedule.is_some()),
        ("--warmup", asked.warmup.is_some()),
        ("--patience", asked.patience.is_some()),
    ];
    if let Some((flag, _)) = useless.into_iter().find(|(_, given)| *given) {
        return Err(Error::Usage(format!("{flag} is not for a range test, which has --steps, --lowest and --highest")));
    }
    if steps < FEWEST {
        return Err(Error::Usage(format!("a range test takes at least {FEWEST} steps, got {steps} (--steps)")));
    }
    let options = global.layered_on_data(args.experiment, &args.options, options_before(global, args.experiment))?;
    let test = RangeTest { lowest, highest, steps };
    let settings = TrainSettings::new(args.experiment, options, true)?;
    match args.experiment.0.task {
        Task::Letters(letters) => find(global, args, &settings, test, &LettersJob::new(args.experiment, letters)),
        Task::Series(_) => {
            let job = SeriesJob::open(args.experiment, SeriesSettings::new(args.experiment, &settings.options)?, None)?;
            find(global, args, &settings, test, &job)
        }
    }
}

/// Rates between which a range test goes.
const LEAST: f64 = 1e-12;
const MOST: f64 = 1e3;
/// Steps from which something can be seen.
const FEWEST: usize = 20;

fn find<J: Job>(global: &GlobalSettings, args: &FindLrArgs, settings: &TrainSettings, test: RangeTest, job: &J) -> Result<()> {
    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    let quiet = settings.progress == Progress::None;
    let points = backend.guard(SMALLER_BATCH, || test.run(job, settings, &backend.device, quiet))?;
    let suggestion = suggest(&points);
    let experiment = settings.experiment;
    let artifacts = Artifacts::new(&global.artifacts, experiment);
    let _lock = artifacts.lock(".find-lr.lock")?;
    let synthetic = job.meaning().data.is_some_and(|data| data.synthetic);
    let optimizer = settings.optimizer.name.to_string();
    let report = Report { experiment, optimizer, batch_size: settings.batch_size, synthetic, suggestion: &suggestion, points: &points };
    artifacts.write("find-lr.json", to_json(&report)?)?;
    let header = ["step", "learning_rate", "loss", "smoothed"].map(str::to_owned);
    let row =
        |point: &Point| vec![point.step.to_string(), point.learning_rate.to_string(), point.loss.to_string(), point.smoothed.to_string()];
    artifacts.write("find-lr.csv", csv_rows(&header, &points, row)?)?;
    let data = if synthetic { ", SYNTHETIC data" } else { "" };
    let title = format!("{experiment}: learning rate range test, {}{data}", report.optimizer);
    write_picture(&artifacts, "find-lr", &plot::range_test(&title, &points, suggestion.learning_rate)?)?;
    if args.json {
        json(&report);
        return Ok(());
    }
    let (steps, batch) = (points.len(), settings.batch_size);
    out(format_args!("{experiment}: {steps} steps of {batch} samples, {}, seed {}{data}", report.optimizer, settings.seed));
    out(format_args!(" {:>13} {:>12}", "learning rate", "loss"));
    // Some twelve lines of all.
    let apart = steps.div_ceil(12).max(1);
    points.iter().step_by(apart).for_each(|point| out(format_args!(" {:>13.1e} {:>12}", point.learning_rate, number(point.smoothed))));
    if steps < test.steps {
        out(format_args!("Stopped after step {steps} of {}: the loss had left what can be learned from.", test.steps));
    }
    match suggestion.learning_rate {
        Some(rate) => out(format_args!("Suggested: --learning-rate {rate}")),
        None => out("No rate is suggested."),
    }
    out(format_args!("Why: {}.", suggestion.reason));
    out(format_args!("\nwritten to {}: find-lr.svg/.png  find-lr.csv  find-lr.json", artifacts.folder.display()));
    Ok(())
}
