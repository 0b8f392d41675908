//! The plot of a search, in parallel coordinates.

use std::sync::Arc;

use kuva::{
    plot::annotations::{ReferenceLine, TextAnnotation},
    prelude::{Plot, Theme, TickFormat},
};
use serde_json::Value;

use super::{
    TrialRun,
    board::{Board, Scored},
    space::{Dimension, Point, Space, Values},
};
use crate::{
    error::Result,
    plot::{ACTUAL, Picture, TRAIN, VALID, WIDTH, curve, extent, layout, short},
    settings::plain,
};

const PALE: &str = "#cbd5e1";
/// Number of trials that are drawn, the best ones. More lines would hide each other.
const MOST_LINES: usize = 1000;

/// Draws each trial as a line through one axis per key and a last axis for the score.
///
/// kuva's `ParallelPlot` has numeric ticks and one line width only. It cannot show lists,
/// logarithmic ranges, or trials without a value.
pub(crate) fn picture(title: &str, metric: &str, space: &Space, board: &Board) -> Result<Picture> {
    let trials = board.latest();
    let points = || trials.iter().map(|(run, _)| &run.point);
    let mut axes: Vec<Axis> =
        space.dimensions.iter().map(|one| Axis::of_key(one, points())).collect();
    axes.push(Axis::of_scores(metric, trials.iter().map(|(_, scored)| scored.score).collect()));
    let (mut plots, mut ranks): (Vec<Plot>, _) = (Vec::new(), 0..);
    let drawn =
        |(place, (run, _)): &(usize, &(&TrialRun, Scored))| *place < MOST_LINES || run.trial == 0;
    for (_, (run, scored)) in trials.iter().enumerate().filter(drawn) {
        let score = Value::from(scored.score);
        let keys = space.dimensions.iter().map(|one| run.point.get(&one.key));
        // The baseline configuration may lack a value of a key.
        let places = axes.iter().enumerate().zip(keys.chain([Some(&score)]));
        let places = places.filter_map(|((x, axis), value)| Some((x as f64, axis.place(value?))));
        let line = curve(places.collect(), "");
        plots.push(if run.trial == 0 {
            line.with_color(ACTUAL).with_dashed().into()
        } else {
            let (color, width) = match ranks.next() {
                Some(0) => (VALID, 3.5),
                Some(1..=4) => (TRAIN, 2.0),
                _ => (PALE, 1.2),
            };
            line.with_color(color).with_stroke_width(width).into()
        });
    }
    // Draw the best last, on top.
    plots.reverse();
    let last = (axes.len() - 1) as f64;
    let best = trials.iter().find(|(run, _)| run.trial > 0);
    let best = best.map_or_else(String::new, |(run, _)| run.name());
    let names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
    let named = move |place: f64| {
        let is_axis = place.fract() == 0.0 && place >= 0.0;
        names.get(place as usize).filter(|_| is_axis).cloned().unwrap_or_default()
    };
    let (axis_color, tick_color) = ("white".into(), "white".into());
    let theme = Theme { axis_color, tick_color, ..Theme::light() };
    let mut layout = layout(&plots, title, "", "")
        .with_subtitle(format!(
            "lower is better. orange: the best trial ({best}); blue: the next four; grey: others; \
             dashed: the baseline configuration"
        ))
        .with_theme(theme)
        .with_show_grid(false)
        .with_tick_length(0.0)
        .with_x_axis_min(-0.2)
        .with_x_axis_max(last + 0.6)
        .with_y_axis_min(-0.04)
        .with_y_axis_max(1.1)
        .with_x_tick_step(1.0)
        .with_x_tick_format(TickFormat::Custom(Arc::new(named)))
        .with_y_tick_format(TickFormat::Custom(Arc::new(|_| String::new())));
    // Annotations are centred; shift them so that they start beside their axis.
    let beside =
        |text: &str| (6.0 + 3.2 * text.chars().count() as f64) / (WIDTH - 60.0) * (last + 0.8);
    for (x, axis) in axes.iter().enumerate() {
        let line = ReferenceLine::vertical(x as f64).with_color(ACTUAL).with_dasharray("1 0");
        layout = layout.with_reference_line(line);
        for (text, place) in axis.ticks() {
            let tick = TextAnnotation::new(&text, x as f64 + beside(&text), place);
            layout = layout.with_annotation(tick.with_font_size(10).with_color(ACTUAL));
        }
    }
    Picture::of(plots, layout)
}

/// The axis of a key, which maps values to 0..1.
#[derive(Debug)]
struct Axis {
    name: String,
    /// The values of a list, in order; empty for a range.
    choices: Vec<String>,
    low: f64,
    high: f64,
    log: bool,
    whole: bool,
    /// True if worse scores are drawn at the upper end.
    cut: bool,
}

