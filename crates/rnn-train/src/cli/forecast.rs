use std::{iter, path::PathBuf};

use clap::Args;
use jiff::SignedDuration;
use rnn_data::format_time;
use rnn_files::{csv_rows, to_json};

use super::output::{json, note, out};
use super::{context::Context, seeds};
use crate::{
    backend::USE_CPU,
    error::Result,
    evaluation::{Forecast, ForecastValue},
    plot,
    settings::{Count, Experiment, Level, ScoredSet},
    task::{SeriesTask, Task},
    text::{cells, number, table},
    training::Trained,
};

#[derive(Debug, Args)]
pub(crate) struct ForecastArgs {
    /// Name of a time-series experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// Number of rows to forecast after the last row [default: the horizon of the model]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) steps: Option<Count>,
    /// Forecast with the mean of the models of `train --seeds`
    #[arg(long)]
    pub(crate) mean_of_seeds: bool,
    /// Level of the prediction intervals, or none [default: that of the run]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    pub(crate) interval: Option<Level>,
    /// CSV file or folder [default: the training data]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// CSV file with the rows after the last one of columns known in the future [default: that of
    /// the run]
    #[arg(long, value_name = "PATH")]
    pub(crate) future_data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Name of the result files, without extension.
const NAME: &str = "forecast";
/// Most series printed; the files contain all of them.
const PRINTED: usize = 10;

/// Forecasts the rows after the last.
pub(super) fn run(context: &Context, args: &ForecastArgs) -> Result<()> {
    args.experiment.require_series("forecast")?;
    let roots = if args.mean_of_seeds {
        seeds::roots(context, args.experiment)?
    } else {
        vec![context.settings.artifacts.clone()]
    };
    // Intervals are calibrated on the validation set, whichever set was scored.
    let open = |root: &PathBuf| {
        Ok(Trained::open(root, args.experiment)?
            .scored_on(ScoredSet::Test)
            .continued_by(args.future_data.clone()))
    };
    let trained = roots.iter().map(open).collect::<Result<Vec<_>>>()?;
    let backend = context.backend()?;
    let task = trained[0].series_task(args.data.clone(), args.interval)?;
    task.warn_of_ends();
    let steps = args.steps.map_or(task.settings.horizon, |Count(steps)| steps);
    if !task.settings.loss.quantiles.is_empty() && steps > task.settings.horizon {
        let horizon = task.settings.horizon;
        note(format_args!(
            "no intervals: the model has quantiles for {horizon} rows; the forecast of \
             {steps} rows continues from its own predictions"
        ));
    }
    let forecasts = backend.guard(USE_CPU, || {
        let load = |trained: &Trained| trained.load(&task, &backend.device);
        let models = trained.iter().map(load).collect::<Result<Vec<_>>>()?;
        task.forecast(&models, steps, &backend.device)
    })?;
    let artifacts = &context.folder(args.experiment);
    let _lock = artifacts.lock(".forecast.lock")?;
    artifacts.write(&format!("{NAME}.json"), to_json(&forecasts)?)?;
    artifacts.write(&format!("{NAME}.csv"), csv(&forecasts, &task.settings.quantiles())?)?;
    let mean = match trained.len() {
        1 => String::new(),
        models => format!(", mean of {models} models"),
    };
    let (name, series, mark) = (task.name(), &forecasts[0].series, task.data.source.mark());
    let title = format!("{name}: forecast of {series}{mark}{mean}");
    plot::forecast(&title, &task.data.config.target, &forecasts[0])?.write_to(artifacts, NAME)?;
    if args.json {
        json(&forecasts);
        return Ok(());
    }
    print(&task, &forecasts, &mean);
    out(format_args!(
        "\nwritten to {}: {NAME}.csv  {NAME}.json  {NAME}.svg/.png",
        artifacts.folder.display()
    ));
    Ok(())
}

fn print(task: &SeriesTask, forecasts: &[Forecast], mean: &str) {
    let target = &task.data.config.target;
    let synthetic = if task.data.source.synthetic { ", SYNTHETIC data" } else { "" };
    let bounded = forecasts[0].values.iter().any(|value| value.lower.is_some());
    let level = task.settings.level().filter(|_| bounded);
    for forecast in forecasts.iter().take(PRINTED) {
        let until = format_time(forecast.known_until);
        out(format_args!("{}, last row {until}{synthetic}{mean}", forecast.series));
        let bounds =
            level.map_or_else(String::new, |level| format!("{:.0}% interval", 100.0 * level));
        // Weekdays say nothing of rows that are further apart than a week.
        let times = forecast.values.iter().map(|value| value.time);
        let weekdays = times
            .clone()
            .zip(times.skip(1))
            .chain(forecast.values.first().map(|value| (forecast.known_until, value.time)))
            .all(|(before, after)| {
                before.duration_until(after) < SignedDuration::from_hours(7 * 24)
            });
        let row = |value: &ForecastValue| {
            let bounds = match (value.lower, value.upper) {
                (Some(lower), Some(upper)) => format!("{} .. {}", number(lower), number(upper)),
                _ => String::new(),
            };
            let day = if weekdays { value.time.strftime("%a").to_string() } else { String::new() };
            cells![format_time(value.time), day, number(value.value), bounds]
        };
        let head = cells!["date", if weekdays { "day" } else { "" }, target, bounds];
        out(table("<<>>", iter::once(head).chain(forecast.values.iter().map(row))));
    }
    if forecasts.len() > PRINTED {
        out(format_args!("… and {} more series, in {NAME}.csv", forecasts.len() - PRINTED));
    }
    let has_times = |forecast: &Forecast| {
        let mut all = task.data.panel.series.iter();
        let series = all.find(|series| series.name == forecast.series);
        series.is_some_and(|series| series.later_times().len() >= forecast.values.len())
    };
    if !forecasts.iter().all(has_times) {
        out("Dates continue the spacing of the file; holidays are unknown.");
    }
}

fn csv(forecasts: &[Forecast], quantiles: &[f64]) -> Result<Vec<u8>> {
    let all: Vec<_> = forecasts
        .iter()
        .flat_map(|forecast| forecast.values.iter().map(move |value| (forecast, value)))
        .collect();
    // A quantile model has no quantiles beyond its horizon.
    let quantiles =
        if all.iter().all(|(_, value)| value.quantiles.is_empty()) { &[][..] } else { quantiles };
    let quantiles = quantiles.iter().map(|quantile| format!("q{quantile}")).collect();
    let header = [cells!["series", "date", "value", "lower", "upper"], quantiles].concat();
    Ok(csv_rows(&header, &all, |(forecast, value)| {
        let bound = |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
        let ForecastValue { time, value, lower, upper, quantiles } = value;
        let row = cells![forecast.series, format_time(*time), value, bound(*lower), bound(*upper)];
        [row, quantiles.iter().map(f64::to_string).collect()].concat()
    })?)
}
