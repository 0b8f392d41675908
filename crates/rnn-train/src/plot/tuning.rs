//! Pictures of how settings do.

use std::sync::Arc;

use kuva::{
    plot::{
        annotations::{ReferenceLine, TextAnnotation},
        line::LinePlot,
        scatter::ScatterPlot,
    },
    prelude::{Plot, Theme, TickFormat, render_multiple},
};
use serde_json::Value;

use super::{ACTUAL, HEIGHT, Picture, TRAIN, VALID, WIDTH, curve, layout, scaled, short};
use crate::{
    Result,
    options::plain,
    range_test::Point as Step,
    search::{Board, Dimension, Point, Space, Values},
};

const FAINT: &str = "#93c5fd";

/// The loss at rising learning rates, and the one that is suggested.
pub(crate) fn range_test(title: &str, points: &[Step], suggested: Option<f64>) -> Result<Picture> {
    let line = |value: fn(&Step) -> f64, color: &str, width: f64| -> LinePlot {
        let points = points.iter().map(|point| (point.learning_rate, value(point)));
        curve(points.collect(), color).with_stroke_width(width)
    };
    let plots: Vec<Plot> = vec![
        line(|point| point.loss, FAINT, 1.0).with_legend("loss of a step").into(),
        line(|point| point.smoothed, TRAIN, 2.5).with_legend("smoothed").into(),
    ];
    let all: Vec<(f64, f64)> = points.iter().map(|point| (point.learning_rate.ln(), point.loss)).collect();
    let mut layout = scaled(&plots, title, "learning rate (log scale)", "loss", &all).with_log_x();
    if let Some(rate) = suggested {
        layout = layout.with_reference_line(ReferenceLine::vertical(rate).with_color(VALID).with_label(format!("suggested: {rate}")));
    }
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}

/// The learning curves of two runs.
pub(crate) fn comparison(title: &str, metric: &str, names: &[String; 2], curves: &[Vec<(usize, f64)>; 2]) -> Result<Picture> {
    let mut plots: Vec<Plot> = Vec::new();
    for ((name, points), color) in names.iter().zip(curves).zip([TRAIN, VALID]) {
        let points: Vec<(f64, f64)> = points.iter().map(|&(epoch, value)| (epoch as f64, value)).collect();
        // A line through one point cannot be seen.
        plots.push(match points.len() {
            1 => ScatterPlot::new().with_data(points).with_color(color).with_size(5.0).with_legend(name.as_str()).into(),
            _ => curve(points, color).with_legend(name.as_str()).into(),
        });
    }
    let all: Vec<(f64, f64)> = curves.iter().flatten().map(|&(epoch, value)| (epoch as f64, value)).collect();
    let layout = scaled(&plots, title, "epoch", &metric.replace('_', " "), &all);
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}

