//! Pictures of learning rates and of learning curves.

use kuva::{
    plot::{annotations::ReferenceLine, line::LinePlot, scatter::ScatterPlot},
    prelude::{Plot, render_multiple},
};

use super::{HEIGHT, Picture, TRAIN, VALID, WIDTH, curve, scaled};
use crate::error::Result;

/// Letters of a name in a legend.
const LONGEST: usize = 40;
const FAINT: &str = "#93c5fd";

/// The loss at rising learning rates, and the rate that is suggested; a step is its learning rate, its loss and the smoothed loss.
pub(crate) fn range_test(
    title: &str,
    steps: &[[f64; 3]],
    suggested: Option<f64>,
) -> Result<Picture> {
    let line = |loss: usize, color: &str, width: f64| -> LinePlot {
        let points = steps.iter().map(|step| (step[0], step[loss]));
        curve(points.collect(), color).with_stroke_width(width)
    };
    let plots: Vec<Plot> = vec![
        line(1, FAINT, 1.0).with_legend("loss of a step").into(),
        line(2, TRAIN, 2.5).with_legend("smoothed").into(),
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
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}

/// The learning curves of two runs.
pub(crate) fn comparison(
    title: &str,
    metric: &str,
    names: &[String; 2],
    curves: &[Vec<(usize, f64)>; 2],
) -> Result<Picture> {
    let mut plots: Vec<Plot> = Vec::new();
    for (((letter, name), points), color) in
        ["A", "B"].iter().zip(names).zip(curves).zip([TRAIN, VALID])
    {
        // The end of a long path says more than its beginning.
        let skipped = name.chars().count().saturating_sub(LONGEST);
        let dots = if skipped > 0 { "…" } else { "" };
        let name = format!("{letter}: {dots}{}", name.chars().skip(skipped).collect::<String>());
        let points: Vec<(f64, f64)> =
            points.iter().map(|&(epoch, value)| (epoch as f64, value)).collect();
        // A line through one point cannot be seen.
        plots.push(match points.len() {
            1 => ScatterPlot::new()
                .with_data(points)
                .with_color(color)
                .with_size(5.0)
                .with_legend(name)
                .into(),
            _ => curve(points, color).with_legend(name).into(),
        });
    }
    let all: Vec<(f64, f64)> =
        curves.iter().flatten().map(|&(epoch, value)| (epoch as f64, value)).collect();
    let layout = scaled(&plots, title, "epoch", &metric.replace('_', " "), &all);
    let last = all.iter().fold(0.0f64, |last, (epoch, _)| epoch.max(last));
    let layout = if last <= 10.0 { layout.with_x_tick_step(1.0) } else { layout };
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}
