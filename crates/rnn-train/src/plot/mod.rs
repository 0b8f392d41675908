//! Pictures of a run, as SVG and PNG.

mod tuning;

use std::sync::Arc;

use jiff::civil::DateTime;
use kuva::{
    backend::{png::PngBackend, svg::SvgBackend},
    plot::{band::BandPlot, legend::LegendPosition, line::LinePlot, scatter::ScatterPlot},
    prelude::{DateTimeAxis, Figure, Layout, Plot, Theme, TickFormat, render_multiple, ymd},
    render::render::Scene,
};

pub(crate) use tuning::{comparison, range_test};

use crate::{
    console::number,
    error::{Error, Result},
    evaluation::{FoldPrediction, Forecast, Prediction, SeriesEvaluation, best},
    run::{Epoch, RunFolder},
};

pub(crate) const TRAIN: &str = "#2563eb";
pub(crate) const VALID: &str = "#ea580c";
pub(crate) const ACTUAL: &str = "#1f2937";
const PREDICTED: &str = "#ea580c";
const RATE: &str = "#059669";
const BAND: &str = "#f59e0b";
/// Folds, in turn.
const FOLDS: [&str; 5] = ["#ea580c", "#2563eb", "#059669", "#db2777", "#7c3aed"];
pub(crate) const WIDTH: f64 = 960.0;
pub(crate) const HEIGHT: f64 = 440.0;
/// Pixels of the PNG for each unit of the picture.
const PNG_SCALE: f32 = 2.0;

/// A picture in both formats.
pub struct Picture {
    /// As SVG text.
    pub svg: String,
    /// As PNG bytes.
    pub png: Vec<u8>,
}

impl Picture {
    pub(crate) fn render(scene: &Scene) -> Result<Self> {
        let png =
            PngBackend::new().with_scale(PNG_SCALE).render_scene(scene).map_err(Error::Internal)?;
        Ok(Self { svg: SvgBackend.render_scene(scene), png })
    }

    /// Writes both formats into a run's folder.
    pub(crate) fn write_to(&self, folder: &RunFolder, name: &str) -> Result<()> {
        folder.write(&format!("{name}.svg"), &self.svg)?;
        folder.write(&format!("{name}.png"), &self.png)
    }
}

