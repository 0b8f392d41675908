use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use rnn_files::{create_folders, read_if_exists, write_atomic, write_following_links};
use rnn_models::thousands;
use serde::Serialize;
use serde_json::{Map, Value};

use super::context::Context;
use super::output::{json, out};
use crate::{
    error::{Error, Result},
    plot,
    run::{DataSource, EVALUATION, Epoch, History, METRICS, RunConfig, RunFolder, read_results},
    settings::{Experiment, OptionList, Options, Role, plain},
    text::{cells, number, table},
};

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Run folder (with a config.json), or an experiment in --artifacts
    pub(crate) first: PathBuf,
    /// Second run, likewise
    pub(crate) second: PathBuf,
    /// Column of metrics.csv to plot [default: valid_loss if both runs have it, else train_loss]
    #[arg(long, value_enum)]
    pub(crate) metric: Option<Metric>,
    /// Picture file, without extension [default: compare, in --artifacts]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// A column of `metrics.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// Loss on the training set
    TrainLoss,
    /// Loss on the validation set
    ValidLoss,
    /// Accuracy on the training set
    TrainAccuracy,
    /// Learning rate of the last step of an epoch
    LearningRate,
    /// Seconds per epoch
    Seconds,
}

impl Metric {
    /// The column name in `metrics.csv`.
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The value of an epoch, if it was recorded.
    pub(crate) fn of(self, epoch: &Epoch) -> Option<f64> {
        match self {
            Self::TrainLoss => epoch.train_loss,
            Self::ValidLoss => epoch.valid_loss,
            Self::TrainAccuracy => epoch.train_accuracy,
            Self::LearningRate => Some(epoch.learning_rate),
            Self::Seconds => Some(epoch.seconds),
        }
    }
}

/// One of the two runs.
struct ComparedRun {
    /// The name as typed.
    name: String,
    config: RunConfig,
    epochs: Vec<Epoch>,
    /// The content of `evaluation.json`; empty if there is no such file.
    evaluation: Map<String, Value>,
}

/// The document printed by `--json`.
#[derive(Debug, Serialize)]
struct Comparison {
    runs: [String; 2],
    /// Settings that differ.
    settings: Vec<ComparedValues>,
    /// Results of both runs.
    results: Vec<ComparedValues>,
    metric: String,
    /// The metric by epoch.
    curves: [Vec<(usize, f64)>; 2],
    /// Reasons why the numbers are not comparable, if any.
    warnings: Vec<String>,
}

/// A line of a table: a name, and its value in each run.
#[derive(Debug, Serialize)]
struct ComparedValues {
    name: String,
    values: [Option<Value>; 2],
}

/// Number of lines in the table of curves.
const ROWS: usize = 12;
/// Entries of `evaluation.json` to show, in this order.
const SCORES: [&str; 10] = [
    "set",
    "windows",
    "samples",
    "loss",
    "accuracy",
    "rmse",
    "mae",
    "mase",
    "skill",
    "directional_accuracy",
];

/// Large counts, printed with separators.
const COUNTS: [&str; 3] = ["parameters", "windows", "samples"];

/// Compares two runs.
pub(super) fn run(context: &Context, args: &CompareArgs) -> Result<()> {
    let runs = [open(context, &args.first)?, open(context, &args.second)?];
    let validate = runs.iter().all(|run| !curve(run, Metric::ValidLoss).is_empty());
    let default = if validate { Metric::ValidLoss } else { Metric::TrainLoss };
    let metric = args.metric.unwrap_or(default);
    let curves = [curve(&runs[0], metric), curve(&runs[1], metric)];
    if let Some((run, _)) = runs.iter().zip(&curves).find(|(_, curve)| curve.is_empty()) {
        let (name, metric) = (&run.name, metric.name());
        let problem = format!("{name}: no {metric} in its metrics.csv (choose another --metric)");
        return Err(Error::Usage(problem));
    }
    let report = Comparison {
        runs: [runs[0].name.clone(), runs[1].name.clone()],
        settings: settings(&runs)?,
        results: results(&runs),
        metric: metric.name(),
        curves,
        warnings: warnings(&runs, metric),
    };
    let sources = runs.iter().filter_map(|run| run.config.source.as_ref());
    let synthetic = sources.map(DataSource::mark).max().unwrap_or_default();
    let (name, [first, second]) = (metric.name(), &report.runs);
    let title = format!("{} of {first} and {second}{synthetic}", name.replace('_', " "));
    let picture = plot::comparison(&title, &name, &report.runs, &report.curves)?;
    if args.json {
        json(&report);
    } else {
        print(&report, synthetic);
    }
    let artifacts = &context.settings.artifacts;
    if args.out.is_none() {
        create_folders(artifacts)?;
    }
    let mut stem = args.out.clone().unwrap_or_else(|| artifacts.join("compare"));
    if stem.extension().is_some_and(|ending| ending == "svg" || ending == "png") {
        stem.set_extension("");
    }
    let [svg, png] = ["svg", "png"].map(|ending| stem.with_added_extension(ending));
    // Only a path that the user gave may lead elsewhere.
    let write = if args.out.is_some() { write_following_links } else { write_atomic };
    write(&svg, picture.svg.as_bytes())?;
    write(&png, &picture.png)?;
    if !args.json {
        out(format_args!("\nwritten: {}  {}", svg.display(), png.display()));
    }
    Ok(())
}

