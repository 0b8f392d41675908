//! The picture of a search, in parallel coordinates.

use std::sync::Arc;

use kuva::{
    plot::annotations::{ReferenceLine, TextAnnotation},
    prelude::{Plot, Theme, TickFormat, render_multiple},
};
use serde_json::Value;

use super::{
    board::Board,
    space::{Dimension, Point, Space, Values},
};
use crate::{
    error::Result,
    plot::{ACTUAL, HEIGHT, Picture, TRAIN, VALID, WIDTH, curve, layout, short},
    settings::plain,
};

const PALE: &str = "#cbd5e1";

/// All trials as lines through an axis for each key, and the score last.
pub(crate) fn picture(title: &str, metric: &str, space: &Space, board: &Board) -> Result<Picture> {
    let trials = board.latest();
    let points = || trials.iter().map(|(run, _)| &run.point);
    let mut axes: Vec<Axis> =
        space.dimensions.iter().map(|one| Axis::of_key(one, points())).collect();
    axes.push(Axis::of_scores(metric, trials.iter().map(|(_, scored)| scored.score).collect()));
    let (mut plots, mut rank): (Vec<Plot>, usize) = (Vec::new(), 0);
    for (run, scored) in &trials {
        let values = space
            .dimensions
            .iter()
            .map(|one| run.point.get(&one.key).cloned())
            .chain([Some(Value::from(scored.score))]);
        // Settings as they are may have no value of a key.
        let place = |((index, axis), value): ((usize, &Axis), Option<Value>)| {
            Some((index as f64, axis.place(&value?)))
        };
        let line = curve(axes.iter().enumerate().zip(values).filter_map(place).collect(), "");
        if run.trial == 0 {
            plots.push(line.with_color(ACTUAL).with_stroke_width(2.0).with_dashed().into());
            continue;
        }
        let (color, width) = match rank {
            0 => (VALID, 3.5),
            1..=4 => (TRAIN, 2.0),
            _ => (PALE, 1.2),
        };
        rank += 1;
        plots.push(line.with_color(color).with_stroke_width(width).into());
    }
    // The best come last, on top.
    plots.reverse();
    let last = (axes.len() - 1) as f64;
    let best = trials
        .iter()
        .find(|(run, _)| run.trial > 0)
        .map_or_else(String::new, |(run, _)| run.name());
    let names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
    let named = move |place: f64| {
        names
            .get(place.round() as usize)
            .filter(|_| place.fract() == 0.0 && place >= 0.0)
            .cloned()
            .unwrap_or_default()
    };
    let layout = layout(&plots, title, "", "")
        .with_subtitle(format!(
            "lower is better. orange: the best trial ({best}); blue: the next four; grey: others; dashed: the settings as they are"
        ))
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
    let beside =
        |text: &str| (6.0 + 3.2 * text.chars().count() as f64) / (WIDTH - 60.0) * (last + 0.8);
    let layout = axes.iter().enumerate().fold(layout, |layout, (index, axis)| {
        let x = index as f64;
        let layout = layout.with_reference_line(
            ReferenceLine::vertical(x).with_color(ACTUAL).with_dasharray("1 0"),
        );
        axis.ticks.iter().fold(layout, |layout, (text, place)| {
            layout.with_annotation(
                TextAnnotation::new(text, x + beside(text), *place)
                    .with_font_size(10)
                    .with_color(ACTUAL),
            )
        })
    });
    Picture::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
}

/// Where the values of a key are on its axis, from 0 to 1.
#[derive(Debug)]
struct Axis {
    name: String,
    /// Of a list: its values in their order.
    choices: Option<Vec<String>>,
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<(String, f64)>,
}

/// Shares of an axis that have their value beside them.
const TICKS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Scores so many times as far from the middle one as the best is are drawn at the end of the axis:
/// one that went wrong would hide all others.
const FAR: f64 = 3.0;

