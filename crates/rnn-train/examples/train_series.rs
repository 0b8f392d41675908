//! Trains, resumes, scores and forecasts a series from rows in memory.
//!
//! Run `cargo run -p rnn-train --example train_series` to train in memory. Add `-- FOLDER` to train
//! in a folder.

use std::path::Path;

use jiff::{ToSpan, civil::date};
use rnn_data::Table;
use rnn_train::{EpochProgress, Forecast, Observer, Options, RunFolder, SeriesTask, Training};

/// Prints the loss of every epoch.
struct Losses;

impl Observer for Losses {
    #[allow(clippy::print_stdout, reason = "an example shows what it does")]
    fn epoch(&self, progress: &EpochProgress<'_>) {
        println!("epoch {} of {}: {:?}", progress.epoch, progress.epochs, progress.valid);
    }
}

/// Two years of daily values with a weekly pattern, forecast a week ahead.
pub(crate) fn week_ahead(folder: Option<&Path>) -> rnn_train::Result<Forecast> {
    let first = date(2024, 1, 1).at(0, 0, 0, 0);
    let times = (0..730).map(|day| first + day.days()).collect();
    let values = (0..730).map(|day| 20.0 + 5.0 * (f64::from(day % 7) - 3.0).abs()).collect();
    let table = Table::from_columns("sales", times, [("sold", values)])?;

    let options = Options::default().window(14).horizon(7).units([16]).epochs(4);
    let task = SeriesTask::from_table(table, options)?;
    let training = Training::new(&task).observer(Losses);
    let model = match folder {
        // An interrupted run resumes here; a finished one continues from its best weights.
        Some(folder) => training.folder(folder).run()?,
        None => training.run()?,
    };
    let mut forecasts = match folder {
        Some(folder) => RunFolder::open(folder)?.load(&task, Default::default())?.forecast(7)?,
        None => model.forecast(7)?,
    };
    show(&model.evaluate()?, &forecasts[0]);
    Ok(forecasts.remove(0))
}

#[allow(clippy::print_stdout, reason = "an example shows what it does")]
fn show(evaluation: &rnn_train::SeriesEvaluation, forecast: &Forecast) {
    println!("{evaluation}");
    for value in &forecast.values {
        println!("{} {:.2} in {:.2?} .. {:.2?}", value.time, value.value, value.lower, value.upper);
    }
}

#[allow(dead_code, reason = "the test that includes this file calls what main calls")]
fn main() -> rnn_train::Result<()> {
    let folder = std::env::args_os().nth(1);
    week_ahead(folder.as_deref().map(Path::new)).map(drop)
}
