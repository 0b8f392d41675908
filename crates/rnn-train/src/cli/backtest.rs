//! Walk-forward: the end of the data is forecast part by part, each by a model that was trained on
//! what came before it.

use std::{fmt, io::Write, ops::Range, path::PathBuf};

use clap::Args;
use jiff::{ToSpan, civil::DateTime};
use rnn_data::{DataError, SetSize, Split, format_time};
use rnn_files::to_json;
use serde::Serialize;

use super::context::Context;
use crate::{
    console::{json, note, number, out},
    error::{Error, Result},
    evaluation::{BaselineScores, FoldPrediction, Scores, SeriesEvaluation, best, skill, verdict},
    plot,
    run::{DataSource, PREDICTIONS, RunFolder},
    settings::{
        Count, Experiment, Options, Progress, ScoredPart, SplitName, TaskRecipe, Time,
        TrainSettings, Typed,
    },
    task::{SeriesTask, Task},
    training::{evaluation, options_before},
    workers::{self, ParallelArgs, Worker, training_args},
};

#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Experiment on series, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Parts at the end of the data that are forecast one after another, each by a model trained on
    /// what came before
    #[arg(long, value_name = "N", default_value = "5", allow_negative_numbers = true)]
    pub(crate) folds: Count,
    /// Train each on all rows before (the default)
    #[arg(long, conflicts_with = "sliding")]
    pub(crate) expanding: bool,
    /// Train each on as many rows before as the first has
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

/// Share of a fold's rows that validate, where nothing else is asked for.
const VALID: SetSize = SetSize::Fraction(0.15);
const FOLDER: &str = "backtest";

/// `backtest.json`: the scores of every fold and of all together.
#[derive(Debug, Serialize)]
struct BacktestReport {
    experiment: Experiment,
    /// `expanding` or `sliding`.
    kind: &'static str,
    folds: Vec<Fold>,
    /// Of all forecasts together.
    overall: Scores,
    baselines: Vec<BaselineScores>,
    skill: f64,
    /// Share of all values inside the intervals.
    coverage: Option<f64>,
    data: DataSource,
}

#[derive(Debug, Serialize)]
struct Fold {
    fold: usize,
    /// Rows before the test part: those that train and those that validate.
    rows_before: usize,
    #[serde(flatten)]
    evaluation: SeriesEvaluation,
}

/// Rows of a fold.
struct FoldRows {
    train: Range<usize>,
    test: Range<usize>,
}