/// Opens a run by its folder or by its experiment.
fn open(context: &Context, typed: &Path) -> Result<ComparedRun> {
    let name = typed.display().to_string();
    let is_run = RunFolder::is_run(typed);
    let artifacts = match typed.to_str().map(str::parse::<Experiment>) {
        Some(Ok(experiment)) if !is_run => context.folder(experiment),
        _ if !is_run => {
            let problem = "no run folder and no experiment of that name (see `rnn-train list`)";
            return Err(Error::Artifact { path: typed.to_owned(), problem: problem.to_owned() });
        }
        _ => RunFolder::open(typed)?,
    };
    let artifacts = artifacts.readable();
    let config = artifacts.config()?.ok_or_else(|| Error::NotTrained {
        experiment: artifacts.name.clone(),
        folder: artifacts.folder.clone(),
    })?;
    let path = artifacts.path(EVALUATION);
    let evaluation = read_if_exists(&path)?.map(|text| read_results(&text)).transpose();
    let evaluation = evaluation.map_err(|problem| Error::Artifact {
        path,
        problem: format!("expected scores, but it {problem} (train the experiment again)"),
    })?;
    let epochs = History::open(artifacts.path(METRICS))?.epochs();
    if epochs.is_empty() {
        return Err(Error::Artifact {
            path: artifacts.path(METRICS),
            problem: "no epochs: the run stopped before the end of its first epoch".to_owned(),
        });
    }
    Ok(ComparedRun { name, config, epochs, evaluation: evaluation.unwrap_or_default() })
}

fn curve(run: &ComparedRun, metric: Metric) -> Vec<(usize, f64)> {
    run.epochs.iter().filter_map(|epoch| Some((epoch.epoch, metric.of(epoch)?))).collect()
}

fn settings(runs: &[ComparedRun; 2]) -> Result<Vec<ComparedValues>> {
    let entries = |run: &ComparedRun| -> Result<Map<String, Value>> {
        let RunConfig { experiment, backend, parameters, source, options, .. } = &run.config;
        // The output folder does not count as a setting; data is identified by its content.
        let mut entries = options.portable_entries()?;
        entries.insert("experiment".to_owned(), experiment.to_string().into());
        entries.insert("backend".to_owned(), backend.as_str().into());
        entries.insert("parameters".to_owned(), (*parameters).into());
        if let Some(source) = source {
            let synthetic = if source.synthetic { ", SYNTHETIC" } else { "" };
            let DataSource { file, rows, sha256, .. } = source;
            let data = format!("{file}{synthetic}, {rows} rows, {sha256:.8}");
            entries.insert("data".to_owned(), data.into());
        }
        Ok(entries)
    };
    let [first, second] = [entries(&runs[0])?, entries(&runs[1])?];
    let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let line = |name: &String| ComparedValues {
        name: name.clone(),
        values: [first.get(name).cloned(), second.get(name).cloned()],
    };
    Ok(names.into_iter().map(line).filter(|line| line.values[0] != line.values[1]).collect())
}

fn results(runs: &[ComparedRun; 2]) -> Vec<ComparedValues> {
    let of = |name: &str, value: &dyn Fn(&ComparedRun) -> Option<Value>| ComparedValues {
        name: name.to_owned(),
        values: [value(&runs[0]), value(&runs[1])],
    };
    let seconds = |run: &ComparedRun| run.epochs.iter().fold(0.0, |sum, epoch| sum + epoch.seconds);
    let mut lines = vec![
        of("epochs", &|run| Some(run.epochs.len().into())),
        of("best epoch", &|run| run.evaluation.get("best_epoch").cloned()),
        of("seconds", &|run| Some(seconds(run).into())),
        of("seconds per epoch", &|run| Some((seconds(run) / run.epochs.len() as f64).into())),
    ];
    lines.extend(SCORES.iter().map(|name| {
        of(name, &|run| run.evaluation.get(*name).filter(|value| !value.is_null()).cloned())
    }));
    lines.retain(|line| line.values.iter().any(Option::is_some));
    lines
}

