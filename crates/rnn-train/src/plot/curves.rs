//! Plots of losses and learning rates.

use std::sync::Arc;

use kuva::{
    plot::{annotations::ReferenceLine, line::LinePlot, scatter::ScatterPlot},
    prelude::{Figure, Layout, Plot, TickFormat},
};

use super::{
    picture::Picture,
    style::{HEIGHT, TRAIN, VALID, WIDTH, corner, curve, layout, scaled, short},
    thin::thinned,
};
use crate::{error::Result, run::Epoch};

const RATE: &str = "#059669";
const FAINT: &str = "#93c5fd";
/// Maximum length of a name in a legend.
const MAX_NAME_LENGTH: usize = 40;

/// A line, or a dot for a single point.
fn visible(points: Vec<(f64, f64)>, color: &str, name: &str) -> Option<Plot> {
    let dot = |points| ScatterPlot::new().with_data(points).with_color(color).with_size(5.0);
    match points.len() {
        0 => None,
        1 => Some(dot(points).with_legend(name).into()),
        _ => Some(curve(points, color).with_legend(name).into()),
    }
}

/// Puts a tick at every epoch if there are at most 10.
fn whole_epochs(layout: Layout, last: f64) -> Layout {
    if last <= 10.0 { layout.with_x_tick_step(1.0) } else { layout }
}

/// Loss by epoch, with accuracy if measured and learning rate if it changes.
pub(crate) fn losses(title: &str, epochs: &[Epoch]) -> Result<Picture> {
    let points = |value: fn(&Epoch) -> Option<f64>| -> Vec<(f64, f64)> {
        epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect()
    };
    let last = epochs.last().map_or(0.0, |epoch| epoch.epoch as f64);
    let train = points(|epoch| epoch.train_loss.filter(|loss| *loss > 0.0));
    let valid = points(|epoch| epoch.valid_loss.filter(|loss| *loss > 0.0));
    let all = [train.as_slice(), &valid].concat();
    let lines = [visible(train, TRAIN, "training loss"), visible(valid, VALID, "validation loss")];
    let loss: Vec<Plot> = lines.into_iter().flatten().collect();
    let mut layouts = vec![whole_epochs(scaled(&loss, title, "epoch", "loss", &all), last)];
    let mut panels = vec![loss];

    let accuracy = points(|epoch| epoch.train_accuracy);
    if let Some(line) = visible(accuracy.clone(), TRAIN, "training accuracy") {
        let (plots, places) = (vec![line], accuracy.into_iter().map(|(x, y)| (x / last, y)));
        let layout = layout(&plots, title, "epoch", "accuracy")
            .with_y_axis_min(0.0)
            .with_y_axis_max(1.02)
            .with_legend_position(corner(places));
        layouts.push(whole_epochs(layout, last));
        panels.push(plots);
    }
    let rates = points(|epoch| Some(epoch.learning_rate));
    if rates.windows(2).any(|pair| pair[0].1 != pair[1].1) {
        let plots: Vec<Plot> = visible(rates, RATE, "learning rate").into_iter().collect();
        let layout = layout(&plots, "", "epoch", "learning rate")
            .with_y_axis_min(0.0)
            .with_y_tick_format(TickFormat::Custom(Arc::new(short)));
        layouts.push(whole_epochs(layout, last));
        panels.push(plots);
    }
    if panels.len() == 1 {
        return Picture::of(panels.remove(0), layouts.remove(0));
    }
    let count = panels.len();
    let figure = Figure::new(1, count).with_plots(panels).with_layouts(layouts);
    Picture::render(&figure.with_cell_size(WIDTH / count as f64, HEIGHT).render())
}

/// Loss by learning rate, with the suggested rate. Each step has learning rate, loss and smoothed
/// loss.
pub(crate) fn range_test(
    title: &str,
    steps: &[[f64; 3]],
    suggested: Option<f64>,
) -> Result<Picture> {
    let line = |loss: usize, color: &str, width: f64| -> LinePlot {
        let points = steps.iter().map(|step| (step[0], step[loss])).collect();
        curve(thinned(points, f64::ln), color).with_stroke_width(width)
    };
    let plots: Vec<Plot> = vec![
        line(1, FAINT, 1.0).with_legend("loss per step").into(),
        line(2, TRAIN, 2.5).with_legend("smoothed loss").into(),
    ];
    let all: Vec<(f64, f64)> = steps.iter().map(|[rate, loss, _]| (rate.ln(), *loss)).collect();
    let mut layout = scaled(&plots, title, "learning rate (log scale)", "loss", &all).with_log_x();
    if let Some(rate) = suggested {
        layout = layout.with_reference_line(
            ReferenceLine::vertical(rate)
                .with_color(VALID)
                .with_label(format!("suggested: {rate}")),
        );
    }
    Picture::of(plots, layout)
}

/// The learning curves of two runs.
pub(crate) fn comparison(
    title: &str,
    metric: &str,
    names: &[String; 2],
    curves: &[Vec<(usize, f64)>; 2],
) -> Result<Picture> {
    let (mut plots, mut all) = (Vec::new(), Vec::new());
    let colors = [("A", TRAIN), ("B", VALID)];
    for ((name, points), (letter, color)) in names.iter().zip(curves).zip(colors) {
        // Keep the end of a long path.
        let skipped = name.chars().count().saturating_sub(MAX_NAME_LENGTH);
        let dots = if skipped > 0 { "…" } else { "" };
        let name = format!("{letter}: {dots}{}", name.chars().skip(skipped).collect::<String>());
        let points: Vec<_> = points.iter().map(|&(epoch, value)| (epoch as f64, value)).collect();
        all.extend_from_slice(&points);
        plots.extend(visible(points, color, &name));
    }
    let layout = scaled(&plots, title, "epoch", &metric.replace('_', " "), &all);
    let last = all.iter().fold(0.0f64, |last, (epoch, _)| epoch.max(last));
    Picture::of(plots, whole_epochs(layout, last))
}
