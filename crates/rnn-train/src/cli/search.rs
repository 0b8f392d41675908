//! `search`: trains trials, ranks them by the validation set, scores the best on the test set.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use clap::Args;
use rnn_data::{DataError, Split};
use rnn_files::{create_own_folder, own_folder_exists, write_atomic};
use serde::Serialize;

use super::output::{json, note, out};
use super::{
    config::{BEST, settings_file},
    context::{Context, refuse},
};
use crate::{
    error::{Error, Result},
    evaluation::SeriesEvaluation,
    run::RunFolder,
    search::{
        Board, Drawn, Point, PreviousSearch, Search, SearchPlan, Searching, Space, TRIALS,
        TrialOutcome, overlay, picture, rungs,
    },
    settings::{
        Count, Experiment, Field, Method, OptionList, Options, Positive, Progress, Purge, Ranking,
        ScoredSet, SeriesSettings, Setting, TrainSettings, TrialCount, Typed,
    },
    task::{SeriesTask, Task},
    text::{count, number},
    workers::ParallelArgs,
};

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Name of a time-series experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// Search space, a file of keys with a list of values or a range: `units = [[32], [64]]`,
    /// `learning_rate = { min = 1e-4, max = 1e-2, log = true }`. `series` has one without a file
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) space: Option<PathBuf>,
    /// Number of trials, in addition to the baseline configuration [default: 20; grid: all]; the
    /// first ones vary one setting of it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) trials: Option<TrialCount>,
    /// Time limit in minutes for starting new trainings; the same command resumes the search
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) minutes: Option<Positive>,
    /// Search method: random, grid, or halving (the best third trains for three times the epochs)
    #[arg(long, value_name = "NAME", default_value = "random")]
    pub(crate) method: Method,
    /// Ranking score on the validation set: rmse, mae, mase or smape
    #[arg(long, value_name = "NAME", default_value = "rmse")]
    pub(crate) metric: Ranking,
    /// Seed of the random draws; --seed is that of the trainings
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true)]
    pub(crate) search_seed: u64,
    /// Start over instead of resuming
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// The document printed by `--json`.
#[derive(Debug, Serialize)]
struct SearchReport<'a> {
    plan: &'a SearchPlan,
    /// True once all trials are trained.
    complete: bool,
    trials: Vec<&'a TrialOutcome>,
    best: String,
    /// Scores of the best trial on the test set, once all trials are trained.
    test: Option<&'a SeriesEvaluation>,
    /// Trials scored on the test set, in order.
    test_scored: Vec<&'a str>,
}

impl SearchArgs {
    /// The file of the space, or what stands in its place.
    fn space_file(&self) -> &Path {
        self.space.as_deref().unwrap_or_else(|| Path::new("the built-in space"))
    }

    /// Opens the space. That of `series` needs no file, and leaves out settings that are given.
    fn open_space(&self) -> Result<Space> {
        match &self.space {
            Some(path) => Space::open(path),
            None if self.experiment.name() == Experiment::series().name() => {
                let given = self.options.entries()?;
                let mut space = Space::built_in()?;
                space.dimensions.retain(|dimension| !given.contains_key(&dimension.key));
                Ok(space)
            }
            None => Err(Error::Usage(format!(
                "--space: expected a file of settings to try for {} (see docs/forecasting.md; only \
                 `series` has a built-in space)",
                self.experiment
            ))),
        }
    }
}

