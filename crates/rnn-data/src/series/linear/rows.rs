//! The forecasts of a linear forecast for the rows of a series.

use std::sync::Arc;

use super::{
    Given, LinearForecast,
    fit::Smoothed,
    inputs::Values,
    iterated::Iterated,
    part::{Part, Range},
    smoothing::{Filter, Smoothing, States, TRENDS},
};

/// Most forecast values that are kept.
const KEPT: usize = 16_000_000;

/// The forecasts from each origin of a series, and what forecasts of appended rows need.
#[derive(Debug, Clone)]
pub(in crate::series) struct LinearRows {
    horizon: usize,
    /// First origin with forecasts.
    first: usize,
    /// Forecasts of the known rows, `[origins, horizon]`, and how many of them are used.
    known: Arc<Vec<f64>>,
    used: usize,
    /// Number of rows that are not forecasts.
    actual: usize,
    /// Forecasts from appended rows.
    appended: Vec<f64>,
    /// First origin of each fit after the first.
    edges: Vec<usize>,
    /// The state behind the last row.
    state: Option<State>,
}

/// What forecasts from an origin need.
#[derive(Debug, Clone)]
struct State {
    fit: usize,
    /// Values on each scale, without the effects of columns known in the future.
    values: Vec<Values>,
    /// Effects of these columns, up to the horizon after the last row, `[scales][rows]`.
    effects: Vec<Vec<f64>>,
    /// The smoothing filters, `[scales][trends]`.
    filters: Vec<Vec<Filter>>,
    range: Range,
}

impl LinearRows {
    /// Forecasts from all origins of a series that have enough rows before them.
    pub(in crate::series) fn new(linear: &LinearForecast, given: Given<'_>, first: usize) -> Self {
        let (horizon, rows) = (linear.horizon(), given.target.len());
        let folds = linear.parts[0].fits.len() - 1;
        let mut edges = given.rows.edges(horizon, Some(folds))[..folds].to_vec();
        edges.push(given.rows.late);
        edges.remove(0);
        let first = first.max((rows + 1).saturating_sub(KEPT / horizon)).max(1);
        let mut all = Self {
            horizon,
            first,
            known: Arc::default(),
            used: 0,
            actual: rows,
            appended: Vec::new(),
            edges,
            state: None,
        };
        let mut known = Vec::with_capacity((rows + 1).saturating_sub(first) * horizon);
        for origin in first..=rows {
            all.filter_to(linear, given, origin);
            all.extend(linear, given, origin, &mut known);
        }
        all.used = known.len();
        all.known = Arc::new(known);
        all.state = None;
        all
    }

    /// The number of steps ahead.
    pub(in crate::series) fn horizon(&self) -> usize {
        self.horizon
    }

    /// In-sample forecasts of the smoothing that is fitted on all rows before the test set.
    ///
    /// The origins are `first` to the end of these rows, `[origins, horizon]`.
    pub(in crate::series) fn smoothed(
        &self,
        linear: &LinearForecast,
        given: Given<'_>,
        first: usize,
    ) -> Vec<f64> {
        let end = given.rows.end;
        let ([least, most], largest) = (linear.range.bounds(), linear.range.largest());
        let count = linear.parts.len() as f64;
        let mut all = vec![0.0; (end + 1).saturating_sub(first) * self.horizon];
        for part in &linear.parts {
            let fit = &part.fits[part.fits.len() - 1];
            let rows = 0..end + self.horizon;
            let effects = fit.effects.rows(given.future, given.place, rows);
            let without = given.target[..end].iter().zip(&effects);
            let values: Vec<f64> = without
                .map(|(value, effect)| part.scale.forward(*value, part.units) - effect)
                .collect();
            let states: Vec<States> = fit
                .smoothing
                .iter()
                .zip(TRENDS)
                .map(|(smoothing, trend)| {
                    let start = smoothing.start(&values, &part.inputs.seasons, trend);
                    smoothing.states(&values, start)
                })
                .collect();
            for (line, origin) in all.chunks_mut(self.horizon).zip(first..) {
                for (step, mean) in line.iter_mut().enumerate() {
                    let smoothed = Smoothed::new(|place| {
                        states[place].forecast(&fit.smoothing[place], origin, step)
                    });
                    let value = smoothed.forecast() + effects[origin + step];
                    let value = part.scale.natural(value, part.units, largest);
                    *mean += value.clamp(least, most) / count;
                }
            }
        }
        all
    }

    /// The first origin with forecasts.
    pub(in crate::series) fn first(&self) -> usize {
        self.first
    }

    /// The forecast of the row `step` after an origin; `None` before the first one.
    ///
    /// Steps beyond the horizon repeat the last season before it.
    pub(in crate::series) fn forecast(
        &self,
        origin: usize,
        step: usize,
        season: usize,
    ) -> Option<f64> {
        let horizon = self.horizon;
        let step = match step.checked_sub(horizon) {
            None => step,
            Some(beyond) => {
                let season = season.clamp(1, horizon);
                horizon - season + beyond % season
            }
        };
        let at = origin.checked_sub(self.first)? * horizon + step;
        match at.checked_sub(self.used) {
            None => Some(self.known[at]),
            Some(at) => self.appended.get(at).copied(),
        }
    }

    /// Keeps the forecasts from origins up to a row.
    pub(in crate::series) fn truncate(&mut self, rows: usize) {
        self.used = self.used.min((rows + 1).saturating_sub(self.first) * self.horizon);
        self.actual = self.actual.min(rows);
        self.appended.clear();
        self.state = None;
    }

