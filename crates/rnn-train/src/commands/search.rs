//! Searching settings: trains trials as processes of their own, ranks them by the validation part, scores the best on the test part.

mod trials;

use std::{
    cell::RefCell,
    fs,
    sync::Mutex,
    time::{Duration, Instant},
};

use rnn_data::{DataError, Part, Split};
use serde::Serialize;
use serde_json::{Map, Value};
use trials::Searching;

use super::{
    config::settings_file,
    seeds,
    train::{json as to_json, write_picture},
    trained::Trained,
};
use crate::{
    Error, Result,
    artifacts::{Artifacts, read_if_there, write_atomic},
    backend::{Backend, USE_CPU},
    cli::{Progress, SearchArgs},
    console::{json, note, out},
    evaluation::{SeriesEvaluation, best, number, verdict},
    job::SeriesJob,
    options::{Options, Typed},
    plot,
    recipe::Task,
    search::{Board, Outcome, Plan, Point, Run, Search, Space, overlay, rungs},
    settings::{GlobalSettings, SeriesSettings, TrainSettings},
    values::{Count, Method, Positive, ScoredPart},
};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    plan: &'a Plan,
    trials: Vec<&'a Outcome>,
    best: String,
    /// Scores of the best trial on the test part.
    test: &'a SeriesEvaluation,
    /// Trials whose test part was scored, in turn.
    test_scored: &'a [String],
}

