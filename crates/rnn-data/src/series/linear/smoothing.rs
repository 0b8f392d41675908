//! Additive exponential smoothing of level, slope and seasons, with an autoregressive error.

use serde::{Deserialize, Serialize};

use super::minimum::minimum;
use crate::series::seasons::profile;

/// Number of evaluations of a search, and from earlier parameters.
const EVALUATIONS: [usize; 2] = [250, 120];
/// Weight of the squares of parameters, which keeps the search in its bounds.
const PENALTY: f64 = 1e-3;
/// Most rows that parameters are fitted on, the last ones.
const FITTED: usize = 20_000;
/// Number of seasons from which the first profile of a season is taken.
const PROFILE: usize = 5;
/// Fewest rows of the first level and slope.
const FIRST: usize = 10;

/// Development of the slope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trend {
    /// No slope.
    None,
    /// A slope that changes and fades with the step ahead.
    Damped,
    /// Half of the slope of all rows, as in the theta method.
    Theta,
    /// A slope that changes.
    Linear,
}

/// The trends of a forecast, in the order of their fits.
pub(super) const TRENDS: [Trend; 4] = [Trend::None, Trend::Damped, Trend::Theta, Trend::Linear];

/// Parameters of exponential smoothing.
///
/// See Hyndman, Koehler, Ord and Snyder, "Forecasting with Exponential Smoothing", 2008, chapters 2
/// and 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Smoothing {
    /// Weight of an error in the level.
    alpha: f64,
    /// Weight of an error in the slope, as a fraction of `alpha`.
    beta: f64,
    /// Factor of the slope in each step.
    phi: f64,
    /// Correlation of successive errors.
    rho: f64,
    /// Weight of an error in each season.
    gammas: Vec<f64>,
}

/// The state after a number of rows.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// Level, slope, and the last error.
    state: [f64; 3],
    /// The deviations of the places of each season.
    seasons: Vec<Vec<f64>>,
    /// The place of the next row in each season.
    places: Vec<usize>,
}

/// States before each row, for forecasts from any origin.
#[derive(Debug, Clone)]
pub(super) struct States {
    states: Vec<[f64; 3]>,
    /// The deviations of a first season and of each row.
    seasons: Vec<Vec<f64>>,
    lengths: Vec<usize>,
}

impl Smoothing {
    /// Fits parameters to rows; also returns their place in the search, for the start of another.
    pub(super) fn fit(
        values: &[f64],
        seasons: &[usize],
        trend: Trend,
        start: Option<&[f64]>,
    ) -> (Self, Vec<f64>) {
        let values = &values[values.len().saturating_sub(FITTED)..];
        let first = Filter::first(values, seasons, trend);
        let mut filter = first.clone();
        let mut loss = |at: &[f64]| {
            let squares = Self::at(at, trend).squares(values, &first, &mut filter);
            let mean = squares / values.len() as f64;
            let size: f64 = at.iter().map(|number| number * number).sum();
            if mean.is_finite() { (mean + 1e-12).ln() + PENALTY * size } else { 1e10 }
        };
        let [slow, fast] = [[0.0, -2.0, 1.0, -1.0], [-2.0, -2.0, 1.0, 0.5]].map(|numbers| {
            let mut start = numbers.to_vec();
            start.resize(4 + seasons.len(), -1.5);
            start
        });
        let best = match start {
            Some(start) => minimum(start, EVALUATIONS[1], &mut loss).0,
            None => {
                let [one, other] =
                    [slow, fast].map(|start| minimum(&start, EVALUATIONS[0], &mut loss));
                if other.1 < one.1 { other.0 } else { one.0 }
            }
        };
        (Self::at(&best, trend), best)
    }

    /// The parameters at a place of the search.
    fn at(place: &[f64], trend: Trend) -> Self {
        let fraction = |number: f64| 1.0 / (1.0 + (-number).exp());
        let alpha = 0.001 + 0.998 * fraction(place[0]);
        let has_slope = matches!(trend, Trend::Damped | Trend::Linear);
        Self {
            alpha,
            beta: if has_slope { 0.5 * fraction(place[1]) } else { 0.0 },
            phi: if trend == Trend::Damped { 0.8 + 0.18 * fraction(place[2]) } else { 1.0 },
            rho: -0.3 + 1.27 * fraction(place[3]),
            gammas: place[4..]
                .iter()
                .map(|number| 0.9 * (1.0 - alpha) * fraction(*number) + 1e-4)
                .collect(),
        }
    }

