//! Writes the reports of a run.

use burn::tensor::Device;
use rnn_files::to_json;

use super::{checkpoint::Best, observer::Observer};
use crate::{
    error::Result,
    plot,
    run::{
        CONFIG, EVALUATION, History, LOSS, METRICS, MODEL, PREDICTION, PREDICTIONS, RunFolder,
        WEIGHTS,
    },
    task::{Format, Task},
};

/// Scores the best weights and writes scores, weights and plots.
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
    let synthetic = best.provenance.data.as_ref().map_or("", |data| data.mark());
    plot::losses(&format!("{}{synthetic}", task.name()), &history.epochs())?
        .write_to(folder, LOSS)?;
    let picture = |name: &str| format!("{name}.svg/.png");
    let mut files = vec![picture(LOSS)];
    files.extend([METRICS, MODEL, WEIGHTS, EVALUATION, CONFIG].map(str::to_owned));
    for (name, drawn) in task.pictures(&evaluation)? {
        drawn.write_to(folder, name)?;
    }
    if task.has_predictions() {
        files.splice(0..0, [picture(PREDICTION), PREDICTIONS.to_owned()]);
    }
    // Written last: if it exists, so do all other reports.
    folder.write(EVALUATION, to_json(&evaluation)?)?;
    observer.evaluated(&evaluation, &files);
    Ok(())
}