impl Axis {
    fn of_key<'a>(dimension: &Dimension, points: impl Iterator<Item = &'a Point>) -> Self {
        let key = &dimension.key;
        let values = points.filter_map(|point| point.get(key));
        match &dimension.values {
            Values::Choice(listed) => {
                let mut choices: Vec<String> = listed.iter().map(plain).collect();
                for value in values.map(plain) {
                    if !choices.contains(&value) {
                        choices.push(value);
                    }
                }
                let high = (choices.len() - 1) as f64;
                let mut axis = Self {
                    name: key.clone(),
                    choices: Some(choices.clone()),
                    low: 0.0,
                    high,
                    log: false,
                    ticks: Vec::new(),
                };
                axis.ticks = choices
                    .into_iter()
                    .map(|choice| (choice.clone(), axis.place(&Value::from(choice))))
                    .collect();
                axis
            }
            Values::Range(range) => {
                let numbers = values
                    .filter_map(Value::as_f64)
                    .filter(|number| !range.log || *number > 0.0)
                    .collect();
                let mut axis = Self::of_numbers(key.clone(), numbers, range.log);
                if range.is_whole() {
                    let mut whole: Vec<f64> =
                        TICKS.iter().map(|&share| axis.value(share).round()).collect();
                    whole.dedup();
                    axis.ticks = whole
                        .into_iter()
                        .map(|value| (value.to_string(), axis.place(&Value::from(value))))
                        .collect();
                }
                axis
            }
        }
    }

    fn of_scores(metric: &str, mut scores: Vec<f64>) -> Self {
        scores.retain(|score| score.is_finite());
        scores.sort_by(f64::total_cmp);
        let (best, middle) = (
            scores.first().copied().unwrap_or(0.0),
            scores.get(scores.len() / 2).copied().unwrap_or(0.0),
        );
        let far = middle + FAR * (middle - best);
        let worst = scores.last().copied().unwrap_or(0.0);
        let is_cut = middle > best && worst > far;
        if is_cut {
            scores.retain(|score| *score <= far);
            scores.push(far);
        }
        let mut axis = Self::of_numbers(format!("validation {metric}"), scores, false);
        if let Some((text, _)) = axis.ticks.last_mut().filter(|_| is_cut) {
            *text = format!("≥ {text}");
        }
        axis
    }

    fn of_numbers(name: String, numbers: Vec<f64>, log: bool) -> Self {
        let (low, high) =
            numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
                (value.min(low), value.max(high))
            });
        let mut axis = Self { name, choices: None, low, high, log, ticks: Vec::new() };
        let shares = if low < high { &TICKS[..] } else { &[0.5][..] };
        // Two digits of what is between two ticks.
        let digits = (1.0 - ((high - low) / 4.0).log10().floor()).clamp(0.0, 9.0) as usize;
        let text = |value: f64| {
            if log || low >= high { short(value) } else { format!("{value:.digits$}") }
        };
        axis.ticks = shares.iter().map(|&share| (text(axis.value(share)), share)).collect();
        axis
    }

    fn value(&self, share: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(share)
        } else {
            self.low + share * (self.high - self.low)
        }
    }

    fn place(&self, value: &Value) -> f64 {
        let value = match &self.choices {
            Some(choices) => {
                choices.iter().position(|choice| *choice == plain(value)).unwrap_or(0) as f64
            }
            None => value.as_f64().unwrap_or(self.low),
        };
        let (value, low, high) = if self.log {
            (value.ln(), self.low.ln(), self.high.ln())
        } else {
            (value, self.low, self.high)
        };
        if low < high { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(text, _)| text.as_str()).collect()
    }

    #[test]
    fn a_score_that_went_wrong_does_not_hide_the_others() {
        let axis = Axis::of_scores("RMSE", vec![7.0, 7.2, 7.4, 7.6, 495.0]);
        assert_eq!(texts(&axis), ["7.00", "7.40", "7.80", "8.20", "≥ 8.60"]);
        assert_eq!((axis.place(&Value::from(495.0)), axis.place(&Value::from(7.0))), (1.0, 0.0));
        assert_eq!(
            texts(&Axis::of_scores("RMSE", vec![2.381, 2.382, 2.383])),
            ["2.38100", "2.38150", "2.38200", "2.38250", "2.38300"]
        );
        assert_eq!(texts(&Axis::of_scores("RMSE", vec![5.0, 5.0])), ["5"]);
    }

    #[test]
    fn axes_have_the_settings_as_they_are_too() {
        let space =
            Space::parse("units = [[8], [16]]\nwindow = { min = 5, max = 8 }\nweight_decay = { min = 0.001, max = 0.1, log = true }")
                .unwrap();
        let point = |units: u32, window: u32, decay: f64| {
            serde_json::json!({ "units": [units], "window": window, "weight_decay": decay })
                .as_object()
                .unwrap()
                .clone()
        };
        let points = [point(32, 20, 0.0), point(8, 5, 0.001), point(16, 8, 0.1)];
        let axes: Vec<Axis> =
            space.dimensions.iter().map(|one| Axis::of_key(one, points.iter())).collect();
        assert_eq!(
            (texts(&axes[0]), texts(&axes[1])),
            (vec!["[8]", "[16]", "[32]"], vec!["5", "9", "13", "16", "20"])
        );
        assert_eq!(
            (axes[2].place(&Value::from(0.0)), axes[2].place(&Value::from(0.1))),
            (0.0, 1.0)
        );
    }
}