    /// Forecasts from behind an appended row, the last of the target.
    pub(in crate::series) fn push(&mut self, linear: &LinearForecast, given: Given<'_>) {
        self.filter_to(linear, given, given.target.len());
        let mut appended = std::mem::take(&mut self.appended);
        self.extend(linear, given, given.target.len(), &mut appended);
        self.appended = appended;
    }

    /// Brings the states to an origin; all rows again if its fit is another.
    fn filter_to(&mut self, linear: &LinearForecast, given: Given<'_>, origin: usize) {
        let fit = self.edges.partition_point(|edge| *edge <= origin);
        let (mut state, from) = match self.state.take() {
            Some(state) if state.fit == fit => (state, origin - 1),
            _ => (self.start(linear, given, fit), 0),
        };
        let of_scales = state.values.iter_mut().zip(&mut state.effects);
        for ((filters, part), (values, effects)) in
            state.filters.iter_mut().zip(&linear.parts).zip(of_scales)
        {
            part.append(fit, given, effects, self.horizon);
            let value =
                |row: usize| part.scale.forward(given.target[row], part.units) - effects[row];
            (values.values.len()..given.target.len()).for_each(|row| values.append(value(row)));
            for (filter, smoothing) in filters.iter_mut().zip(&part.fits[fit].smoothing) {
                for value in &values.values[from..origin] {
                    filter.step(smoothing, *value);
                }
            }
        }
        // Forecasts do not widen the range of later ones.
        let actual = from.min(self.actual)..origin.min(self.actual);
        given.target[actual].iter().for_each(|value| state.range.extend(*value));
        self.state = Some(state);
    }

    /// The state of a fit before the first row.
    fn start(&self, linear: &LinearForecast, given: Given<'_>, fit: usize) -> State {
        let end = self.end(given, fit).min(given.target.len());
        let (mut all, mut all_effects, mut filters) = (Vec::new(), Vec::new(), Vec::new());
        for part in &linear.parts {
            let mut effects = Vec::new();
            part.append(fit, given, &mut effects, self.horizon);
            let values = given.target.iter().zip(&effects);
            let values =
                values.map(|(value, effect)| part.scale.forward(*value, part.units) - effect);
            let values = Values::new(values, given.place, &part.inputs);
            let start = |(smoothing, trend): (&Smoothing, _)| {
                smoothing.start(&values.values[..end], &part.inputs.seasons, trend)
            };
            filters.push(part.fits[fit].smoothing.iter().zip(TRENDS).map(start).collect());
            all.push(values);
            all_effects.push(effects);
        }
        State { fit, values: all, effects: all_effects, filters, range: linear.range }
    }

    /// The end of the rows that a fit has seen.
    fn end(&self, given: Given<'_>, fit: usize) -> usize {
        match fit == self.edges.len() {
            true => given.rows.end,
            false => given.rows.edges(self.horizon, Some(self.edges.len()))[fit],
        }
    }

    /// Appends the forecasts from an origin to which the states are brought.
    fn extend(&self, linear: &LinearForecast, given: Given<'_>, origin: usize, to: &mut Vec<f64>) {
        let Some(State { fit, values, effects, filters, range }) = &self.state else { return };
        let largest = range.largest();
        let start = to.len();
        to.resize(start + self.horizon, 0.0);
        let mut inputs = Vec::new();
        let of_scales = values.iter().zip(effects).zip(filters);
        for (part, ((values, effects), filters)) in linear.parts.iter().zip(of_scales) {
            let fit = &part.fits[*fit];
            let last = values.values[origin - 1];
            let forecast = |one: &Iterated| one.forecasts(&values.values, origin, self.horizon);
            let paths: Vec<Vec<f64>> = fit.iterated.iter().map(forecast).collect();
            for (step, weights) in fit.steps.iter().enumerate() {
                let share = part.shares[step];
                if share <= 0.0 {
                    continue;
                }
                let smoothed = Smoothed::of(filters, &fit.smoothing, step);
                let [constant, forecast, mean] = [0, 1, 2].map(|place| f64::from(weights[place]));
                let mut value = constant
                    + forecast * smoothed.forecast()
                    + mean * smoothed.mean()
                    + (1.0 - forecast - mean) * last;
                for (one, path) in fit.iterated.iter().zip(&paths) {
                    value += one.part(step) * (path[step] - last);
                }
                if weights.len() > 3 {
                    inputs.clear();
                    let rows = (values, given.future);
                    part.inputs.push(rows, origin, step, smoothed.inputs(), &mut inputs);
                    let pairs = weights[3..].iter().zip(&inputs);
                    value += pairs.map(|(weight, input)| f64::from(*weight) * input).sum::<f64>();
                }
                value += effects[origin + step];
                to[start + step] += share * part.scale.natural(value, part.units, largest);
            }
        }
        let [least, most] = range.bounds();
        to[start..].iter_mut().for_each(|value| *value = value.clamp(least, most));
    }
}

impl Part {
    /// Appends effects of columns that are known in the future, up to the horizon after the target.
    fn append(&self, fit: usize, given: Given<'_>, effects: &mut Vec<f64>, horizon: usize) {
        let rows = effects.len()..given.target.len() + horizon;
        effects.extend(self.fits[fit].effects.rows(given.future, given.place, rows));
    }
}
