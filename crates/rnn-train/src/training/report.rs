//! The reports of a run.

use burn::tensor::Device;
use rnn_files::to_json;

use super::{checkpoint::Best, observer::Observer};
use crate::{
    error::Result,
    plot,
    run::{CONFIG, EVALUATION, History, METRICS, MODEL, PREDICTIONS, RunFolder, WEIGHTS},
    task::{Format, Task},
};

/// Scores the best weights and writes all there is to say about them.
pub(super) fn report<T: Task>(
    folder: &RunFolder,
    task: &T,
    (model, best): (&T::Model, &Best),
    history: &History,
    (device, observer): (&Device, &dyn Observer),
) -> Result<()> {
    let evaluation = if task.has_predictions() {
        folder.stream(PREDICTIONS, |out| task.evaluate(model, best.epoch, device, Some(out)))?
    } else {
        task.evaluate(model, best.epoch, device, None)?
    };
    folder.write(MODEL, task.weights(model, Format::Safetensors)?)?;
    folder.write(WEIGHTS, task.weights(model, Format::Text)?)?;
    let synthetic = if best.provenance.is_synthetic() { " (SYNTHETIC data)" } else { "" };
    plot::losses(&format!("{}{synthetic}", task.name()), &history.epochs())?
        .write_to(folder, "loss")?;
    let mut files = vec!["loss.svg/.png", METRICS, MODEL, WEIGHTS, EVALUATION, CONFIG];
    for (name, picture) in task.pictures(&evaluation)? {
        picture.write_to(folder, name)?;
    }
    if task.has_predictions() {
        files.splice(0..0, ["prediction.svg/.png", PREDICTIONS]);
    }
    // Comes last: where it is, all the others are.
    folder.write(EVALUATION, to_json(&evaluation)?)?;
    observer.evaluated(&evaluation, &files);
    Ok(())
}
