//! Plots of values over time.

use jiff::civil::DateTime;
use kuva::{
    plot::{band::BandPlot, legend::LegendPosition, scatter::ScatterPlot},
    prelude::{DateTimeAxis, Figure, Layout, Plot, ReferenceLine, ymd},
};

use super::{
    picture::Picture,
    style::{ACTUAL, HEIGHT, LEGEND, WIDTH, curve, extent, free_corner, layout},
    thin::{kept, thinned},
};
use crate::{
    error::Result,
    evaluation::{FoldPrediction, Forecast, Prediction, SeriesEvaluation, best},
    text::number,
};

const PREDICTED: &str = "#ea580c";
const BAND: &str = "#f59e0b";
/// Colour of the border between folds.
const BORDER: &str = "#9ca3af";
/// Most values of a backtest that one panel shows, and values of the panel with the last ones.
const MOST: usize = 150;
const SHOWN: usize = 90;
/// Width of the lines of many values.
const THIN: f64 = 1.0;

/// Actual and predicted values of the scored set, one step ahead, for the first series.
pub(crate) fn predictions(evaluation: &SeriesEvaluation, series: &[&str]) -> Result<Picture> {
    let SeriesEvaluation { experiment, target, shown, data, baselines, .. } = evaluation;
    let line = |name: String, color: &str, value: fn(&Prediction) -> f64| -> Plot {
        let points = shown.iter().map(|one| (timestamp(one.time), value(one)));
        curve(points.collect(), color).with_legend(name).into()
    };
    let (mut plots, mut shaded) = (Vec::new(), String::new());
    if let Some(interval) = &evaluation.interval {
        let all = shown.iter().filter_map(|one| Some((timestamp(one.time), one.interval?)));
        let (times, (lower, upper)) =
            all.map(|(time, [lower, upper])| (time, (lower, upper))).unzip();
        plots.push(band(times, lower, upper));
        shaded = format!(", {:.0}% interval shaded", 100.0 * interval.level);
    }
    plots.push(line(format!("actual {target}"), ACTUAL, |one| one.actual));
    plots.push(line(format!("predicted {target}{shaded}"), PREDICTED, |one| one.predicted));
    let best = best(baselines)
        .map_or_else(String::new, |best| format!(" ({}: {})", best.name, number(best.scores.rmse)));
    let (rmse, set) = (number(evaluation.model.rmse), evaluation.set_name());
    let (file, mark, count) = (&data.file, data.mark(), shown.len());
    let title = match series {
        [_, _, ..] => {
            let name = series[shown.first().map_or(0, |one| one.series)];
            let all = series.len();
            format!(
                "{experiment}: {name} of {all} series of {file}{mark}, RMSE of all {rmse}{best}"
            )
        }
        _ => format!("{experiment}: {count} {set} values of {file}{mark}, RMSE {rmse}{best}"),
    };
    let points = shown.iter().flat_map(|one| {
        let bounds = one.interval.into_iter().flatten();
        bounds.chain([one.actual, one.predicted]).map(|value| (timestamp(one.time), value))
    });
    over_time(plots, &title, target, shown.iter().map(|one| one.time), points.collect())
}

/// The last known values of a series, and its forecast.
pub(crate) fn forecast(title: &str, target: &str, forecast: &Forecast) -> Result<Picture> {
    let Forecast { history, values, .. } = forecast;
    let known: Vec<(f64, f64)> =
        history.iter().map(|&(time, value)| (timestamp(time), value)).collect();
    let ahead: Vec<(f64, f64)> =
        values.iter().map(|value| (timestamp(value.time), value.value)).collect();
    let last = known.last().copied();
    let bounds =
        values.iter().filter_map(|value| Some((timestamp(value.time), value.lower?, value.upper?)));
    let mut plots = Vec::new();
    if bounds.clone().next().is_some() {
        // The band starts at the last known value.
        let all = last.map(|(time, value)| (time, value, value)).into_iter().chain(bounds);
        let (times, (lower, upper)) =
            all.map(|(time, lower, upper)| (time, (lower, upper))).unzip();
        plots.push(band(times, lower, upper));
    }
    let shaded = if plots.is_empty() { "" } else { ", interval shaded" };
    plots.push(curve(known, ACTUAL).with_legend(format!("{target}, history")).into());
    let line = last.into_iter().chain(ahead.iter().copied()).collect();
    plots.push(curve(line, PREDICTED).with_legend(format!("forecast{shaded}")).into());
    let ahead = thinned(ahead, |time| time);
    plots.push(ScatterPlot::new().with_data(ahead).with_color(PREDICTED).with_size(3.0).into());
    let times = history.iter().map(|(time, _)| *time).chain(values.iter().map(|one| one.time));
    let points = values.iter().flat_map(|one| {
        let values = [one.lower, Some(one.value), one.upper].into_iter().flatten();
        values.map(|value| (timestamp(one.time), value))
    });
    let points = history.iter().map(|&(time, value)| (timestamp(time), value)).chain(points);
    over_time(plots, title, target, times, points.collect())
}

