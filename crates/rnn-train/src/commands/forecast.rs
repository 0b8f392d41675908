use std::path::PathBuf;

use rnn_data::format_time;

use super::{
    seeds,
    train::{json as to_json, write_picture},
    trained::Trained,
};
use crate::{
    Error, Result,
    artifacts::{Artifacts, csv_rows},
    backend::{Backend, USE_CPU},
    cli::ForecastArgs,
    console::{json, note, out},
    evaluation::number,
    job::{Forecast, SeriesJob},
    plot,
    recipe::Task,
    settings::GlobalSettings,
    values::{Count, ScoredPart},
};

/// Series whose forecasts are printed; files have all.
const PRINTED: usize = 10;

/// Forecasts what comes after the last rows.
pub(super) fn run(global: &GlobalSettings, args: &ForecastArgs) -> Result<()> {
    if let Task::Letters(_) = args.experiment.0.task {
        let experiment = args.experiment;
        return Err(Error::Usage(format!(
            "{experiment} has letters, no dates to forecast; `rnn-train predict {experiment}` continues letters"
        )));
    }
    let roots = if args.mean_of_seeds { seeds::roots(global, args.experiment)? } else { vec![global.artifacts.clone()] };
    // Intervals are calibrated on the validation part, whichever part was scored.
    let open = |root: &PathBuf| Ok(Trained::open(root, args.experiment)?.scored_on(ScoredPart::Test));
    let trained = roots.iter().map(open).collect::<Result<Vec<_>>>()?;
    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    let job = trained[0].series_job(args.data.clone(), args.interval)?;
    let steps = args.steps.map_or(job.settings.horizon, |Count(steps)| steps);
    if !job.settings.loss.quantiles.is_empty() && steps > job.settings.horizon {
        let horizon = job.settings.horizon;
        note(format_args!(
            "no intervals: the model has quantiles of {horizon} rows, and the forecast of {steps} goes on from what it says itself"
        ));
    }
    let forecasts = backend.guard(USE_CPU, || {
        let trainees = trained.iter().map(|trained| trained.load(&job, &backend.device)).collect::<Result<Vec<_>>>()?;
        job.forecast(&trainees, steps, &backend.device)
    })?;
    let artifacts = &Artifacts::new(&global.artifacts, args.experiment);
    let _lock = artifacts.lock(".forecast.lock")?;
    artifacts.write("forecast.json", to_json(&forecasts)?)?;
    artifacts.write("forecast.csv", csv(&forecasts, &job.settings.loss.quantiles)?)?;
    write_picture(
        artifacts,
        "forecast",
        &plot::forecast(&title(&job, &forecasts[0], trained.len()), &job.data.config.target, &forecasts[0])?,
    )?;
    if args.json {
        json(&forecasts);
        return Ok(());
    }
    print(&job, &forecasts, trained.len());
    out(format_args!("\nwritten to {}: forecast.csv  forecast.json  forecast.svg/.png", artifacts.folder.display()));
    Ok(())
}

fn title(job: &SeriesJob, forecast: &Forecast, models: usize) -> String {
    let synthetic = if job.data.source.synthetic { " (SYNTHETIC data)" } else { "" };
    let mean = if models > 1 { format!(", mean of {models} models") } else { String::new() };
    format!("{}: forecast of {}{synthetic}{mean}", job.experiment, forecast.series)
}

fn print(job: &SeriesJob, forecasts: &[Forecast], models: usize) {
    let target = &job.data.config.target;
    let level = job.settings.level().filter(|_| forecasts[0].values.iter().any(|value| value.lower.is_some()));
    for forecast in forecasts.iter().take(PRINTED) {
        let synthetic = if job.data.source.synthetic { ", SYNTHETIC data" } else { "" };
        let mean = if models > 1 { format!(", mean of {models} models") } else { String::new() };
        out(format_args!("{}, known until {}{synthetic}{mean}", forecast.series, format_time(forecast.known_until)));
        let bounds = level.map_or_else(String::new, |level| format!(" {:>26}", format!("{:.0}% interval", 100.0 * level)));
        out(format_args!(" {:<16} {:<3} {target:>12}{bounds}", "date", "day"));
        for value in &forecast.values {
            let bounds = match (value.lower, value.upper) {
                (Some(lower), Some(upper)) => format!(" {:>12} .. {:>10}", number(lower), number(upper)),
                _ => String::new(),
            };
            let day = value.time.strftime("%a");
            out(format_args!(" {:<16} {day:<3} {:>12}{bounds}", format_time(value.time), number(value.value)));
        }
    }
    if forecasts.len() > PRINTED {
        out(format_args!("… and {} more series, in forecast.csv", forecasts.len() - PRINTED));
    }
    out("Dates go on as they did; holidays are not known.");
}

fn csv(forecasts: &[Forecast], quantiles: &[f64]) -> Result<Vec<u8>> {
    let all: Vec<_> = forecasts.iter().flat_map(|forecast| forecast.values.iter().map(move |value| (forecast, value))).collect();
    // Beyond the horizon of a model of quantiles there are none.
    let quantiles = if all.iter().all(|(_, value)| value.quantiles.is_empty()) { &[][..] } else { quantiles };
    let header = ["series", "date", "value", "lower", "upper"].map(str::to_owned).into_iter();
    let header: Vec<String> = header.chain(quantiles.iter().map(|quantile| format!("q{quantile}"))).collect();
    csv_rows(&header, &all, |(forecast, value)| {
        let bound = |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
        let row = [forecast.series.clone(), format_time(value.time), value.value.to_string(), bound(value.lower), bound(value.upper)];
        row.into_iter().chain(value.quantiles.iter().map(f64::to_string)).collect()
    })
}