/// Positions of the ticks.
const TICKS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Scores are drawn at the end of the axis if they are too far from the median: more than `FAR`
/// times as far as the best. Otherwise an outlier would hide all others.
const FAR: f64 = 3.0;

impl Axis {
    fn of_key<'a>(dimension: &Dimension, points: impl Iterator<Item = &'a Point>) -> Self {
        let key = &dimension.key;
        let values = points.filter_map(|point| point.get(key));
        match &dimension.values {
            Values::Choice(listed) => {
                let mut choices: Vec<String> = Vec::new();
                for value in listed.iter().chain(values).map(plain) {
                    if !choices.contains(&value) {
                        choices.push(value);
                    }
                }
                let ends = [0.0, (choices.len() - 1) as f64];
                Self { choices, ..Self::of_numbers(key.clone(), ends, false) }
            }
            Values::Range(range) => {
                let numbers = values.filter_map(Value::as_f64);
                let numbers = numbers.filter(|number| !range.log || *number > 0.0);
                let axis = Self::of_numbers(key.clone(), numbers, range.log);
                Self { whole: range.is_whole(), ..axis }
            }
        }
    }

    fn of_scores(metric: &str, mut scores: Vec<f64>) -> Self {
        scores.retain(|score| score.is_finite());
        scores.sort_by(f64::total_cmp);
        let at = |place: usize| scores.get(place).copied().unwrap_or(0.0);
        let (best, middle) = (at(0), at(scores.len() / 2));
        let worst = at(scores.len().saturating_sub(1));
        let far = middle + FAR * (middle - best);
        let cut = middle > best && worst > far;
        let ends = [best, if cut { far } else { worst }];
        Self { cut, ..Self::of_numbers(format!("validation {metric}"), ends, false) }
    }

    fn of_numbers(name: String, numbers: impl IntoIterator<Item = f64>, log: bool) -> Self {
        let (low, high) = extent(numbers);
        Self { name, choices: Vec::new(), low, high, log, whole: false, cut: false }
    }

    fn ticks(&self) -> Vec<(String, f64)> {
        let Self { low, high, .. } = *self;
        if !self.choices.is_empty() {
            let at = |(index, choice): (usize, &String)| (choice.clone(), self.at(index as f64));
            return self.choices.iter().enumerate().map(at).collect();
        }
        let values = TICKS.map(|place| self.value(place));
        if self.whole {
            let mut values = values.map(f64::round).to_vec();
            values.dedup();
            return values.into_iter().map(|value| (value.to_string(), self.at(value))).collect();
        }
        if low >= high {
            return vec![(short(low), 0.5)];
        }
        // Two significant digits of the distance between ticks.
        let digits = (1.0 - ((high - low) / 4.0).log10().floor()).clamp(0.0, 9.0) as usize;
        let text = |value| if self.log { short(value) } else { format!("{value:.digits$}") };
        let mut ticks: Vec<(String, f64)> = values.map(text).into_iter().zip(TICKS).collect();
        if let Some((text, _)) = ticks.last_mut().filter(|_| self.cut) {
            text.insert_str(0, "≥ ");
        }
        ticks
    }

    fn value(&self, place: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(place)
        } else {
            self.low + place * (self.high - self.low)
        }
    }

    fn place(&self, value: &Value) -> f64 {
        let index = self.choices.iter().position(|choice| *choice == plain(value));
        self.at(index.map_or_else(|| value.as_f64().unwrap_or(self.low), |index| index as f64))
    }

    /// The position of a number.
    fn at(&self, number: f64) -> f64 {
        let scaled = |number: f64| if self.log { number.ln() } else { number };
        let [number, low, high] = [number, self.low, self.high].map(scaled);
        if low < high { ((number - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn an_outlier_does_not_hide_the_other_scores() {
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
    fn axes_include_the_baseline_configuration() {
        let space = "units = [[8], [16]]\nwindow = { min = 5, max = 8 }\n\
                     weight_decay = { min = 0.001, max = 0.1, log = true }";
        let space = Space::parse(space).unwrap();
        let point = |units: u32, window: u32, decay: f64| {
            serde_json::json!({ "units": [units], "window": window, "weight_decay": decay })
                .as_object()
                .unwrap()
                .clone()
        };
        let points = [point(32, 20, 0.0), point(8, 5, 0.001), point(16, 8, 0.1)];
        let axes: Vec<Axis> =
            space.dimensions.iter().map(|one| Axis::of_key(one, points.iter())).collect();
        assert_eq!(texts(&axes[0]), ["[8]", "[16]", "[32]"]);
        assert_eq!(texts(&axes[1]), ["5", "9", "13", "16", "20"]);
        assert_eq!(
            (axes[2].place(&Value::from(0.0)), axes[2].place(&Value::from(0.1))),
            (0.0, 1.0)
        );
    }
}