/// Actual and predicted values of all folds, one step ahead, and the errors below.
///
/// With many values the last ones have a panel of their own, in which a season can be seen.
pub(crate) fn backtest(
    title: &str,
    target: &str,
    predictions: &[FoldPrediction],
) -> Result<Picture> {
    let folds: Vec<&[FoldPrediction]> =
        predictions.chunk_by(|one, other| one.fold == other.fold).collect();
    let last = folds.last().copied().unwrap_or_default();
    let starts = || folds.iter().skip(1).filter_map(|fold| fold.first());
    let (mut panels, mut layouts, mut heights) = (Vec::new(), Vec::new(), Vec::new());
    let has_zoom = predictions.len() > MOST;
    let (width, named) = if has_zoom { (THIN, None) } else { (2.0, Some(target)) };
    let (plots, layout) = compared(&folds, (title, target), width, named);
    layouts.push(starts().fold(layout, |layout, first| {
        layout.with_reference_line(mark(first).with_label(format!("fold {}", first.fold)))
    }));
    panels.push(plots);
    heights.push(0.7 * HEIGHT);
    if has_zoom {
        let shown = &last[last.len().saturating_sub(SHOWN)..];
        let title = format!("the last {} values", shown.len());
        let (plots, layout) = compared(&[shown], (&title, target), 2.0, Some(target));
        panels.push(plots);
        layouts.push(layout);
        heights.push(0.7 * HEIGHT);
    }
    let errors: Vec<Plot> = folds
        .iter()
        .map(|fold| {
            let errors = fold.iter().map(|one| (timestamp(one.time), one.predicted - one.actual));
            curve(errors.collect(), PREDICTED).with_stroke_width(THIN).into()
        })
        .collect();
    let times = predictions.iter().map(|one| one.time);
    let zero = ReferenceLine::horizontal(0.0).with_color(ACTUAL).with_dasharray("");
    let below = time_layout(&errors, "", "predicted - actual", times).with_reference_line(zero);
    layouts.push(starts().fold(below, |below, first| below.with_reference_line(mark(first))));
    panels.push(errors);
    heights.push(0.5 * HEIGHT);
    let structure = (0..panels.len()).map(|panel| vec![panel]).collect();
    let figure = Figure::new(panels.len(), 1)
        .with_structure(structure)
        .with_plots(panels)
        .with_layouts(layouts)
        .with_cell_size(WIDTH, HEIGHT)
        .with_spacing(0.0);
    let figure = heights
        .into_iter()
        .enumerate()
        .fold(figure, |figure, (row, height)| figure.with_row_height(row, height));
    Picture::render(&figure.render())
}

/// The border before a fold.
fn mark(first: &FoldPrediction) -> ReferenceLine {
    ReferenceLine::vertical(timestamp(first.time)).with_color(BORDER)
}

/// Actual and predicted values of folds, with their intervals if the lines have names.
fn compared(
    folds: &[&[FoldPrediction]],
    (title, target): (&str, &str),
    width: f64,
    named: Option<&str>,
) -> (Vec<Plot>, Layout) {
    let (mut plots, mut is_shaded) = (Vec::new(), false);
    for fold in folds.iter().filter(|_| named.is_some()) {
        let all = fold.iter().filter_map(|one| Some((timestamp(one.time), one.interval?)));
        let (times, (lower, upper)): (Vec<f64>, (Vec<f64>, Vec<f64>)) =
            all.map(|(time, [lower, upper])| (time, (lower, upper))).unzip();
        if !times.is_empty() {
            plots.push(band(times, lower, upper));
            is_shaded = true;
        }
    }
    let shaded = if is_shaded { ", interval shaded" } else { "" };
    for (name, color) in [("actual", ACTUAL), ("predicted", PREDICTED)] {
        let value = |one: &FoldPrediction| match name {
            "actual" => one.actual,
            _ => one.predicted,
        };
        for (index, fold) in folds.iter().enumerate() {
            let points = fold.iter().map(|one| (timestamp(one.time), value(one))).collect();
            let line = curve(points, color).with_stroke_width(width);
            let shaded = if color == PREDICTED { shaded } else { "" };
            plots.push(match named.filter(|_| index == 0) {
                Some(target) => line.with_legend(format!("{name} {target}{shaded}")).into(),
                None => line.into(),
            });
        }
    }
    let all = || folds.iter().copied().flatten();
    let points = all().flat_map(|one| {
        let bounds = one.interval.filter(|_| named.is_some()).into_iter().flatten();
        bounds.chain([one.actual, one.predicted]).map(|value| (timestamp(one.time), value))
    });
    let times = all().map(|one| one.time);
    let layout = match named {
        Some(_) => with_legend(&plots, title, target, times, points.collect()),
        None => time_layout(&plots, title, target, times),
    };
    (plots, layout)
}

/// The area between two curves; kuva 0.6 has no legend for it.
fn band(times: Vec<f64>, lower: Vec<f64>, upper: Vec<f64>) -> Plot {
    let kept = kept(&times, &[&lower, &upper]);
    let [times, lower, upper] =
        [times, lower, upper].map(|all| kept.iter().map(|&index| all[index]).collect::<Vec<_>>());
    BandPlot::new(times, lower, upper).with_color(BAND).with_opacity(0.25).into()
}