/// All trials as lines through an axis for each key, and the score last: the better, the stronger.
pub(crate) fn search(title: &str, metric: &str, space: &Space, board: &Board) -> Result<Picture> {
    let ranked: Vec<_> = board.ranked().into_iter().filter(|(run, _)| run.trial > 0).collect();
    let mut axes: Vec<Axis> = space.dimensions.iter().map(|one| Axis::of_key(one, ranked.iter().map(|(run, _)| &run.point))).collect();
    axes.push(Axis::of_scores(metric, ranked.iter().map(|(_, scored)| scored.score)));
    let mut plots: Vec<Plot> = Vec::new();
    for (rank, (run, scored)) in ranked.iter().enumerate().rev() {
        let keys = axes.iter().zip(&space.dimensions).map(|(axis, one)| axis.place(&run.point[&one.key]));
        let places = keys.chain([axes[axes.len() - 1].place(&Value::from(scored.score))]);
        let points: Vec<(f64, f64)> = places.enumerate().map(|(axis, place)| (axis as f64, place)).collect();
        let (color, width) = match rank {
            0 => (VALID, 3.5),
            1..=4 => (TRAIN, 2.0),
            _ => (PALE, 1.2),
        };
        plots.push(curve(points, color).with_stroke_width(width).into());
    }
    let last = (axes.len() - 1) as f64;
    let best = ranked.first().map_or_else(String::new, |(run, _)| run.name());
    let names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
    let named =
        move |place: f64| names.get(place.round() as usize).filter(|_| place.fract() == 0.0 && place >= 0.0).cloned().unwrap_or_default();
    let layout = layout(&plots, title, "", "")
        .with_subtitle(format!("orange: the best ({best}); blue: ranks 2 to 5; grey: all others"))
        .with_theme(Theme { axis_color: "white".into(), tick_color: "white".into(), ..Theme::light() })
        .with_show_grid(false)
        .with_tick_length(0.0)
        .with_x_axis_min(-0.2)
        .with_x_axis_max(last + 0.6)
        .with_y_axis_min(-0.04)
        .with_y_axis_max(1.1)
        .with_x_tick_step(1.0)
        .with_x_tick_format(TickFormat::Custom(Arc::new(named)))
        .with_y_tick_format(TickFormat::Custom(Arc::new(|_| String::new())));
    // Texts are centred above their place; these begin beside their axis.
    let beside = |text: &str| (6.0 + 3.2 * text.chars().count() as f64) / (WIDTH - 60.0) * (last + 0.8);
    let layout = axes.iter().enumerate().fold(layout, |layout, (index, axis)| {
        let x = index as f64;
        let layout = layout.with_reference_line(ReferenceLine::vertical(x).with_color(ACTUAL).with_dasharray("1 0"));
        axis.ticks.iter().fold(layout, |layout, (text, place)| {
            layout.with_annotation(TextAnnotation::new(text, x + beside(text), *place).with_font_size(10).with_color(ACTUAL))
        })
    });
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}

const PALE: &str = "#cbd5e1";

/// Where the values of a key are on its axis, from 0 to 1.
struct Axis {
    name: String,
    /// Of a list: its values in their order.
    choices: Option<Vec<String>>,
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<(String, f64)>,
}

impl Axis {
    fn of_key<'a>(dimension: &Dimension, points: impl Iterator<Item = &'a Point>) -> Self {
        let name = dimension.key.clone();
        match &dimension.values {
            Values::Choice(values) => {
                let choices: Vec<String> = values.iter().map(plain).collect();
                let mut axis = Self {
                    name,
                    choices: Some(choices.clone()),
                    low: 0.0,
                    high: (choices.len() - 1) as f64,
                    log: false,
                    ticks: Vec::new(),
                };
                axis.ticks = values.iter().map(|value| (plain(value), axis.place(value))).collect();
                axis
            }
            Values::Range(range) => Self::of_numbers(name, range.log, points.filter_map(|point| point[&dimension.key].as_f64())),
        }
    }

    fn of_scores(metric: &str, scores: impl Iterator<Item = f64>) -> Self {
        Self::of_numbers(format!("validation {metric}"), false, scores)
    }

    fn of_numbers(name: String, log: bool, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (value.min(low), value.max(high)));
        let mut axis = Self { name, choices: None, low, high, log, ticks: Vec::new() };
        let shares = if low < high { &[0.0, 0.25, 0.5, 0.75, 1.0][..] } else { &[0.5][..] };
        axis.ticks = shares.iter().map(|&share| (short(axis.value(share)), share)).collect();
        axis
    }

    fn value(&self, share: f64) -> f64 {
        if self.log { self.low * (self.high / self.low).powf(share) } else { self.low + share * (self.high - self.low) }
    }

    fn place(&self, value: &Value) -> f64 {
        let value = match &self.choices {
            Some(choices) => choices.iter().position(|choice| *choice == plain(value)).unwrap_or(0) as f64,
            None => value.as_f64().unwrap_or(self.low),
        };
        let (value, low, high) = if self.log { (value.ln(), self.low.ln(), self.high.ln()) } else { (value, self.low, self.high) };
        if low < high { (value - low) / (high - low) } else { 0.5 }
    }
}
