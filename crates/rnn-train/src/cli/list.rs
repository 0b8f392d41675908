use serde::Serialize;

use super::context::Context;
use crate::{
    console::{json, out},
    error::Result,
    run::RunFolder,
    settings::{Experiment, RECIPES},
    training::Checkpoints,
};

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    /// Best epoch of the run in the artifact folder.
    best_epoch: Option<usize>,
}

/// Lists the experiments.
pub(super) fn experiments(context: &Context, as_json: bool) -> Result<()> {
    let listed: Vec<Listed> = RECIPES
        .iter()
        .map(|recipe| {
            let artifacts = RunFolder::new(&context.settings.artifacts, Experiment(recipe));
            // A damaged folder is reported by the commands that use it; the list goes on.
            let best = Checkpoints::open(&artifacts).ok().and_then(|checkpoints| checkpoints.best());
            Listed {
                name: recipe.name,
                about: recipe.about,
                epochs: recipe.epochs,
                batch_size: recipe.batch_size,
                learning_rate: recipe.learning_rate,
                best_epoch: best.map(|best| best.epoch),
            }
        })
        .collect();
    if as_json {
        json(&listed);
        return Ok(());
    }
    out(format_args!(" {:<20} {:>6}  {:<10} {}", "Experiment", "Epochs", "Trained", "Learns"));
    for experiment in listed {
        let trained = experiment.best_epoch.map_or_else(|| "-".to_owned(), |epoch| format!("epoch {epoch}"));
        out(format_args!(" {:<20} {:>6}  {trained:<10} {}", experiment.name, experiment.epochs, experiment.about));
    }
    Ok(())
}