    /// The state before the first row: that of a pass back over all rows.
    pub(super) fn start(&self, values: &[f64], seasons: &[usize], trend: Trend) -> Filter {
        let mut filter = Filter::first(values, seasons, trend);
        self.backcast(values, &mut filter);
        filter
    }

    fn backcast(&self, values: &[f64], filter: &mut Filter) {
        for value in values {
            filter.step(self, *value);
        }
        filter.turn();
        for value in values.iter().rev() {
            filter.step_back(self, *value);
        }
        filter.turn();
    }

    /// The sum of the squares of errors one step ahead.
    fn squares(&self, values: &[f64], first: &Filter, filter: &mut Filter) -> f64 {
        filter.clone_from(first);
        self.backcast(values, filter);
        values
            .iter()
            .map(|value| {
                let error = filter.step(self, *value);
                error * error
            })
            .sum()
    }

    /// The states before each of the rows and after the last.
    pub(super) fn states(&self, values: &[f64], mut filter: Filter) -> States {
        let mut states = States {
            states: Vec::with_capacity(values.len() + 1),
            seasons: filter.seasons.clone(),
            lengths: filter.seasons.iter().map(Vec::len).collect(),
        };
        for value in values {
            states.states.push(filter.state);
            let places = filter.places.clone();
            filter.step(self, *value);
            for ((all, season), place) in states.seasons.iter_mut().zip(&filter.seasons).zip(places)
            {
                all.push(season[place]);
            }
        }
        states.states.push(filter.state);
        states
    }

    /// The forecast without seasons.
    fn ahead(&self, [level, slope, error]: [f64; 3], step: usize) -> f64 {
        let steps = step as f64 + 1.0;
        let phi = self.phi;
        let slopes = if phi < 1.0 { phi * (1.0 - phi.powf(steps)) / (1.0 - phi) } else { steps };
        level + slopes * slope + self.rho.powi(step as i32 + 1) * error
    }

    /// Whether the numbers are in their bounds.
    pub(super) fn is_valid(&self, seasons: usize) -> bool {
        let Self { alpha, beta, phi, rho, gammas } = self;
        [alpha, beta, phi].into_iter().chain(gammas).all(|number| (0.0..=1.0).contains(number))
            && (-1.0..=1.0).contains(rho)
            && *phi > 0.0
            && gammas.len() == seasons
    }
}

impl Filter {
    /// The state before the first row, from the first rows.
    fn first(values: &[f64], seasons: &[usize], trend: Trend) -> Self {
        let mut rest = values.to_vec();
        let profiles: Vec<Vec<f64>> = seasons
            .iter()
            .map(|season| {
                let profile = profile(&rest[..rest.len().min(PROFILE * season)], *season);
                rest.iter_mut()
                    .enumerate()
                    .for_each(|(row, value)| *value -= profile[row % season]);
                profile
            })
            .collect();
        let longest = seasons.iter().copied().max().unwrap_or(0).max(FIRST);
        let first = &rest[..rest.len().min(longest)];
        let slope = match trend {
            Trend::None => 0.0,
            Trend::Theta => 0.5 * slope(&rest),
            Trend::Damped | Trend::Linear => slope(first),
        };
        let mean = first.iter().sum::<f64>() / first.len().max(1) as f64;
        let level = mean - slope * (first.len() as f64 - 1.0) / 2.0;
        Self { state: [level, slope, 0.0], places: vec![0; seasons.len()], seasons: profiles }
    }

    /// Takes a row in, and returns its error.
    pub(super) fn step(&mut self, smoothing: &Smoothing, value: f64) -> f64 {
        let error = self.update(smoothing, value);
        for (season, place) in self.seasons.iter().zip(&mut self.places) {
            *place = if *place + 1 == season.len() { 0 } else { *place + 1 };
        }
        error
    }