/// Runs a search.
pub(super) fn run(context: &Context, args: &SearchArgs) -> Result<()> {
    let experiment = args.experiment;
    let space = args.open_space()?;
    let (base, sha256) = opened(context, args, &space)?;
    let fits = |options: &Options, epochs: Option<usize>| -> Result<()> {
        let mut options = options.clone().over(base.clone());
        options.epochs = epochs.map(|epochs| Typed(Count(epochs))).or(options.epochs);
        SeriesSettings::new(&options, &experiment.options())?;
        TrainSettings::new(options, &experiment.options()).map(drop)
    };
    space.check(args.space_file(), |options| fits(options, None))?;
    let keys: Vec<String> = space.dimensions.iter().map(|one| one.key.clone()).collect();
    let mut baseline = base.entries()?;
    baseline.retain(|name, _| keys.contains(name));

    let typed = args.trials.map(|TrialCount(trials)| trials);
    let epochs = base.epochs.map_or(1, Setting::value);
    let rungs = if args.method == Method::Halving {
        rungs(typed.unwrap_or(Method::TRIALS), epochs)
    } else {
        Vec::new()
    };
    let first = rungs.first().map(|(_, epochs)| *epochs);
    let drawn_of = |asked: Option<usize>| {
        draw(args, asked, &space, &baseline, |options| {
            fits(options, first).map_err(|error| match first.map(|first| count(first, "epoch")) {
                Some(epochs) => Error::Usage(format!("in the first rung of {epochs}: {error}")),
                None => error,
            })
        })
    };
    let mut drawn = drawn_of(typed)?;

    let artifacts = context.folder(experiment);
    let folder = artifacts.path(FOLDER);
    let _lock = artifacts.lock(LOCK)?;
    let previous = PreviousSearch::open(&folder)?;
    if args.fresh {
        previous.set_aside()?;
    }
    own_folder_exists(&folder)?;
    let mut search = Search::open(&folder, plan(args, &base, &space, &sha256)?)?;
    if search.trials > drawn.points.len() {
        // Finished trials are kept even if fewer are requested now.
        drawn = drawn_of(Some(search.trials))?;
    }
    let Drawn { points, refused, refusal } = drawn;
    search.trials = points.len();
    if typed.is_some_and(|asked| asked > points.len()) {
        let found = points.len();
        note(format_args!("the space has only {found} different points"));
    }
    if refused > 0 {
        note(format_args!("skipped {refused} invalid combinations; the first: {refusal}"));
    }
    let result = (|| {
        create_own_folder(&folder)?;
        search.write(&folder)?;

        let backend = context.backend()?;
        let until = |Positive(minutes)| {
            Instant::now() + Duration::from_secs_f64(f64::min(60.0 * minutes, 1e9))
        };
        let at_once = args.parallel.pool(&backend, points.len() + 1, &base, context.run_here);
        let searching = Searching {
            experiment,
            folder,
            baseline: baseline.clone(),
            points,
            sha256,
            metric: args.metric,
            backend: &backend,
            at_once,
            quiet: base.progress == Some(Progress::None),
            until: args.minutes.map(until),
            board: Mutex::new(Board::new(args.metric, keys)),
            base,
        };
        let complete = searching.all(&rungs)?;
        searching.report(args, &space, &mut search, complete)?;
        Ok(complete)
    })();
    match result {
        Ok(true) => previous.discard(),
        Ok(false) => Ok(()),
        Err(error) => {
            if args.fresh {
                previous.restore()?;
            }
            Err(error)
        }
    }
}

fn plan(args: &SearchArgs, base: &Options, space: &Space, sha256: &str) -> Result<SearchPlan> {
    // Data is identified by its content.
    let options = base.portable_entries()?;
    let trials = args.trials.map_or(Method::TRIALS, |TrialCount(trials)| trials);
    Ok(SearchPlan {
        experiment: args.experiment,
        method: Typed(args.method),
        metric: Typed(args.metric),
        trials: (args.method == Method::Halving).then_some(trials),
        search_seed: args.search_seed,
        space: space.fingerprint(),
        options,
        data_sha256: sha256.to_owned(),
    })
}

const LOCK: &str = ".search.lock";
const FOLDER: &str = "search";

/// The settings that are not searched and the hash of the data, the same for every trial.
fn opened(context: &Context, args: &SearchArgs, space: &Space) -> Result<(Options, String)> {
    let experiment = args.experiment;
    experiment.require_series("search")?;
    refuse(
        &[("--score", args.options.score.is_some())],
        "not available for searches: they rank on the validation set and score the best trial \
         on the test set",
    )?;
    let (typed, file) = (args.options.entries()?, args.space_file().display());
    for key in space.dimensions.iter().map(|dimension| &dimension.key) {
        if typed.contains_key(key) {
            let flag = Options::field(key).map(Field::flag).unwrap_or_default();
            return Err(Error::Usage(format!(
                "{flag}: `{key}` is also a key of {file} (remove one of them)"
            )));
        }
        if args.method == Method::Halving && key == "epochs" {
            return Err(Error::Usage(format!(
                "{file}: successive halving sets `epochs` itself (remove the key)"
            )));
        }
    }
    let mut options = context.options(experiment, &args.options)?;
    let longest = space.largest("window").map(|longest| longest as usize);
    if let (Some(longest), Some(Typed(Purge(Some(purge))))) = (longest, options.purge) {
        // All trials are scored on the same days, whatever their window.
        let own = options.window.map_or(1, Setting::value);
        options = options.purge(purge.max(own).max(longest));
    }
    if SeriesSettings::new(&options, &experiment.options())?.split == Split::Course {
        return Err(Error::Usage(format!(
            "{experiment}: the `course` split has no validation set, so a search would rank on the \
             test set (use --split holdout)"
        )));
    }
    options.score = Some(Typed(ScoredSet::Test));
    // Errors and guesses are reported once, before any training.
    let open = |options: Options| {
        SeriesTask::open(experiment, options, None).map_err(|error| match (longest, error) {
            (
                Some(longest),
                Error::Data(error @ (DataError::TooFewRows { .. } | DataError::Split { .. })),
            ) => Error::Usage(format!("{file}: no room for windows of {longest} rows: {error}")),
            (_, error) => error,
        })
    };
    let data = options.data.clone();
    let task = open(options)?;
    task.check()?;
    if let Some(longest) = longest.filter(|longest| *longest > task.data.config.window) {
        open(Options { data, ..task.options().window(longest) })?.check()?;
    }
    let mut options = task.options();
    options.score = Some(Typed(ScoredSet::Valid));
    TrainSettings::new(options.clone(), &experiment.options())?;
    Ok((options, task.data.source.sha256))
}