/// A picture over time. The legend goes into a corner without points, or above them.
fn over_time(
    plots: Vec<Plot>,
    title: &str,
    target: &str,
    times: impl Iterator<Item = DateTime>,
    points: Vec<(f64, f64)>,
) -> Result<Picture> {
    let layout = with_legend(&plots, title, target, times, points);
    Picture::of(plots, layout)
}

/// A layout over time whose legend has a place without points.
fn with_legend(
    plots: &[Plot],
    title: &str,
    target: &str,
    times: impl Iterator<Item = DateTime>,
    points: Vec<(f64, f64)>,
) -> Layout {
    let layout = time_layout(plots, title, target, times);
    let (first, last) = extent(points.iter().map(|point| point.0));
    let (low, high) = extent(points.iter().map(|point| point.1));
    let size = high - low;
    let places = points.iter().map(|(x, y)| ((x - first) / (last - first), (y - low) / size));
    match free_corner(places) {
        Some(corner) => layout.with_legend_position(corner),
        None if size > 0.0 => layout
            .with_legend_position(LegendPosition::InsideTopLeft)
            .with_y_axis_min(low - 0.05 * size)
            .with_y_axis_max(high + LEGEND[1] * size),
        None => layout.with_legend_position(LegendPosition::InsideTopLeft),
    }
}

fn time_layout(
    plots: &[Plot],
    title: &str,
    y: &str,
    times: impl Iterator<Item = DateTime>,
) -> Layout {
    let (first, last) = extent(times.map(timestamp));
    let (first, last) = if first < last { (first, last) } else { (first - 1.0, first + 1.0) };
    layout(plots, title, "", y)
        .with_x_axis_min(first)
        .with_x_axis_max(last + 0.01 * (last - first))
        .with_x_datetime(ticks(last - first))
}

/// About six to twelve ticks over a time span.
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

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 1_000_000;
    const PEAK: usize = 654_321;

    /// A walk by minutes with one peak, and predictions with intervals.
    fn evaluation() -> SeriesEvaluation {
        let scores = serde_json::json!({
            "mse": 1.0, "rmse": 1.0, "mae": 1.0, "mape": null, "smape": 1.0, "mase": null,
            "directional_accuracy": null, "directions": 0
        });
        let mut document = serde_json::json!({
            "experiment": "series", "target": "value", "split": "holdout", "set": "test",
            "span": ["2020-01-01T00:00:00", "2021-11-25T10:39:00"], "best_epoch": 1,
            "windows": COUNT, "horizon": 1, "scaled": { "mse": 1.0, "rmse": 1.0, "mae": 1.0 },
            "baselines": [], "skill": 0.0, "steps": [],
            "interval": {
                "level": 0.9, "method": "quantiles", "quantiles": [], "pinball": 1.0,
                "coverage": 0.9, "mean_width": 300.0
            },
            "data": {
                "file": "minutes.csv", "path": null, "sha256": "", "rows": COUNT, "series": 1,
                "synthetic": false
            }
        });
        let fields = document.as_object_mut().unwrap();
        fields.extend(scores.as_object().unwrap().clone());
        let mut evaluation: SeriesEvaluation = serde_json::from_value(document).unwrap();
        let (mut time, mut state) = (jiff::civil::date(2020, 1, 1).at(0, 0, 0, 0), 1_u64);
        let mut level = 0.0;
        evaluation.shown = (0..COUNT)
            .map(|index| {
                time = time.checked_add(jiff::Span::new().minutes(1)).unwrap();
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                level += (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
                let actual = if index == PEAK { 2000.0 } else { level };
                Prediction {
                    series: 0,
                    time,
                    step: 1,
                    actual,
                    predicted: level + 50.0,
                    interval: Some([level - 100.0, level + 200.0]),
                    quantiles: Vec::new(),
                }
            })
            .collect();
        evaluation
    }

    #[test]
    fn a_picture_of_a_million_points_is_small_and_keeps_a_peak() {
        let picture = predictions(&evaluation(), &[]).unwrap();
        let svg = &picture.svg;
        assert!(svg.len() < 1_000_000 && picture.png.len() < 1_000_000, "{} bytes", svg.len());
        // A path is `M x y L x y ...`; the top of the picture is at 0.
        let points = svg.split(" L ").skip(1).filter_map(|point| {
            let (x, rest) = point.split_once(' ')?;
            Some([x.parse::<f64>().ok()?, rest.split([' ', '"']).next()?.parse().ok()?])
        });
        let highest = points.min_by(|one, other| one[1].total_cmp(&other[1])).unwrap();
        let expected = PEAK as f64 / COUNT as f64;
        let [left, width] = [75.0, 825.0];
        assert!((highest[0] - left - expected * width).abs() < 5.0, "{highest:?}");
        assert!(highest[1] < 0.2 * HEIGHT, "{highest:?}");
    }
}
