//! `train --seeds`: several models of one experiment, each with a different seed.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use rnn_files::{own_folder_exists, read_if_exists, remove_all, rename_synced, write_atomic};
use serde::{Deserialize, Serialize};

use super::output::{out, progress};
use super::{context::Context, train::TrainArgs};
use crate::{
    backend::{Backend, USE_CPU},
    error::{Error, Result, train_command},
    evaluation::{Scores, SeriesEvaluation, verdict},
    run::{RunFolder, read_results, seal_results},
    settings::{Count, Experiment, Options, Progress, TrainSettings},
    task::{SeriesTask, Task},
    text::{cells, multiple, number, percent, table},
    training::Trained,
    workers::{self, Worker},
};

/// `seeds.json`: the scores of every model and of their mean forecast.
#[derive(Debug, Serialize)]
struct SeedsReport {
    experiment: Experiment,
    models: Vec<Model>,
    median: Spread,
    lowest: Spread,
    highest: Spread,
    /// Scores of the mean forecast of all models, with the baselines.
    mean: SeriesEvaluation,
}

#[derive(Debug, Serialize)]
struct Model {
    seed: u64,
    best_epoch: usize,
    #[serde(flatten)]
    scores: Scores,
    /// Fraction of the test values inside the intervals.
    coverage: Option<f64>,
}

/// A statistic over all models, for each score.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    rmse: f64,
    mae: f64,
    mase: Option<f64>,
}

impl From<&Scores> for Spread {
    fn from(&Scores { rmse, mae, mase, .. }: &Scores) -> Self {
        Self { rmse, mae, mase }
    }
}

/// Trains models with consecutive seeds, several at a time.
pub(super) fn run(context: &Context, args: &TrainArgs) -> Result<()> {
    let (experiment, count) = (args.experiment, args.seeds.map_or(1, |Count(count)| count));
    experiment.require_series("--seeds")?;
    let options = context.options(experiment, &args.options)?;
    let first = args.options.seed.or(context.settings.file.seed).unwrap_or(1);
    let seeds: Vec<u64> = (0..count).map(|index| first.wrapping_add(index as u64)).collect();
    // Errors and guesses are reported once, before any training.
    let task = SeriesTask::open(experiment, options, None)?;
    task.check()?;
    task.warn_of_ends();
    let options = task.options();
    drop(task);
    TrainSettings::new(options.clone(), &experiment.options())?;
    let artifacts = context.folder(experiment);
    let _lock = artifacts.lock(".seeds.lock")?;
    // The previous models stay until all new ones are trained.
    let folder = artifacts.path(UNFINISHED);
    remove_all(&folder)?;
    artifacts.refuse_links(&[FOLDER])?;
    let backend = context.backend()?;
    let at_once = args.parallel.pool(&backend, count, &options, context.run_here);
    progress(format_args!("training {count} models, {} at a time", at_once.jobs));
    let training = |seed: &u64| {
        let artifacts = Some(folder.join(seed.to_string()));
        let options = Options { seed: Some(*seed), artifacts, ..options.clone() };
        Worker::training(format!("seed {seed}"), experiment, &backend, &options)
    };
    let workers = seeds.iter().map(training).collect::<Result<Vec<_>>>()?;
    let quiet = options.progress == Some(Progress::None);
    workers::run_all(&workers, at_once, quiet, |index| {
        if !quiet {
            progress(format_args!("{} trained", workers[index].name));
        }
    })?;
    let report = report(&folder, experiment, &seeds, &backend)?;
    let text = seal_results(&report)?;
    write_atomic(&folder.join(REPORT), text.as_bytes())?;
    replace(&artifacts)?;
    artifacts.write(REPORT, text)?;
    out(&report);
    out(format_args!(
        "\nwritten to {}: {REPORT}  {FOLDER}/SEED/{experiment}/ (one folder per model)",
        artifacts.folder.display()
    ));
    Ok(())
}

/// Folder of the models.
const FOLDER: &str = "seeds";
/// Folder of models until all of them are trained.
const UNFINISHED: &str = ".seeds.unfinished";
/// Folder of the previous models while they are replaced.
const PREVIOUS: &str = ".seeds.before";
/// The report, in the folder of the models and beside it.
const REPORT: &str = "seeds.json";

/// Puts the new models in the place of the previous ones.
fn replace(artifacts: &RunFolder) -> Result<()> {
    let [new, models, previous] = [UNFINISHED, FOLDER, PREVIOUS].map(|name| artifacts.path(name));
    let rename = |from: &Path, to: &Path| {
        rename_synced(from, to).map_err(|source| Error::Write { path: to.to_owned(), source })
    };
    if own_folder_exists(&models)? {
        remove_all(&previous)?;
        rename(&models, &previous)?;
    }
    rename(&new, &models)?;
    Ok(remove_all(&previous)?)
}

/// The folder of the models: that of the previous ones if a kill came between the two renames.
fn models_of(artifacts: &RunFolder) -> Result<PathBuf> {
    let [models, previous] = [FOLDER, PREVIOUS].map(|name| artifacts.path(name));
    let is_moved = !own_folder_exists(&models)? && own_folder_exists(&previous)?;
    Ok(if is_moved { previous } else { models })
}

