//! `backtest`: walk-forward evaluation. Each fold trains on the rows before its test set.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use jiff::{ToSpan, civil::DateTime};
use rnn_data::{DataError, SetSize, Split, first_from, format_time};

use super::context::{Context, refuse};
use super::output::{json, out, progress};
use crate::{
    error::{Error, Result},
    evaluation::{BACKTEST, BacktestReport, FoldRows, join_predictions},
    plot,
    run::{PREDICTIONS, seal_results},
    settings::{
        Count, Experiment, Options, Progress, ScoredSet, SplitName, Time, TrainSettings, Typed,
    },
    task::{SeriesTask, Task},
    text::{count, number},
    training::{checked_report, evaluation},
    workers::{self, ParallelArgs, Worker},
};

#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Name of a time-series experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// Number of folds: consecutive test sets at the end of the data, each with its own model
    #[arg(long, value_name = "N", default_value = "5", allow_negative_numbers = true)]
    pub(crate) folds: Count,
    /// Train each fold on all earlier rows (the default)
    #[arg(long, conflicts_with = "sliding")]
    pub(crate) expanding: bool,
    /// Train each fold on a fixed number of earlier rows: that of the first fold
    #[arg(long)]
    pub(crate) sliding: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Default fraction of a fold's rows that form its validation set.
const VALID: SetSize = SetSize::Fraction(0.15);
/// Name of the folder of the folds and of the result files.
const FOLDER: &str = "backtest";

/// Runs a backtest.
pub(super) fn run(context: &Context, args: &BacktestArgs) -> Result<()> {
    let experiment = args.experiment;
    experiment.require_series("backtest")?;
    let Count(folds) = args.folds;
    let asked = &args.options;
    let holdout = Options { split: Some(Typed(SplitName::Holdout)), ..asked.clone() };
    let mut options = context.options(experiment, &holdout)?;
    refuse(
        &[
            ("--split", asked.split.is_some()),
            ("--test", asked.test.is_some()),
            ("--score", asked.score.is_some()),
        ],
        "not available for backtests: each fold is a holdout split (use --folds)",
    )?;
    refuse(
        &[("--future-data", asked.future_data.is_some())],
        "not available for backtests: rows after the last one are no test set (leave it out)",
    )?;
    options.score = Some(Typed(ScoredSet::Test));
    options.future_data = None;
    // The recipe's validation set belongs to its own split, even if a settings file repeats it.
    let of_file =
        context.settings.file.valid.filter(|valid| Some(*valid) != experiment.options().valid);
    let valid = args.options.valid.or(of_file).map_or(VALID, |valid| valid.0);
    if let SetSize::From(from) = valid {
        let problem = format!(
            "--valid {}: one date cannot start the validation set of every fold (use a number of \
             rows or a fraction)",
            format_time(from)
        );
        return Err(Error::Usage(problem));
    }
    options.valid = Some(Typed(valid));
    // Opens the data: a tenth of the rows stands in for the test set of many folds.
    options.test = Some(Typed(SetSize::Fraction(1.0 / (folds.min(9) + 1) as f64)));
    let (task, times) = open(experiment, options, folds)?;
    let options = task.options();
    TrainSettings::new(options.clone(), &experiment.options())?;
    if times.len() / (folds + 1) < task.data.config.horizon {
        return Err(too_many(&task, valid, &times, folds, args.sliding));
    }
    let kind = if args.sliding { "sliding" } else { "expanding" };
    let plans = FoldRows::plan(times.len(), folds, args.sliding);
    for (index, plan) in plans.iter().enumerate() {
        check(&task, valid, &times, plan)
            .map_err(|error| Error::Usage(format!("fold {} of {folds}: {error}", index + 1)))?;
    }

    let (target, source) = (task.data.config.target.clone(), task.data.source.clone());
    // The workers read the data again; free the memory of this process meanwhile.
    drop(task);
    let artifacts = context.folder(experiment);
    let _lock = artifacts.lock(".backtest.lock")?;
    for fold in 1..=folds {
        artifacts.refuse_links(&[FOLDER, &format!("fold-{fold}"), experiment.name()])?;
    }
    let folder = artifacts.path(FOLDER);
    let roots: Vec<PathBuf> = (1..=folds).map(|fold| folder.join(format!("fold-{fold}"))).collect();
    let backend = context.backend()?;
    let at_once = args.parallel.pool(&backend, folds, &options, context.run_here);
    let jobs = at_once.jobs;
    progress(format_args!(
        "{folds} folds ({kind}), {jobs} at a time; each trains and validates on rows before its \
         test set"
    ));
    // Later folds are longer, so they start first.
    let trainings = plans.iter().zip(&roots).enumerate().rev().map(|(index, (plan, root))| {
        let (train, test) = (&plan.train, &plan.test);
        let from = (train.start > 0).then(|| Typed(Time(times[train.start])));
        let until = (test.end < times.len()).then(|| Typed(Time(last_moment(&times, test.end))));
        let options = Options {
            artifacts: Some(root.clone()),
            from: from.or(options.from),
            until: until.or(options.until),
            test: Some(Typed(SetSize::From(times[test.start]))),
            ..options.clone()
        };
        Worker::training(format!("fold {}", index + 1), experiment, &backend, &options)
    });
    let workers = trainings.collect::<Result<Vec<_>>>()?;
    let quiet = options.progress == Some(Progress::None);
    let finished = |index: usize| {
        let scored = evaluation(&roots[folds - 1 - index], experiment);
        if let (false, Ok(evaluation)) = (quiet, scored) {
            let (rmse, skill) = (number(evaluation.model.rmse), 100.0 * evaluation.skill);
            progress(format_args!("{}: RMSE {rmse}, skill {skill:+.1}%", workers[index].name));
        }
    };
    workers::run_all(&workers, at_once, quiet, finished)?;

    let evaluations =
        roots.iter().map(|root| evaluation(root, experiment)).collect::<Result<Vec<_>>>()?;
    let report = BacktestReport::new(experiment, kind, evaluations, &plans, source);
    artifacts.write(&format!("{FOLDER}.json"), seal_results(&report)?)?;
    let files = roots.iter().map(|root| checked_report(root, experiment, PREDICTIONS));
    let files = files.collect::<Result<Vec<PathBuf>>>()?;
    let shown = artifacts.stream(BACKTEST, |out| join_predictions(&files, out))?;
    plot::backtest(&report.title(), &target, &shown)?.write_to(&artifacts, FOLDER)?;
    if args.json {
        json(&report);
    } else {
        out(&report);
        let folder = artifacts.folder.display();
        out(format_args!(
            "\nwritten to {folder}: {FOLDER}.json  {BACKTEST}  {FOLDER}.svg/.png  \
             {FOLDER}/fold-*/ (one folder per fold)"
        ));
    }
    Ok(())
}