/// Runs a backtest.
pub(super) fn run(context: &Context, args: &BacktestArgs) -> Result<()> {
    let experiment = args.experiment;
    if let TaskRecipe::Letters(_) = experiment.task() {
        return Err(Error::Usage(format!(
            "{experiment} has letters, no time to go forward in; backtest one of the experiments on series"
        )));
    }
    let Count(folds) = args.folds;
    let mut options = context.settings.layered_on_data(
        experiment,
        &args.options,
        options_before(&context.settings, experiment),
    )?;
    let asked = &args.options;
    for (flag, given) in [
        ("--split", asked.split.is_some()),
        ("--test", asked.test.is_some()),
        ("--score", asked.score.is_some()),
    ] {
        if given {
            return Err(Error::Usage(format!(
                "{flag} is not for backtests: each fold is a holdout split, and --folds says what it tests on"
            )));
        }
    }
    options.split = Some(Typed(SplitName::Holdout));
    options.score = Some(Typed(ScoredPart::Test));
    // The recipe's validation part is said of its own split, also where a settings file repeats it.
    let of_file =
        context.settings.file.valid.filter(|valid| Some(*valid) != experiment.options().valid);
    let valid = args.options.valid.or(of_file).map_or(VALID, |valid| valid.0);
    if let SetSize::From(from) = valid {
        let problem = format!(
            "the validation part of a fold cannot begin at {}, one date for all folds; give rows or a share",
            format_time(from)
        );
        return Err(Error::Usage(problem));
    }
    options.valid = Some(Typed(valid));
    options.test = Some(Typed(SetSize::Fraction(1.0 / (folds + 1) as f64)));
    let (task, times) = open(experiment, options, folds)?;
    let options = task.options();
    TrainSettings::new(options.clone(), &experiment.options())?;
    let kind = if args.sliding { "sliding" } else { "expanding" };
    let plans = plans(times.len(), folds, args.sliding);
    for (index, plan) in plans.iter().enumerate() {
        check(&task, valid, &times, plan)
            .map_err(|error| Error::Usage(format!("fold {} of {folds}: {error}", index + 1)))?;
    }

    let (target, source) = (task.data.config.target.clone(), task.data.source.clone());
    // The workers read it again; this process need not hold it meanwhile.
    drop(task);
    let artifacts = context.folder(experiment);
    let _lock = artifacts.lock(".backtest.lock")?;
    let folder = artifacts.path(FOLDER);
    let roots: Vec<PathBuf> = (1..=folds).map(|fold| folder.join(format!("fold-{fold}"))).collect();
    let backend = context.backend()?;
    let at_once = context.pool(&args.parallel, &backend, folds, &options);
    let jobs = at_once.jobs;
    note(format_args!(
        "{folds} folds ({kind}), {jobs} at once; each trains and validates on rows before its test part"
    ));
    // Folds grow, and the longest should not be left for the end.
    let workers: Vec<Worker> = plans
        .iter()
        .zip(&roots)
        .enumerate()
        .rev()
        .map(|(index, (plan, root))| {
            let options = Options {
                artifacts: Some(root.clone()),
                from: if plan.train.start > 0 {
                    Some(Typed(Time(times[plan.train.start])))
                } else {
                    options.from
                },
                until: if plan.test.end < times.len() {
                    Some(Typed(Time(last_moment(&times, plan.test.end))))
                } else {
                    options.until
                },
                test: Some(Typed(SetSize::From(times[plan.test.start]))),
                ..options.clone()
            };
            Ok(Worker {
                name: format!("fold {}", index + 1),
                args: training_args(experiment, &backend, &options)?,
            })
        })
        .collect::<Result<_>>()?;
    let quiet = options.progress == Some(Progress::None);
    let finished = |index: usize| {
        if let (false, Ok(evaluation)) = (quiet, evaluation(&roots[folds - 1 - index], experiment))
        {
            let (rmse, skill) = (number(evaluation.model.rmse), 100.0 * evaluation.skill);
            note(format_args!("{}: RMSE {rmse}, skill {skill:+.1}%", workers[index].name));
        }
    };
    workers::run_all(&workers, at_once, quiet, finished)?;

    let evaluations =
        roots.iter().map(|root| evaluation(root, experiment)).collect::<Result<Vec<_>>>()?;
    let report = BacktestReport::new(experiment, kind, evaluations, &plans, source);
    artifacts.write("backtest.json", to_json(&report)?)?;
    let shown = artifacts.stream("backtest.csv", |out| predictions(&roots, experiment, out))?;
    let synthetic = if report.data.synthetic { " (SYNTHETIC data)" } else { "" };
    let title = format!(
        "{experiment}: {folds} folds of {}{synthetic}, RMSE {} ({})",
        report.data.file,
        number(report.overall.rmse),
        best(&report.baselines).map_or_else(String::new, |best| format!(
            "{}: {}",
            best.name,
            number(best.scores.rmse)
        ))
    );
    plot::backtest(&title, &target, &shown)?.write_to(&artifacts, "backtest")?;
    if args.json {
        json(&report);
    } else {
        out(&report);
        let folder = artifacts.folder.display();
        out(format_args!(
            "\nwritten to {folder}: backtest.json  backtest.csv  backtest.svg/.png  {FOLDER}/fold-*/ (a folder a fold)"
        ));
    }
    Ok(())
}

/// The data, and the times of all its series.
fn open(
    experiment: Experiment,
    options: Options,
    folds: usize,
) -> Result<(SeriesTask, Vec<DateTime>)> {
    let task = SeriesTask::open(experiment, options, None).map_err(|error| match error {
        Error::Data(error @ (DataError::TooFewRows { .. } | DataError::Split { .. })) => {
            Error::Usage(format!("{folds} folds leave too little to train on: {error}"))
        }
        other => other,
    })?;
    let times: std::collections::BTreeSet<DateTime> =
        task.data.panel.series.iter().flat_map(|series| series.times.iter().copied()).collect();
    Ok((task, times.into_iter().collect()))
}

