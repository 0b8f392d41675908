//! Writes the reports of a run.

use burn::tensor::Device;
use rnn_files::sha256_of_file;

use super::{
    checkpoint::{Best, Report, Reports},
    observer::Observer,
};
use crate::{
    error::Result,
    plot,
    run::{
        CONFIG, EVALUATION, History, LOSS, METRICS, MODEL, PREDICTION, PREDICTIONS, RunFolder,
        WEIGHTS, reports_of_run, seal_results,
    },
    task::{Format, Task},
};

/// Scores the best weights and writes scores, weights and plots. Returns their checksums.
pub(super) fn report<T: Task>(
    folder: &RunFolder,
    task: &T,
    (model, best): (&T::Model, &Best),
    history: &History,
    (device, observer): (&Device, &dyn Observer),
) -> Result<Reports> {
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
    folder.write(EVALUATION, seal_results(&evaluation)?)?;
    observer.evaluated(&evaluation, &files);
    checksums(folder)
}

/// Sizes and checksums of all reports. `metrics.csv` has its own.
fn checksums(folder: &RunFolder) -> Result<Reports> {
    let mut reports = Reports::new();
    for name in reports_of_run() {
        if let Some((bytes, sha256)) = sha256_of_file(&folder.path(&name))? {
            reports.insert(name, Report { bytes, sha256 });
        }
    }
    Ok(reports)
}