/// Draws the points of a method.
fn draw(
    args: &SearchArgs,
    asked: Option<usize>,
    space: &Space,
    baseline: &Point,
    fits: impl Fn(&Options) -> Result<()>,
) -> Result<Drawn> {
    let fits =
        |point: &Point| overlay(point).map_err(Error::Usage).and_then(|options| fits(&options));
    let drawn = match args.method {
        Method::Grid => space.grid(args.space_file(), fits)?,
        Method::Random | Method::Halving => {
            let count = asked.unwrap_or(Method::TRIALS);
            space.random(args.search_seed, count, baseline, fits)
        }
    };
    let count = drawn.points.len();
    match args.trials {
        _ if count == 0 => {
            let problem = format!("no valid combination of values; the first: {}", drawn.refusal);
            Err(Error::Settings { path: args.space_file().to_owned(), problem })
        }
        Some(TrialCount(asked)) if args.method == Method::Grid && asked < count => {
            Err(Error::Usage(format!(
                "--trials {asked}: the grid has {count} points (omit --trials, or use fewer values)"
            )))
        }
        _ => Ok(drawn),
    }
}

impl Searching<'_> {
    /// Prints and writes the results. Once all trials are trained, scores the best on the test set.
    fn report(
        &self,
        args: &SearchArgs,
        space: &Space,
        search: &mut Search,
        complete: bool,
    ) -> Result<()> {
        let (board, folder, experiment) = (self.board(), &self.folder, self.experiment);
        let (best_run, scored) = self.chosen(&board)?;
        let (name, metric) = (best_run.name(), self.metric.title());
        let trials: BTreeSet<usize> = board
            .outcomes()
            .iter()
            .map(|outcome| outcome.run.trial)
            .filter(|&trial| trial > 0)
            .collect();
        let trained = format!("{} ({})", count(trials.len(), "trial"), args.method);
        let synthetic = if self.base.data.is_none() { ", SYNTHETIC data" } else { "" };
        let file = self.base.data.as_deref().and_then(|path| path.file_name());
        let file = file.map_or(SAMPLE.into(), |name| name.to_string_lossy());

        write_atomic(&folder.join(TRIALS), &board.csv()?)?;
        let score = number(scored.score);
        let about =
            format!("{name} of a search of {trained}: {metric} {score} on the validation set");
        let config = settings_file(experiment, None, &self.best_options(best_run)?, &about);
        write_atomic(&folder.join(BEST), config.as_bytes())?;
        let title = format!(
            "{experiment}: {trained} on {file}{synthetic}, best validation {metric} {score}"
        );
        let artifacts = RunFolder { name: experiment.name().to_owned(), folder: folder.clone() };
        picture(&title, metric, space, &board)?.write_to(&artifacts, FOLDER)?;
        let test = if complete { Some(self.test(best_run, search)?) } else { None };
        if args.json {
            let tested = search.tested.iter().map(|tested| tested.trial.as_str()).collect();
            json(&SearchReport {
                plan: &search.plan,
                complete,
                trials: board.outcomes(),
                best: name,
                test: test.as_ref(),
                test_scored: tested,
            });
            return Ok(());
        }
        out(format_args!(
            "{experiment}, search of {trained}, ranked by validation {metric} on {file}{synthetic}"
        ));
        out(&*board);
        let lowest = board.best()?.0;
        if best_run.trial == 0 && lowest.trial == 0 {
            out("No trial is better than the baseline configuration.");
        } else if *best_run != *lowest {
            out(format_args!(
                "{} has the lowest score, but its lead over the baseline configuration is within \
                 the noise of the validation set. So {name} is chosen.",
                lowest.name()
            ));
        }
        match test {
            Some(test) => out(search.describe(&test, &name)),
            None => out("Stopped by --minutes; the same command resumes. The test set is scored \
                         once all trials are trained."),
        }
        out(format_args!(
            "\nnext: rnn-train --config {} train {experiment} --fresh",
            folder.join(BEST).display()
        ));
        let test = if complete { "  test.json" } else { "" };
        out(format_args!(
            "written to {}: {TRIALS}  {FOLDER}.svg/.png  best.toml{test}  trial-*/ (one run \
             folder per trial)",
            folder.display()
        ));
        Ok(())
    }
}

const SAMPLE: &str = "the embedded sample";
