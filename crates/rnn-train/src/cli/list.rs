use std::iter;

use serde::Serialize;

use super::context::Context;
use super::output::{json, out};
use crate::{
    error::Result,
    settings::{Experiment, Setting, set},
    text::{cells, table},
    training::Checkpoints,
};

#[derive(Serialize)]
struct ExperimentRow {
    name: &'static str,
    about: &'static str,
    /// None if they follow from the data.
    epochs: Option<usize>,
    batch_size: Option<usize>,
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
            let options = experiment.options();
            Ok(ExperimentRow {
                name: experiment.name(),
                about: experiment.about(),
                epochs: options.epochs.map(Setting::value),
                batch_size: options.batch_size.map(Setting::value),
                learning_rate: set(options.learning_rate, "learning_rate")?,
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
        let epochs = epochs.map_or_else(|| "auto".to_owned(), |epochs| epochs.to_string());
        cells![name, epochs, trained, about]
    };
    let head = cells!["Experiment", "Epochs", "Best epoch", "Task"];
    out(table("<><<", iter::once(head).chain(listed.into_iter().map(row))));
    Ok(())
}