/// Test parts of equal length at the end, and what trains before each.
fn plans(rows: usize, folds: usize, sliding: bool) -> Vec<FoldRows> {
    let length = rows / (folds + 1);
    let first = rows - folds * length;
    let plan = |fold: usize| {
        let start = first + fold * length;
        FoldRows {
            train: if sliding { start - first..start } else { 0..start },
            test: start..start + length,
        }
    };
    (0..folds).map(plan).collect()
}

/// Makes sure that a fold can be trained and scored, as far as the number of its rows says.
fn check(task: &SeriesTask, valid: SetSize, times: &[DateTime], plan: &FoldRows) -> Result<()> {
    let config = &task.data.config;
    let purge = config.split.gap(config.window);
    if plan.test.len() < config.horizon {
        let (rows, horizon) = (plan.test.len(), config.horizon);
        return Err(Error::Usage(format!(
            "its test part of {rows} rows is shorter than the horizon of {horizon}; use fewer folds"
        )));
    }
    let split = Split::Holdout { valid, test: SetSize::From(times[plan.test.start]), purge };
    let path =
        task.settings.read.path.clone().unwrap_or_else(|| PathBuf::from(&task.data.source.file));
    let times = &times[plan.train.start..plan.test.end];
    let cuts = split.times(&path, config.window, config.horizon, times)?;
    let place = |from: DateTime| times.partition_point(|time| *time < from);
    let (valid, test) = (place(cuts.valid.unwrap_or(cuts.test)), place(cuts.test));
    let windows = (test + 1).saturating_sub(purge + config.horizon + valid);
    task.check_parts(valid.saturating_sub(purge), windows * task.data.panel.series.len())
}

/// The last time before a row, as an end that counts: a midnight would mean all of its day.
fn last_moment(times: &[DateTime], end: usize) -> DateTime {
    let last = times[end - 1];
    if times[end].date() == last.date() { last.saturating_add(1.nanosecond()) } else { last }
}

/// Writes the forecasts of all folds as CSV; gives those that the picture shows: one step ahead, of
/// the first series.
fn predictions(
    roots: &[PathBuf],
    experiment: Experiment,
    out: &mut dyn Write,
) -> Result<Vec<FoldPrediction>> {
    let (mut writer, mut shown) = (csv::Writer::from_writer(out), Vec::new());
    for (index, root) in roots.iter().enumerate() {
        let path = RunFolder::new(root, experiment).path(PREDICTIONS);
        let unreadable = |error: csv::Error| Error::Artifact {
            path: path.clone(),
            problem: format!("cannot be read: {error}"),
        };
        let mut reader = csv::Reader::from_path(&path).map_err(unreadable)?;
        let header = reader.headers().map_err(unreadable)?.clone();
        if index == 0 {
            writer.write_record(["fold"].into_iter().chain(&header)).map_err(unreadable)?;
        }
        let place = |name: &str| header.iter().position(|column| column == name);
        let [series, step, date, actual, predicted] =
            ["series", "step", "date", "actual", "predicted"].map(place);
        let (fold, mut record, mut first) =
            ((index + 1).to_string(), csv::StringRecord::new(), None);
        while reader.read_record(&mut record).map_err(unreadable)? {
            writer.write_record([fold.as_str()].into_iter().chain(&record)).map_err(unreadable)?;
            let text = |place: Option<usize>| record.get(place?);
            let name = text(series).map(str::to_owned);
            if text(step).is_none_or(|step| step == "1")
                && *first.get_or_insert_with(|| name.clone()) == name
            {
                let number = |place: Option<usize>| text(place)?.parse().ok();
                let read = || {
                    Some((text(date)?.parse::<Time>().ok()?.0, number(actual)?, number(predicted)?))
                };
                shown.extend(read().map(|(time, actual, predicted)| FoldPrediction {
                    fold: index + 1,
                    time,
                    actual,
                    predicted,
                }));
            }
        }
    }
    writer.flush().map_err(|source| Error::Write { path: "backtest.csv".into(), source })?;
    Ok(shown)
}