/// Loss of every epoch, and accuracy where it was measured.
pub(crate) fn losses(title: &str, epochs: &[Epoch]) -> Result<Picture> {
    let curve = |name: &str, color: &str, value: fn(&Epoch) -> Option<f64>| -> Option<Plot> {
        let points: Vec<(f64, f64)> =
            epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect();
        match points.len() {
            0 => None,
            // A line through one point cannot be seen.
            1 => Some(
                ScatterPlot::new()
                    .with_data(points)
                    .with_color(color)
                    .with_size(5.0)
                    .with_legend(name)
                    .into(),
            ),
            _ => Some(
                LinePlot::new()
                    .with_data(points)
                    .with_color(color)
                    .with_stroke_width(2.0)
                    .with_legend(name)
                    .into(),
            ),
        }
    };
    let loss: Vec<Plot> = [
        curve("training loss", TRAIN, |epoch| epoch.train_loss.filter(|loss| *loss > 0.0)),
        curve("validation loss", VALID, |epoch| epoch.valid_loss.filter(|loss| *loss > 0.0)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let last = epochs.last().map_or(0, |epoch| epoch.epoch);
    let whole = |layout: Layout| if last <= 10 { layout.with_x_tick_step(1.0) } else { layout };
    let accuracy: Vec<Plot> =
        curve("training accuracy", TRAIN, |epoch| epoch.train_accuracy).into_iter().collect();
    let changes = epochs.windows(2).any(|pair| pair[0].learning_rate != pair[1].learning_rate);
    let rate: Vec<Plot> = curve("learning rate", RATE, |epoch| Some(epoch.learning_rate))
        .into_iter()
        .filter(|_| changes)
        .collect();

    let losses = |epoch: &Epoch| {
        [epoch.train_loss, epoch.valid_loss]
            .into_iter()
            .flatten()
            .map(|loss| (epoch.epoch as f64, loss))
            .collect::<Vec<_>>()
    };
    let points: Vec<(f64, f64)> =
        epochs.iter().flat_map(losses).filter(|(_, loss)| *loss > 0.0).collect();
    let mut panels = vec![(whole(scaled(&loss, title, "epoch", "loss", &points)), loss)];
    if !accuracy.is_empty() {
        let layout = whole(
            layout(&accuracy, title, "epoch", "accuracy")
                .with_y_axis_min(0.0)
                .with_y_axis_max(1.02),
        );
        let places = epochs
            .iter()
            .filter_map(|epoch| Some((epoch.epoch as f64 / last as f64, epoch.train_accuracy?)));
        panels.push((layout.with_legend_position(corner(places)), accuracy));
    }
    if !rate.is_empty() {
        let layout = layout(&rate, "", "epoch", "learning rate").with_y_axis_min(0.0);
        panels.push((whole(layout.with_y_tick_format(TickFormat::Custom(Arc::new(short)))), rate));
    }
    let count = panels.len();
    if count == 1 {
        let (layout, plots) = panels.remove(0);
        return Picture::render(&render_multiple(
            plots,
            layout.with_width(WIDTH).with_height(HEIGHT),
        ));
    }
    let (layouts, plots): (Vec<Layout>, Vec<Vec<Plot>>) = panels.into_iter().unzip();
    let figure = Figure::new(1, count).with_plots(plots).with_layouts(layouts);
    Picture::render(&figure.with_cell_size(WIDTH / count as f64, HEIGHT).render())
}

/// Actual and predicted values of the test part, one step ahead; of many series those of the first.
pub(crate) fn predictions(evaluation: &SeriesEvaluation, series: &[&str]) -> Result<Picture> {
    let shown = &evaluation.shown;
    let first = shown.first().map_or(0, |prediction| prediction.series);
    let target = &evaluation.target;
    let line = |name: String, color: &str, value: fn(&Prediction) -> f64| -> Plot {
        let points = shown.iter().map(|prediction| (timestamp(prediction.time), value(prediction)));
        curve(points.collect(), color).with_legend(name).into()
    };
    let (mut plots, mut shaded) = (Vec::new(), String::new());
    if let Some(interval) = &evaluation.interval {
        let bound = |side: usize| {
            shown.iter().filter_map(move |prediction| Some(prediction.interval?[side]))
        };
        let times = shown.iter().map(|prediction| timestamp(prediction.time));
        plots.push(band(times.collect(), bound(0).collect(), bound(1).collect()));
        shaded = format!(", {:.0}% interval shaded", 100.0 * interval.level);
    }
    plots.push(line(format!("actual {target}"), ACTUAL, |prediction| prediction.actual));
    plots.push(line(format!("predicted {target}{shaded}"), PREDICTED, |prediction| {
        prediction.predicted
    }));
    let synthetic = if evaluation.data.synthetic { " (SYNTHETIC data)" } else { "" };
    let best = best(&evaluation.baselines)
        .map_or_else(String::new, |best| format!(" ({}: {})", best.name, number(best.scores.rmse)));
    let rmse = number(evaluation.model.rmse);
    let part = evaluation.part();
    let (experiment, file, count) = (&evaluation.experiment, &evaluation.data.file, shown.len());
    let title = if series.len() > 1 {
        format!(
            "{experiment}: {} of {} series of {file}{synthetic}, RMSE of all {rmse}{best}",
            series[first],
            series.len()
        )
    } else {
        format!("{experiment}: {count} {part} values of {file}{synthetic}, RMSE {rmse}{best}")
    };
    over_time(plots, &title, target, shown.iter().map(|prediction| prediction.time))
}

/// The last known values of a series and those forecast.
pub(crate) fn forecast(title: &str, target: &str, forecast: &Forecast) -> Result<Picture> {
    let known: Vec<(f64, f64)> =
        forecast.history.iter().map(|&(time, value)| (timestamp(time), value)).collect();
    let values: Vec<(f64, f64)> =
        forecast.values.iter().map(|value| (timestamp(value.time), value.value)).collect();
    let last = known.last().copied();
    let mut plots = Vec::new();
    let bounds: Vec<(f64, f64, f64)> = forecast
        .values
        .iter()
        .filter_map(|value| Some((timestamp(value.time), value.lower?, value.upper?)))
        .collect();
    if !bounds.is_empty() {
        // The fan opens where knowledge ends.
        let all: Vec<(f64, f64, f64)> =
            last.map(|(time, value)| (time, value, value)).into_iter().chain(bounds).collect();
        let [times, lower, upper] = [
            all.iter().map(|b| b.0).collect(),
            all.iter().map(|b| b.1).collect(),
            all.iter().map(|b| b.2).collect(),
        ];
        plots.push(band(times, lower, upper));
    }
    plots.push(curve(known, ACTUAL).with_legend(format!("{target}, known")).into());
    let line: Vec<(f64, f64)> = last.into_iter().chain(values.iter().copied()).collect();
    let shaded = if plots.len() > 1 { ", interval shaded" } else { "" };
    plots.push(curve(line, PREDICTED).with_legend(format!("forecast{shaded}")).into());
    plots.push(ScatterPlot::new().with_data(values).with_color(PREDICTED).with_size(3.0).into());
    let times = forecast
        .history
        .iter()
        .map(|(time, _)| *time)
        .chain(forecast.values.iter().map(|value| value.time));
    over_time(plots, title, target, times)
}

/// Actual and predicted values of all folds, one step ahead, and below them the errors.
pub(crate) fn backtest(
    title: &str,
    target: &str,
    predictions: &[FoldPrediction],
) -> Result<Picture> {
    let actual = predictions
        .iter()
        .map(|prediction| (timestamp(prediction.time), prediction.actual))
        .collect();
    let mut values: Vec<Plot> =
        vec![curve(actual, ACTUAL).with_legend(format!("actual {target}")).into()];
    let mut errors: Vec<Plot> = Vec::new();
    let last = predictions.last().map_or(0, |prediction| prediction.fold);
    for fold in 1..=last {
        let of_fold = predictions.iter().filter(|prediction| prediction.fold == fold);
        let color = FOLDS[(fold - 1) % FOLDS.len()];
        let predicted = of_fold
            .clone()
            .map(|prediction| (timestamp(prediction.time), prediction.predicted))
            .collect();
        values.push(curve(predicted, color).with_legend(format!("fold {fold}")).into());
        let error = of_fold
            .map(|prediction| {
                (timestamp(prediction.time), prediction.predicted - prediction.actual)
            })
            .collect();
        errors.push(curve(error, color).with_stroke_width(1.2).into());
    }
    let times = predictions.iter().map(|prediction| prediction.time);
    let above = time_layout(&values, title, target, times.clone())
        .with_legend_position(LegendPosition::InsideTopLeft);
    let below = time_layout(&errors, "", "predicted - actual", times);
    let figure =
        Figure::new(2, 1).with_plots(vec![values, errors]).with_layouts(vec![above, below]);
    Picture::render(&figure.with_cell_size(WIDTH, 0.75 * HEIGHT).render())
}

pub(crate) fn curve(points: Vec<(f64, f64)>, color: &str) -> LinePlot {
    LinePlot::new().with_data(points).with_color(color).with_stroke_width(2.0)
}

/// An area between two curves; kuva 0.6 has no legend for it.
fn band(times: Vec<f64>, lower: Vec<f64>, upper: Vec<f64>) -> Plot {
    BandPlot::new(times, lower, upper).with_color(BAND).with_opacity(0.25).into()
}

fn over_time(
    plots: Vec<Plot>,
    title: &str,
    target: &str,
    times: impl Iterator<Item = DateTime>,
) -> Result<Picture> {
    let layout = time_layout(&plots, title, target, times)
        .with_legend_position(LegendPosition::InsideTopLeft);
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}

fn time_layout(
    plots: &[Plot],
    title: &str,
    y: &str,
    times: impl Iterator<Item = DateTime>,
) -> Layout {
    let times: Vec<f64> = times.map(timestamp).collect();
    let (first, last) = (
        times.iter().copied().fold(f64::INFINITY, f64::min),
        times.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let (first, last) = if first < last { (first, last) } else { (first - 1.0, first + 1.0) };
    layout(plots, title, "", y)
        .with_x_axis_min(first)
        .with_x_axis_max(last + 0.01 * (last - first))
        .with_x_datetime(ticks(last - first))
}

/// Some six to twelve ticks over so many seconds.
fn ticks(seconds: f64) -> DateTimeAxis {
    const DAY: f64 = 24.0 * 60.0 * 60.0;
    let steps = |each: f64| ((seconds / each / 8.0).round() as usize).max(1);
    match seconds / DAY {
        0.0..0.2 => DateTimeAxis::minutes("%H:%M").with_step(steps(60.0)),
        0.2..4.0 => DateTimeAxis::auto(0.0, seconds),
        4.0..90.0 => DateTimeAxis::days("%d %b").with_step(steps(DAY)),
        90.0..1500.0 => DateTimeAxis::months("%b %Y").with_step(steps(30.4 * DAY)),
        _ => DateTimeAxis::years("%Y").with_step(steps(365.25 * DAY)),
    }
}

pub(crate) fn layout(plots: &[Plot], title: &str, x: &str, y: &str) -> Layout {
    let theme =
        Theme { grid_color: "#e5e7eb".into(), legend_border: "#d1d5db".into(), ..Theme::light() };
    let layout = Layout::auto_from_plots(plots)
        .with_theme(theme)
        .with_legend_position(LegendPosition::InsideTopRight);
    layout
        .with_title(title)
        .with_title_size(15)
        .with_x_label(x)
        .with_y_label(y)
        .with_font_family("DejaVu Sans, sans-serif")
}

/// With a logarithmic axis where values go over more than a power of ten, which show what happens
/// only so; else with the range of the values. The legend goes where the fewest points are.
fn scaled(plots: &[Plot], title: &str, x: &str, y: &str, points: &[(f64, f64)]) -> Layout {
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        points.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (value.min(low), value.max(high))
        })
    };
    let ((first, last), (low, high)) = (bounds(|point| point.0), bounds(|point| point.1));
    let log = low > 0.0 && high > 10.0 * low;
    let height = |value: f64| {
        if log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) }
    };
    let places = points.iter().map(|&(x, value)| ((x - first) / (last - first), height(value)));
    let free = corner(places);
    let layout = layout(plots, title, x, &format!("{y}{}", if log { " (log scale)" } else { "" }))
        .with_legend_position(free);
    let margin = 0.05 * (high - low);
    match log {
        true => layout.with_log_y(),
        false if margin > 0.0 => {
            layout.with_y_axis_min(low - margin).with_y_axis_max(high + margin)
        }
        false => layout,
    }
}