/// Reasons why the numbers of the two runs are not comparable.
fn warnings(runs: &[ComparedRun; 2], metric: Metric) -> Vec<String> {
    let differs = |of: &dyn Fn(&ComparedRun) -> Option<String>| of(&runs[0]) != of(&runs[1]);
    let mut warnings = Vec::new();
    if differs(&|run| Some(run.config.source.is_some().to_string())) {
        return vec![
            "a letters run and a time-series run share only their training times".to_owned(),
        ];
    }
    if differs(&|run| Some(run.config.source.as_ref()?.sha256.clone())) {
        warnings.push("the data differs".to_owned());
    }
    let options = runs.each_ref().map(|run| run.config.options.entries().unwrap_or_default());
    let changed = |role: Role| {
        let fields = Options::FIELDS.iter().filter(move |field| field.role == role);
        fields.map(|field| field.name).filter(|name| options[0].get(*name) != options[1].get(*name))
    };
    let rows = changed(Role::Data).filter(|name| *name == "target").chain(changed(Role::Scored));
    let scores = "the scores are of different values";
    warnings.extend(rows.map(|name| format!("`{name}` differs, so {scores}")));
    let span = |run: &ComparedRun| {
        Some(format!("{:?}", ["span", "windows"].map(|name| run.evaluation.get(name))))
    };
    if warnings.is_empty() && differs(&span) {
        warnings.push(format!(
            "{scores} (a longer window moves the sets, see --purge, or crosses a gap, see \
             --max-gap)"
        ));
    }
    if matches!(metric, Metric::TrainLoss | Metric::ValidLoss) {
        let of_quantiles = options[0].get("loss").is_some_and(|loss| loss == "quantile");
        let losses = changed(Role::Loss).filter(|name| *name != "quantiles" || of_quantiles);
        let units = "the losses have different units";
        warnings.extend(losses.map(|name| format!("`{name}` differs, so {units}")));
    }
    warnings
}

fn print(report: &Comparison, synthetic: &str) {
    for (letter, name) in ["A", "B"].iter().zip(&report.runs) {
        out(format_args!(" {letter}  {name}"));
    }
    if !synthetic.is_empty() {
        out(format_args!("{synthetic}"));
    }
    let text = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::Number(value)) if value.is_f64() => number(value.as_f64().unwrap_or(f64::NAN)),
        Some(value) => plain(value),
    };
    let text = |name: &str, value: &Option<Value>| {
        let whole = value.as_ref().and_then(Value::as_u64).filter(|_| COUNTS.contains(&name));
        let whole = whole.and_then(|number| usize::try_from(number).ok());
        whole.map_or_else(|| text(value), thousands)
    };
    let head = |heading: &str| cells![heading, "A", "B"];
    let rows = |heading: &str, lines: &[ComparedValues]| {
        let row = |line: &ComparedValues| {
            let [first, second] = line.values.each_ref().map(|value| text(&line.name, value));
            cells![line.name, first, second]
        };
        [vec![head(heading)], lines.iter().map(row).collect()].concat()
    };
    if report.settings.is_empty() {
        out("\nAll settings are the same.");
    } else {
        out(format_args!("\n{}", table("<>>", rows("settings that differ", &report.settings))));
    }
    out(format_args!("\n{}", table("<>>", rows("results", &report.results))));

    let [first, second] =
        report.curves.each_ref().map(|curve| curve.iter().copied().collect::<BTreeMap<_, _>>());
    let epochs: BTreeSet<usize> = first.keys().chain(second.keys()).copied().collect();
    let apart = epochs.len().div_ceil(ROWS).max(1);
    let value = |curve: &BTreeMap<usize, f64>, epoch| {
        curve.get(epoch).map_or_else(|| "-".to_owned(), |value| number(*value))
    };
    let shown =
        |(index, epoch): &(usize, &usize)| index % apart == 0 || epochs.last() == Some(*epoch);
    let rows = epochs.iter().enumerate().filter(shown);
    let rows = rows.map(|(_, epoch)| cells![epoch, value(&first, epoch), value(&second, epoch)]);
    let head = head(&format!("{} after epoch", report.metric));
    out(format_args!("\n{}", table("<>>", std::iter::once(head).chain(rows))));
    report.warnings.iter().for_each(|warning| out(format_args!("warning: {warning}")));
}
