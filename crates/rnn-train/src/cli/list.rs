use std::iter;

use serde::Serialize;

use super::context::Context;
use super::output::{json, out};
use crate::{
    error::Result,
    settings::{Experiment, TrainSettings},
    text::{cells, table},
    training::Checkpoints,
};

#[derive(Serialize)]
struct ExperimentRow {
    name: &'static str,
    about: &'static str,
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    /// Best epoch of the run in the output folder.
    best_epoch: Option<usize>,
}

/// Lists the experiments.
pub(super) fn experiments(context: &Context, as_json: bool) -> Result<()> {
    let listed: Vec<ExperimentRow> = Experiment::all()
        .map(|experiment| {
            // The commands that use a damaged folder report it; the list ignores it.
            let checkpoints = Checkpoints::open(&context.folder(experiment).readable()).ok();
            let best = checkpoints.and_then(|checkpoints| checkpoints.best());
            let settings = TrainSettings::new(experiment.options(), &experiment.options())?;
            Ok(ExperimentRow {
                name: experiment.name(),
                about: experiment.about(),
                epochs: settings.epochs,
                batch_size: settings.batch_size,
                learning_rate: settings.rate.rate,
                best_epoch: best.map(|best| best.epoch),
            })
        })
        .collect::<Result<_>>()?;
    if as_json {
        json(&listed);
        return Ok(());
    }
    let row = |ExperimentRow { name, about, epochs, best_epoch, .. }: ExperimentRow| {
        let trained = best_epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
        cells![name, epochs, trained, about]
    };
    let head = cells!["Experiment", "Epochs", "Best epoch", "Task"];
    out(table("<><<", iter::once(head).chain(listed.into_iter().map(row))));
    Ok(())
}