/// The corner that has the fewest of some places, from 0 to 1 each way.
fn corner(places: impl Iterator<Item = (f64, f64)> + Clone) -> LegendPosition {
    let inside = |right: bool, top: bool| {
        let near = |place: f64, far: bool, share: f64| {
            if far { place > 1.0 - share } else { place < share }
        };
        places
            .clone()
            .filter(|&(x, y)| near(x, right, LEGEND[0]) && near(y, top, LEGEND[1]))
            .count()
    };
    let corners = [
        (inside(true, true), LegendPosition::InsideTopRight),
        (inside(false, false), LegendPosition::InsideBottomLeft),
        (inside(false, true), LegendPosition::InsideTopLeft),
        (inside(true, false), LegendPosition::InsideBottomRight),
    ];
    corners
        .into_iter()
        .min_by_key(|(count, _)| *count)
        .map_or(LegendPosition::InsideTopRight, |(_, corner)| corner)
}

/// Shares of width and height that a legend takes.
const LEGEND: [f64; 2] = [0.25, 0.3];

fn timestamp(time: DateTime) -> f64 {
    let date = time.date();
    let midnight = ymd(
        i32::from(date.year()),
        date.month().unsigned_abs().into(),
        date.day().unsigned_abs().into(),
    );
    midnight
        + f64::from(time.hour()) * 3600.0
        + f64::from(time.minute()) * 60.0
        + f64::from(time.second())
}

/// A number of three significant digits.
pub(crate) fn short(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if !(0.001..100_000.0).contains(&size) => format!("{number:.1e}"),
        size => {
            let digits = (2 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{number:.digits$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_on_an_axis_are_short() {
        assert_eq!(
            [0.0, 0.372_91, 40.0, 33.5, 7.2194, 12_345.0, 0.000_433_1, 0.002].map(short),
            ["0", "0.373", "40", "33.5", "7.22", "12345", "4.3e-4", "0.002"]
        );
    }
}