impl BacktestReport {
    fn new(
        experiment: Experiment,
        kind: &'static str,
        evaluations: Vec<SeriesEvaluation>,
        plans: &[FoldRows],
        data: DataSource,
    ) -> Self {
        let weighted: Vec<(usize, Scores)> =
            evaluations.iter().map(|fold| (fold.windows, fold.model)).collect();
        let overall = Scores::together(&weighted);
        let of_baseline = |index: usize, name: &str| {
            let weighted: Vec<(usize, Scores)> = evaluations
                .iter()
                .map(|fold| (fold.windows, fold.baselines[index].scores))
                .collect();
            BaselineScores { name: name.to_owned(), scores: Scores::together(&weighted) }
        };
        let baselines: Vec<BaselineScores> = evaluations[0]
            .baselines
            .iter()
            .enumerate()
            .map(|(index, baseline)| of_baseline(index, &baseline.name))
            .collect();
        let windows: usize = evaluations.iter().map(|fold| fold.windows).sum();
        let covered =
            |fold: &SeriesEvaluation| Some(fold.interval.as_ref()?.coverage * fold.windows as f64);
        let covered: Option<f64> = evaluations.iter().map(covered).sum();
        let folds = evaluations.into_iter().zip(plans).enumerate();
        Self {
            experiment,
            kind,
            skill: skill(&overall, &baselines),
            overall,
            baselines,
            coverage: covered.map(|covered| covered / windows as f64),
            folds: folds
                .map(|(index, (evaluation, plan))| Fold {
                    fold: index + 1,
                    rows_before: plan.train.len(),
                    evaluation,
                })
                .collect(),
            data,
        }
    }
}

impl fmt::Display for BacktestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, kind, folds, overall, baselines, skill, coverage, data } = self;
        let synthetic = if data.synthetic { ", SYNTHETIC data" } else { "" };
        writeln!(f, "{experiment}, {} folds ({kind}) of {}{synthetic}", folds.len(), data.file)?;
        writeln!(
            f,
            " {:<7} {:>11}  {:<26} {:>7} {:>10} {:>10} {:>24} {:>7} {:>8}",
            "fold",
            "rows before",
            "test part",
            "windows",
            "RMSE",
            "MAE",
            "best baseline, RMSE",
            "skill",
            "coverage"
        )?;
        let percent = |share: Option<f64>| {
            share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
        };
        let line = |f: &mut fmt::Formatter<'_>,
                    name: String,
                    rows: String,
                    part: String,
                    windows: usize,
                    scores: &Scores,
                    baselines,
                    skill,
                    coverage| {
            let named = best(baselines).map_or_else(String::new, |best| {
                format!("{}, {}", best.name, number(best.scores.rmse))
            });
            let (rmse, mae) = (number(scores.rmse), number(scores.mae));
            let skill = format!("{:+.1}%", 100.0 * skill);
            writeln!(
                f,
                " {name:<7} {rows:>11}  {part:<26} {windows:>7} {rmse:>10} {mae:>10} {named:>24} {skill:>7} {:>8}",
                percent(coverage)
            )
        };
        for Fold { fold, rows_before, evaluation } in folds {
            let part = evaluation.span.map(format_time).join(" .. ");
            let coverage = evaluation.interval.as_ref().map(|interval| interval.coverage);
            let (scores, baselines) = (&evaluation.model, &evaluation.baselines[..]);
            line(
                f,
                fold.to_string(),
                rows_before.to_string(),
                part,
                evaluation.windows,
                scores,
                baselines,
                evaluation.skill,
                coverage,
            )?;
        }
        let windows = folds.iter().map(|fold| fold.evaluation.windows).sum();
        line(
            f,
            "overall".to_owned(),
            String::new(),
            String::new(),
            windows,
            overall,
            &baselines[..],
            *skill,
            *coverage,
        )?;
        write!(f, "Over all folds: {}", verdict(*skill, baselines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_go_forward_and_cover_the_end() {
        for (rows, folds, sliding) in
            [(2426, 5, false), (2426, 5, true), (103, 9, true), (10, 1, false)]
        {
            let plans = plans(rows, folds, sliding);
            assert_eq!((plans.len(), plans[folds - 1].test.end), (folds, rows));
            for pair in plans.windows(2) {
                assert_eq!(pair[0].test.end, pair[1].test.start);
                assert_eq!(pair[0].test.len(), pair[1].test.len());
            }
            for plan in &plans {
                assert_eq!(
                    plan.train.end, plan.test.start,
                    "everything before the test part, up to it"
                );
                assert!(plan.train.start == 0 || sliding);
                if sliding {
                    assert_eq!(plan.train.len(), plans[0].train.len());
                }
            }
        }
    }
}