/// Searches.
pub(super) fn run(global: &GlobalSettings, args: &SearchArgs) -> Result<()> {
    let experiment = args.experiment;
    let space = Space::open(&args.space)?;
    let (base, sha256) = opened(global, args, &space)?;
    let fits = |options: &Options, epochs: Option<usize>| -> Result<()> {
        let mut options = options.clone().over(base.clone());
        options.epochs = epochs.map(|epochs| Typed(Count(epochs))).or(options.epochs);
        SeriesSettings::new(experiment, &options)?;
        TrainSettings::new(experiment, options, true).map(drop)
    };
    space.check(&args.space, |options| fits(options, None))?;
    let epochs = base.epochs.map_or(1, |epochs| epochs.0.0);
    let Count(trials) = args.trials.unwrap_or(Count(Method::TRIALS));
    let rungs = if args.method == Method::Halving { rungs(trials, epochs) } else { Vec::new() };
    let points = points(args, &space, |options| fits(options, rungs.first().map(|(_, epochs)| *epochs)))?;

    let artifacts = Artifacts::new(&global.artifacts, experiment);
    let folder = artifacts.path(FOLDER);
    if args.fresh && folder.exists() {
        fs::remove_dir_all(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
    }
    let mut options = base.entries()?;
    options.retain(|name, _| name != "artifacts");
    let plan = Plan {
        experiment,
        method: args.method.to_string(),
        metric: args.metric.to_string(),
        search_seed: args.search_seed,
        space: space.fingerprint(),
        options,
        data_sha256: sha256,
    };
    let mut search = Search::open(&folder, plan)?;
    fs::create_dir_all(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
    search.write(&folder)?;

    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    let at_once = seeds::at_once(&args.parallel, &backend, points.len() + 1, &base);
    let keys: Vec<String> = space.dimensions.iter().map(|dimension| dimension.key.clone()).collect();
    let seconds = args.minutes.map(|Positive(minutes)| Duration::from_secs_f64((60.0 * minutes).min(1e9)));
    let searching = Searching {
        experiment,
        folder,
        metric: args.metric,
        backend: &backend,
        at_once,
        quiet: base.progress == Some(Progress::None),
        until: seconds.map(|seconds| Instant::now() + seconds),
        board: Mutex::new(Board::new(args.metric, keys)),
        base,
    };
    searching.all(points, &rungs)?;
    searching.report(args, &space, &mut search)
}

const FOLDER: &str = "search";

/// Settings that are not searched, and the hash of the data: both as every trial will have them.
fn opened(global: &GlobalSettings, args: &SearchArgs, space: &Space) -> Result<(Options, String)> {
    let experiment = args.experiment;
    if let Task::Letters(_) = experiment.0.task {
        return Err(Error::Usage(format!(
            "{experiment} has no validation part to rank trials by; search one of the experiments on series"
        )));
    }
    if args.options.score.is_some() {
        return Err(Error::Usage(
            "--score is not for searches: trials are ranked by the validation part, the best is scored on the test part".to_owned(),
        ));
    }
    let typed = args.options.entries()?;
    for key in space.dimensions.iter().map(|dimension| &dimension.key) {
        if typed.contains_key(key) {
            let flag = key.replace('_', "-");
            return Err(Error::Usage(format!(
                "--{flag} is typed, and `{key}` is a key of {}; leave out one of them",
                args.space.display()
            )));
        }
        if args.method == Method::Halving && key == "epochs" {
            return Err(Error::Usage(format!(
                "successive halving says the epochs of a trial itself; leave `epochs` out of {}",
                args.space.display()
            )));
        }
    }
    let mut options = global.layered(experiment, &args.options, None)?;
    let longest = space.largest("window");
    if let Some(longest) = longest {
        // Else trials of other windows would be judged on other days.
        let window = options.window.map_or(1, |window| window.0.0);
        options.purge = options.purge.max(Some(window.max(longest as usize)));
    }
    let mut of_test = SeriesSettings::new(experiment, &options)?;
    if of_test.split == Split::Course {
        return Err(Error::Usage(format!(
            "{experiment} has no validation part of its own (the course's is its test part), so a search would choose by the test part; add --split holdout"
        )));
    }
    of_test.score = Part::Test;
    // What is wrong is said once, before anything is trained; what is guessed, too.
    let job = SeriesJob::open(experiment, of_test, None).map_err(|error| match (longest, error) {
        (Some(longest), Error::Data(error @ (DataError::TooFewRows { .. } | DataError::Split { .. }))) => {
            Error::Usage(format!("windows of up to {longest} rows ({}) do not fit: {error}", args.space.display()))
        }
        (_, error) => error,
    })?;
    job.check()?;
    job.resolve(&mut options);
    options.score = Some(Typed(ScoredPart::Valid));
    TrainSettings::new(experiment, options.clone(), true)?;
    Ok((options, job.data.source.sha256))
}

/// What is tried, in turn; what does not fit together is left out, which is said.
fn points(args: &SearchArgs, space: &Space, fits: impl Fn(&Options) -> Result<()>) -> Result<Vec<Point>> {
    let refusal = RefCell::new(None);
    let fits = |point: &Point| match overlay(point).map_err(Error::Usage).and_then(|options| fits(&options)) {
        Ok(()) => true,
        Err(error) => {
            refusal.borrow_mut().get_or_insert_with(|| error.to_string());
            false
        }
    };
    let asked = args.trials.map(|Count(trials)| trials);
    let (points, refused) = match args.method {
        Method::Grid => space.grid(&args.space, fits)?,
        Method::Random | Method::Halving => space.random(args.search_seed, asked.unwrap_or(Method::TRIALS), fits),
    };
    let refusal = refusal.into_inner().unwrap_or_default();
    if points.is_empty() {
        return Err(Error::Settings {
            path: args.space.clone(),
            problem: format!("no combination of its values fits together: {refusal}"),
        });
    }
    match asked {
        Some(asked) if args.method == Method::Grid && asked < points.len() => {
            let count = points.len();
            return Err(Error::Usage(format!(
                "the grid has {count} points, more than --trials {asked}; ask for all of them, or use fewer values"
            )));
        }
        Some(asked) if asked > points.len() => note(format_args!("the space has only {} different settings", points.len())),
        _ => {}
    }
    if refused > 0 {
        note(format_args!("{refused} combinations do not fit together and are left out; the first: {refusal}"));
    }
    Ok(points)
}

impl Searching<'_> {
    /// Says what came of it, and scores the best trial on the test part.
    fn report(&self, args: &SearchArgs, space: &Space, search: &mut Search) -> Result<()> {
        let (board, folder) = (self.board(), &self.folder);
        let (best_run, scored) = board.best()?;
        write_atomic(&folder.join("search.csv"), &board.csv()?)?;
        let options = self.best_options(best_run)?;
        let (name, metric, count) = (best_run.name(), self.metric.title(), board.outcomes().len());
        let about =
            format!("{name} of a search of {count} trainings ({}): {metric} {} on the validation part", args.method, number(scored.score));
        write_atomic(&folder.join("best.toml"), settings_file(self.experiment, None, &options, &about).as_bytes())?;
        let test = self.test(best_run, search)?;
        let synthetic = if test.data.synthetic { ", SYNTHETIC data" } else { "" };
        let experiment = self.experiment;
        let title =
            format!("{experiment}: {count} trainings of {}{synthetic}, validation {metric}, best {}", test.data.file, number(scored.score));
        let artifacts = Artifacts { experiment, folder: folder.clone() };
        write_picture(&artifacts, "search", &plot::search(&title, metric, space, &board)?)?;
        if args.json {
            json(&Report { plan: &search.plan, trials: board.outcomes(), best: name, test: &test, test_scored: &search.test_scored });
            return Ok(());
        }
        let file = &test.data.file;
        out(format_args!(
            "{experiment}, search of {count} trainings ({}), ranked by validation {metric} on {file}{synthetic}",
            args.method
        ));
        out(&*board);
        if best_run.trial == 0 {
            out("No trial is better than the settings as they are.");
        }
        let times = match search.test_scored.len() {
            1 => "once, for".to_owned(),
            times => format!("{times} times by this search ({}), now for", search.test_scored.join(", ")),
        };
        let baseline = best(&test.baselines).map_or_else(String::new, |best| {
            format!(" ({}: RMSE {}, MAE {})", best.name, number(best.scores.rmse), number(best.scores.mae))
        });
        let (rmse, mae) = (number(test.model.rmse), number(test.model.mae));
        out(format_args!("The test part was scored {times} {name}, after it was chosen: RMSE {rmse}, MAE {mae}{baseline}."));
        let config = folder.join("best.toml");
        out(verdict(test.skill, &test.baselines));
        out(format_args!("\nuse it: rnn-train --config {} train {experiment} --fresh", config.display()));
        out(format_args!(
            "written to {}: search.csv  search.svg/.png  best.toml  test.json  trial-*/ (a run folder each)",
            folder.display()
        ));
        if self.is_over() {
            note("stopped by --minutes; the same command goes on");
        }
        Ok(())
    }

    /// The best settings, for a training of their own.
    fn best_options(&self, run: &Run) -> Result<Map<String, Value>> {
        let mut options = self.options(run)?.entries()?;
        options.retain(|name, _| !["artifacts", "score"].contains(&name.as_str()));
        Ok(options)
    }

    /// Scores a trial on the test part, unless that was done before.
    fn test(&self, run: &Run, search: &mut Search) -> Result<SeriesEvaluation> {
        let path = self.folder.join("test.json");
        let name = run.name();
        if search.test_scored.last() == Some(&name)
            && let Some(text) = read_if_there(&path)?
        {
            return serde_json::from_str(&text)
                .map_err(|error| Error::Artifact { path, problem: format!("expected scores, got: {error}") });
        }
        let trained = Trained::open(&run.root(&self.folder), self.experiment)?.scored_on(ScoredPart::Test);
        let job = trained.series_job(None, None)?;
        let device = &self.backend.device;
        let test = self.backend.guard(USE_CPU, || job.evaluate_mean(&[trained.load(&job, device)?], device, None))?;
        let test = SeriesEvaluation { best_epoch: Some(trained.best.epoch), ..test };
        // That it was scored is said first, whatever becomes of the scores.
        search.test_scored.push(name);
        search.write(&self.folder)?;
        write_atomic(&path, to_json(&test)?.as_bytes())?;
        Ok(test)
    }
}