/// The part of `seeds.json` that is read back.
#[derive(Debug, Deserialize)]
struct Trainings {
    models: Vec<SeedModel>,
}

#[derive(Debug, Deserialize)]
struct SeedModel {
    seed: u64,
}

/// Folders of the models listed in `seeds.json`. Other folders may be left from earlier trainings.
pub(super) fn roots(context: &Context, experiment: Experiment) -> Result<Vec<PathBuf>> {
    let artifacts = context.folder(experiment);
    let folder = models_of(&artifacts)?;
    // Version 0.1.0 wrote only the report beside the folder.
    let mut path = folder.join(REPORT);
    if !path.exists() {
        path = artifacts.path(REPORT);
    }
    let bad = |problem: String| Error::Artifact { path: path.clone(), problem };
    let train = train_command(experiment.name(), &artifacts.folder);
    let text = read_if_exists(&path)?.ok_or_else(|| {
        bad(format!("no models of several seeds yet (run `{train} --seeds 5` first)"))
    })?;
    let report: Trainings = read_results(&text).map_err(|problem| {
        bad(format!("expected the scores of models, but it {problem} (run `{train} --seeds 5`)"))
    })?;
    for model in &report.models {
        let root = folder.join(model.seed.to_string());
        own_folder_exists(&root)?;
        own_folder_exists(&root.join(experiment.name()))?;
    }
    Ok(report.models.iter().map(|model| folder.join(model.seed.to_string())).collect())
}

fn report(
    folder: &Path,
    experiment: Experiment,
    seeds: &[u64],
    backend: &Backend,
) -> Result<SeedsReport> {
    let open = |seed: &u64| Trained::open(&folder.join(seed.to_string()), experiment);
    let trained = seeds.iter().map(open).collect::<Result<Vec<_>>>()?;
    let task = trained[0].series_task(None, None)?;
    let device = &backend.device;
    let (models, mean) = backend.guard(USE_CPU, || {
        let load = |trained: &Trained| trained.load(&task, device);
        let loaded = trained.iter().map(load).collect::<Result<Vec<_>>>()?;
        let mut models = Vec::new();
        for ((model, trained), &seed) in loaded.iter().zip(&trained).zip(seeds) {
            let evaluation = task.evaluate_mean(std::slice::from_ref(model), device, None)?;
            let coverage = evaluation.interval.map(|interval| interval.coverage);
            let (best_epoch, scores) = (trained.best.epoch, evaluation.model);
            models.push(Model { seed, best_epoch, scores, coverage });
        }
        Ok((models, task.evaluate_mean(&loaded, device, None)?))
    })?;
    let scores: Vec<Scores> = models.iter().map(|model| model.scores).collect();
    let spread = |of: fn(&[f64]) -> f64| {
        let one = |score: fn(&Scores) -> Option<f64>| {
            let mut all = scores.iter().map(score).collect::<Option<Vec<f64>>>()?;
            all.sort_by(f64::total_cmp);
            Some(of(&all))
        };
        let always = |score| one(score).unwrap_or(f64::NAN);
        let (rmse, mae) = (always(|scores| Some(scores.rmse)), always(|scores| Some(scores.mae)));
        Spread { rmse, mae, mase: one(|scores| scores.mase) }
    };
    let (median, lowest, highest) =
        (spread(median), spread(|all| all[0]), spread(|all| all[all.len() - 1]));
    Ok(SeedsReport { experiment, models, median, lowest, highest, mean })
}

/// The median of sorted numbers.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    } else {
        sorted[middle]
    }
}

impl fmt::Display for SeedsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, models, median, lowest, highest, mean } = self;
        let (count, windows, set) = (models.len(), mean.windows, mean.set_name());
        let (target, data) = (&mean.target, &mean.data);
        writeln!(
            f,
            "{experiment}, {count} models, {windows} {set} values of `{target}` of {data}"
        )?;
        let row = |name: &str,
                   Spread { rmse, mae, mase }: Spread,
                   coverage: String,
                   epoch: Option<usize>| {
            let epoch = epoch.map_or_else(String::new, |epoch| epoch.to_string());
            cells![name, number(rmse), number(mae), multiple(mase), coverage, epoch]
        };
        let mut rows = vec![cells!["", "RMSE", "MAE", "MASE", "coverage", "best epoch"]];
        rows.extend(models.iter().map(|Model { seed, best_epoch, scores, coverage }| {
            let spread = Spread::from(scores);
            row(&format!("seed {seed}"), spread, percent(*coverage), Some(*best_epoch))
        }));
        for (name, spread) in [("median", median), ("lowest", lowest), ("highest", highest)] {
            rows.push(row(name, *spread, String::new(), None));
        }
        let coverage = percent(mean.interval.as_ref().map(|interval| interval.coverage));
        rows.push(row("mean forecast", Spread::from(&mean.model), coverage, None));
        rows.extend(mean.baselines.iter().map(|baseline| {
            row(&baseline.name, Spread::from(&baseline.scores), String::new(), None)
        }));
        writeln!(f, "{}", table("<>>>>>", rows))?;
        f.write_str(&verdict("The mean forecast", mean.skill, &mean.baselines))
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!((median(&[1.0, 2.0, 9.0]), median(&[1.0, 2.0, 4.0, 9.0])), (2.0, 3.0));
    }
}