/// Opens the data and collects the distinct times of all its series.
fn open(
    experiment: Experiment,
    options: Options,
    folds: usize,
) -> Result<(SeriesTask, Vec<DateTime>)> {
    let task = SeriesTask::open(experiment, options, None).map_err(|error| match error {
        Error::Data(error @ (DataError::TooFewRows { .. } | DataError::Split { .. })) => {
            Error::Usage(format!("{folds} folds: too few rows to train on: {error}"))
        }
        other => other,
    })?;
    let times: BTreeSet<DateTime> =
        task.data.panel.series.iter().flat_map(|series| series.times.iter().copied()).collect();
    Ok((task, times.into_iter().collect()))
}

/// The error of too many folds, with the largest number that the first fold permits.
fn too_many(
    task: &SeriesTask,
    valid: SetSize,
    times: &[DateTime],
    folds: usize,
    sliding: bool,
) -> Error {
    let fits = |folds: usize| {
        let plans = FoldRows::plan(times.len(), folds, sliding);
        plans.first().is_some_and(|plan| check(task, valid, times, plan).is_ok())
    };
    let (mut most, mut bad) = (0, folds);
    while bad - most > 1 {
        let middle = most + (bad - most) / 2;
        if fits(middle) {
            most = middle;
        } else {
            bad = middle;
        }
    }
    let rows = count(times.len(), "row");
    let fix = if most > 0 { format!("at most {most}") } else { "more rows".to_owned() };
    Error::Usage(format!("--folds {folds}: too many for {rows} (use {fix})"))
}

/// Checks that a fold has enough rows to be trained and scored.
fn check(task: &SeriesTask, valid: SetSize, times: &[DateTime], plan: &FoldRows) -> Result<()> {
    let config = &task.data.config;
    let gap = config.split.gap(config.window);
    if plan.test.len() < config.horizon {
        let (rows, horizon) = (plan.test.len(), config.horizon);
        return Err(Error::Usage(format!(
            "its test set of {rows} rows is shorter than the horizon of {horizon} (use fewer \
             --folds)"
        )));
    }
    let split = Split::Holdout {
        valid,
        test: SetSize::From(times[plan.test.start]),
        purge: config.split.purge(),
    };
    let path =
        task.settings.read.path.clone().unwrap_or_else(|| PathBuf::from(&task.data.source.file));
    let times = &times[plan.train.start..plan.test.end];
    let cuts = split.times(&path, config.window, config.horizon, times)?;
    let place = |from: DateTime| first_from(times, from);
    let (valid, test) = (place(cuts.valid.unwrap_or(cuts.test)), place(cuts.test));
    let windows = (test + 1).saturating_sub(gap + config.horizon + valid);
    task.check_sets(valid.saturating_sub(gap), windows * task.data.panel.series.len())
}

/// The time of the row before `end`, as an inclusive end. A midnight would include its whole day.
/// So one nanosecond is added if the next row is on the same day.
fn last_moment(times: &[DateTime], end: usize) -> DateTime {
    let last = times[end - 1];
    if times[end].date() == last.date() { last.saturating_add(1.nanosecond()) } else { last }
}