    /// Takes the row before in.
    fn step_back(&mut self, smoothing: &Smoothing, value: f64) {
        for (season, place) in self.seasons.iter().zip(&mut self.places) {
            *place = if *place == 0 { season.len() - 1 } else { *place - 1 };
        }
        self.update(smoothing, value);
    }

    #[inline]
    fn update(&mut self, smoothing: &Smoothing, value: f64) -> f64 {
        let [level, slope, last] = self.state;
        let slope = smoothing.phi * slope;
        let expected = smoothing.rho * last;
        let seasons = self.seasons.iter().zip(&self.places).map(|(season, place)| season[*place]);
        let error = value - level - slope - seasons.sum::<f64>() - expected;
        let gained = smoothing.alpha * error;
        self.state = [level + slope + gained, slope + smoothing.beta * gained, expected + error];
        for ((season, place), gamma) in
            self.seasons.iter_mut().zip(&self.places).zip(&smoothing.gammas)
        {
            season[*place] += gamma * error;
        }
        error
    }

    /// Turns the direction of time.
    fn turn(&mut self) {
        self.state = [self.state[0], -self.state[1], 0.0];
    }

    /// Forecasts the value a number of steps after the next row.
    pub(super) fn forecast(&self, smoothing: &Smoothing, step: usize) -> f64 {
        let seasons = self.seasons.iter().zip(&self.places);
        let deviations = seasons.map(|(season, place)| season[(place + step) % season.len()]);
        smoothing.ahead(self.state, step) + deviations.sum::<f64>()
    }
}

impl States {
    /// Forecasts the value `step` rows after `origin` from the rows before it.
    pub(super) fn forecast(&self, smoothing: &Smoothing, origin: usize, step: usize) -> f64 {
        let deviations = self.seasons.iter().zip(&self.lengths).map(|(season, length)| {
            // The last row before the origin at the same place, behind the first season.
            season[length + origin + step - length * (step / length + 1)]
        });
        smoothing.ahead(self.states[origin], step) + deviations.sum::<f64>()
    }
}

/// The slope of a straight line through values.
fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if values.len() < 4 {
        return 0.0;
    }
    let middle = (count - 1.0) / 2.0;
    let along: f64 =
        values.iter().enumerate().map(|(row, value)| (row as f64 - middle) * value).sum();
    along / (count * (count * count - 1.0) / 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(row: usize) -> f64 {
        0.1 * row as f64 + [3.0, -1.0, 0.5, -2.5][row % 4] + (row as f64 * 12.9898).sin() / 5.0
    }

    #[test]
    fn states_forecast_as_the_filter_does() {
        let values: Vec<f64> = (0..90).map(wave).collect();
        for trend in TRENDS {
            let (smoothing, _) = Smoothing::fit(&values[..60], &[4, 7], trend, None);
            assert!(smoothing.is_valid(2), "{smoothing:?}");
            let mut filter = smoothing.start(&values[..60], &[4, 7], trend);
            let states = smoothing.states(&values, filter.clone());
            for (origin, value) in values.iter().enumerate() {
                for step in [0, 3, 4, 20] {
                    let one = filter.forecast(&smoothing, step);
                    let other = states.forecast(&smoothing, origin, step);
                    assert!((one - other).abs() < 1e-12, "{trend:?} {origin} {step}");
                }
                filter.step(&smoothing, *value);
            }
        }
    }

    #[test]
    fn a_line_with_a_season_is_continued() {
        let values: Vec<f64> =
            (0..48).map(|row| 0.1 * row as f64 + [3.0, -1.0, 0.5, -2.5][row % 4]).collect();
        let (smoothing, _) = Smoothing::fit(&values, &[4], Trend::Linear, None);
        let start = smoothing.start(&values, &[4], Trend::Linear);
        let states = smoothing.states(&values, start);
        for step in 0..8 {
            let expected = 0.1 * (48 + step) as f64 + [3.0, -1.0, 0.5, -2.5][step % 4];
            let forecast = states.forecast(&smoothing, 48, step);
            assert!((forecast - expected).abs() < 0.02, "{step}: {forecast} {expected}");
        }
    }
}
