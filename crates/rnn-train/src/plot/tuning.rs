//! Pictures of how settings do.

use kuva::{
    plot::{annotations::ReferenceLine, legend::LegendPosition, line::LinePlot},
    prelude::{Plot, render_multiple},
};

use super::{HEIGHT, Picture, TRAIN, VALID, WIDTH, curve, layout};
use crate::{Result, range_test::Point};

const FAINT: &str = "#93c5fd";

/// The loss at rising learning rates, and the one that is suggested.
pub(crate) fn range_test(title: &str, points: &[Point], suggested: Option<f64>) -> Result<Picture> {
    let line = |value: fn(&Point) -> f64, color: &str, width: f64| -> LinePlot {
        let points = points.iter().map(|point| (point.learning_rate, value(point)));
        curve(points.collect(), color).with_stroke_width(width)
    };
    let plots: Vec<Plot> = vec![
        line(|point| point.loss, FAINT, 1.0).with_legend("loss of a step").into(),
        line(|point| point.smoothed, TRAIN, 2.5).with_legend("smoothed").into(),
    ];
    let bounds = points.iter().fold((f64::INFINITY, 0.0f64), |(low, high), point| (point.loss.min(low), point.loss.max(high)));
    // Losses over more than a power of ten show what happens only by their logarithms.
    let log = bounds.0 > 0.0 && bounds.1 > 10.0 * bounds.0;
    let mut layout = layout(&plots, title, "learning rate (log scale)", if log { "loss (log scale)" } else { "loss" }).with_log_x();
    layout = layout.with_legend_position(LegendPosition::InsideBottomLeft);
    if log {
        layout = layout.with_log_y();
    }
    if let Some(rate) = suggested {
        layout = layout.with_reference_line(ReferenceLine::vertical(rate).with_color(VALID).with_label(format!("suggested: {rate}")));
    }
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}
