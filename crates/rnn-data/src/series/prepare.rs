//! Preparation of a series from a table.

use std::ops::Range;

use jiff::civil::DateTime;

use super::{
    Feature, LinearForecast, Naive, SeriesConfig, SplitTimes, Subset, Transform,
    feature::positive,
    future,
    linear::{FitRows, Given, LinearRows, stride},
    split::Rows,
};
use crate::{
    DataError, Scaler, Scalers, Table,
    table::{Clock, Step, impossible_prices},
};

/// Smallest deviation of what a linear forecast leaves, as a fraction of the target's.
const SMALLEST: f64 = 1e-6;

/// One series with scaled inputs and its target.
///
/// A window is identified by its origin: the row of the first predicted value. The inputs are the
/// rows before it.
#[derive(Debug, Clone)]
pub struct Series {
    /// Name of the table.
    pub name: String,
    /// Local time of each row, `[rows]`, ascending except in the doubled hour of summer time.
    pub times: Vec<DateTime>,
    /// Values of the target, `[rows]`, in the table's units.
    pub target: Vec<f64>,
    /// Closing prices, `[rows]`, if they are not the target.
    pub close: Option<Vec<f64>>,
    /// Values of [`SeriesConfig::future`], `[columns][rows]`, in the table's units.
    ///
    /// The rows after the last one follow. A missing value is NaN.
    pub future: Vec<Vec<f64>>,
    /// Scalers of inputs and target.
    pub scalers: Scalers,
    pub(super) config: SeriesConfig,
    /// Scaled inputs, `[rows, width]`.
    pub(super) inputs: Vec<f32>,
    /// Number of inputs in a row.
    pub(super) width: usize,
    /// First row with inputs: differences need a row before.
    pub(super) first: usize,
    rows: Rows,
    pub(super) clock: Clock,
    /// Values of the whole series.
    pub(super) statics: Vec<(String, f64)>,
    /// Times of all rows and those after the last one, if columns are known in the future.
    pub(super) all_times: Vec<DateTime>,
    /// The linear forecasts, if there are any.
    pub(super) linear: Option<LinearRows>,
    pub(super) fit_rows: FitRows,
    /// Place of the first row among the steps of the calendar.
    pub(super) place: usize,
    /// Rows behind a gap that windows must not cross.
    pub(super) breaks: Vec<usize>,
}

impl Series {
    /// Prepares a table; `None` fits the scalers on the training set.
    pub(super) fn prepare(
        table: Table,
        config: &SeriesConfig,
        starts: &SplitTimes,
        scalers: Option<&Scalers>,
    ) -> Result<Self, DataError> {
        if let Some(problem) = impossible_prices(&table) {
            return Err(DataError::Prices { path: table.path, problem });
        }
        let mut config = config.clone();
        if config.features.is_empty() {
            config.features.push(Feature::Column(config.target.clone()));
        }
        config.check_future(&table)?;
        let (transform, rows) = (config.transform, table.rows());
        let close = config.close.as_deref().filter(|close| *close != config.target);
        if transform.is_logarithmic() {
            let of_naive =
                close.filter(|_| transform.is_residual() && config.naive == Naive::LastClose);
            for name in [config.target.as_str()].into_iter().chain(of_naive) {
                positive(&table, name)?;
            }
        }
        let target = table.values(&config.target);
        let set_rows = Rows::new(starts, &config.split, config.window, &table.times);
        let fit_rows = set_rows.fit_rows(config.window, &config.seasons);
        let place = place(&table.times);
        let future = future::of_table(&config, &table);
        let given = Given { target, future: &future, place, rows: fit_rows };
        let linear = match scalers.map(|scalers| &scalers.linear) {
            Some(Some(linear))
                if (linear.horizon(), linear.future()) != (config.horizon, future.len()) =>
            {
                return Err(DataError::ScalerCount {
                    path: table.path.clone(),
                    expected: config.horizon + future.len(),
                    got: linear.horizon() + linear.future(),
                });
            }
            Some(linear) => linear.clone(),
            None if transform.is_residual() && config.naive == Naive::Linear => {
                let is_log = transform == Transform::LogResidual;
                LinearForecast::fit(given, &config.seasons, config.horizon, is_log)
            }
            None => None,
        };
        let features: Vec<Feature> =
            config.features.iter().map(|feature| formed(feature, &config)).collect();
        let columns =
            features.iter().map(|feature| feature.values(&table)).collect::<Result<Vec<_>, _>>()?;
        let width = columns.iter().map(Vec::len).sum();
        let forecasts = linear.as_ref().map(|linear| {
            let first = linear.look_back().min(set_rows.of(Subset::Train).end / 2);
            LinearRows::new(linear, given, first)
        });
        let before = forecasts.as_ref().map_or(0, LinearRows::first).saturating_sub(config.window);
        let mut series = Self {
            name: table.name(),
            times: table.times.clone(),
            target: table.values(&config.target).to_vec(),
            close: close.map(|close| table.values(close).to_vec()),
            future,
            statics: table.statics.clone(),
            all_times: match config.future.is_empty() {
                true => Vec::new(),
                false => [&table.times, table.later_times()].concat(),
            },
            linear: forecasts,
            fit_rows,
            place,
            scalers: Scalers { inputs: Vec::new(), target: Scaler::Identity, linear },
            inputs: Vec::with_capacity(rows * width),
            width,
            first: features.iter().map(Feature::look_back).max().unwrap_or(0).max(before),
            rows: set_rows,
            clock: table.clock.clone(),
            breaks: table.breaks.clone(),
            config,
        };
        if transform == Transform::LogResidual {
            series.check_forecasts(&table)?;
        }
        series.scalers = match scalers {
            Some(scalers) if scalers.inputs.len() != width => {
                return Err(DataError::ScalerCount {
                    path: table.path.clone(),
                    expected: width,
                    got: scalers.inputs.len(),
                });
            }
            Some(scalers) => scalers.clone(),
            None => series.fit(&table, &features, &columns)?,
        };
        for row in 0..rows {
            series.push_inputs(columns.iter().flatten().map(|values| values[row]));
        }
        Ok(series)
    }

    /// Checks that the naive forecasts have a logarithm.
    ///
    /// The line of [`Naive::Drift`] can fall below 0, and is lowest at its end.
    fn check_forecasts(&self, table: &Table) -> Result<(), DataError> {
        for origin in self.first_origin()..=table.rows() {
            let value = self.config.naive.forecast(self, origin, self.config.horizon - 1);
            if value <= 0.0 {
                let (path, place, column) =
                    (table.path.clone(), table.place(origin - 1), self.config.target.clone());
                return Err(DataError::Logarithm { path, place, column, value });
            }
        }
        Ok(())
    }

    fn fit(
        &self,
        table: &Table,
        features: &[Feature],
        columns: &[Vec<Vec<f64>>],
    ) -> Result<Scalers, DataError> {
        let (config, train) = (&self.config, self.first..self.rows(Subset::Train).end);
        let needed = self.first + config.window + config.horizon;
        if train.end < needed {
            let why = format!(
                "the training set has {} and needs {needed}: a window of {}, a horizon of {}{}",
                train.end,
                config.window,
                config.horizon,
                match self.first {
                    0 => String::new(),
                    1 => " and the row before".to_owned(),
                    rows => format!(" and the {rows} rows before"),
                }
            );
            let rows = table.rows();
            return Err(DataError::TooFewRows {
                path: table.path.clone(),
                rows,
                needed: needed + rows - train.end,
                why,
            });
        }
        if self.origins(Subset::Train).len() == 0 {
            let problem = format!(
                "every window of {} rows in the training set crosses a gap (set `max-gap` to a \
                 longer one, set `fill`, or choose a smaller window)",
                config.window
            );
            return Err(DataError::Split { path: table.path.clone(), problem });
        }
        let context = |what: &str| format!("{}, {what}", table.path.display());
        let transform = config.transform;
        let values = || self.target[train.clone()].iter().copied();
        // A linear forecast of a line leaves nothing, and its changes are constant.
        let is_linear = transform.is_residual() && config.naive == Naive::Linear;
        let of_target = context(&format!("column `{}`", config.target));
        let smallest = match Scaler::standard(values(), &of_target) {
            Err(error) if is_linear => return Err(error),
            _ if transform == Transform::AsinhResidual => 1.0,
            Ok(Scaler::Standard { deviation, .. }) if !self.is_logarithmic() => deviation,
            _ => 1.0,
        };
        let smallest = SMALLEST * smallest;
        let mut inputs = Vec::with_capacity(self.width);
        for (feature, columns) in features.iter().zip(columns) {
            let context = match feature {
                Feature::Column(name) => context(&format!("column `{name}`")),
                other => context(&format!("feature `{other}`")),
            };
            for values in columns {
                let values = values[train.clone()].iter().copied();
                inputs.push(match feature {
                    _ if feature.is_unscaled() => Scaler::Identity,
                    Feature::Lead(..) | Feature::Level(_) if config.is_known(feature) => {
                        future::scaler(values)
                    }
                    Feature::Column(_) if transform == Transform::MinMax => {
                        Scaler::min_max(values, &context)?
                    }
                    _ => match Scaler::standard(values.clone(), &context) {
                        Err(_) if is_linear && feature.columns() == [&config.target] => {
                            Scaler::Standard { mean: values.take(1).sum(), deviation: 1.0 }
                        }
                        scaler => scaler?,
                    },
                });
            }
        }
        let form = if transform.is_relative() { format!("{transform} of ") } else { String::new() };
        let context = context(&format!("{form}column `{}`", config.target));
        let target = match transform {
            Transform::MinMax => Scaler::min_max(values(), &context)?,
            Transform::Standard => Scaler::standard(values(), &context)?,
            Transform::Difference | Transform::LogReturn => Scaler::standard(
                train.skip(1).map(|row| transform.forward(self, row, 0)),
                &context,
            )?,
            Transform::Residual | Transform::LogResidual | Transform::AsinhResidual => {
                let steps = |origin| {
                    (0..config.horizon).map(move |step| transform.forward(self, origin, step))
                };
                let residuals = self.origins(Subset::Train).flat_map(steps);
                match Scaler::standard_around(0.0, residuals, &context) {
                    Ok(Scaler::Standard { mean, deviation }) if is_linear => {
                        Scaler::Standard { mean, deviation: deviation.max(smallest) }
                    }
                    Err(_) if is_linear => Scaler::Standard { mean: 0.0, deviation: smallest },
                    scaler => scaler?,
                }
            }
        };
        Ok(Scalers { inputs, target, linear: self.scalers.linear.clone() })
    }

    /// Returns the linear forecast of a row, if one is fitted and has enough rows.
    pub(super) fn linear_forecast(&self, origin: usize, step: usize) -> Option<f64> {
        let season = self.config.seasons.first().copied().unwrap_or(1);
        self.linear.as_ref()?.forecast(origin, step, season)
    }

    /// Scales and appends the inputs of a row.
    ///
    /// A value that is not known in the future is 0: the mean of its column, or no flag.
    pub(super) fn push_inputs(&mut self, numbers: impl Iterator<Item = f64>) {
        let scaled = numbers.zip(&self.scalers.inputs).map(|(number, scaler)| {
            if number.is_nan() { 0.0 } else { scaler.transform(number) as f32 }
        });
        self.inputs.extend(scaled);
    }

    /// Returns whether the transform takes logarithms.
    pub fn is_logarithmic(&self) -> bool {
        self.config.transform.is_logarithmic()
    }

    /// Returns the number of predicted rows.
    pub fn horizon(&self) -> usize {
        self.config.horizon
    }

    /// Returns the number of inputs in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the scaled inputs of a range of rows, `[rows, width]`.
    pub(super) fn inputs(&self, rows: Range<usize>) -> &[f32] {
        &self.inputs[rows.start * self.width..rows.end * self.width]
    }

    /// Returns the smallest stride from `least` on that reaches all places of each season.
    pub fn stride(&self, least: usize) -> usize {
        stride(least, &self.config.seasons)
    }

    /// Returns the first origin with a full window before it.
    pub fn first_origin(&self) -> usize {
        self.first + self.config.window
    }

    /// Returns the rows of a set.
    pub fn rows(&self, subset: Subset) -> Range<usize> {
        self.rows.of(subset)
    }
}

/// Returns the number of steps of the calendar before the first row.
pub(super) fn place(times: &[DateTime]) -> usize {
    // A Monday.
    const START: DateTime = DateTime::constant(1900, 1, 1, 0, 0, 0, 0);
    let step = Step::find(&times[times.len().saturating_sub(250)..]);
    times.first().map_or(0, |first| step.missing(START, *first) as usize)
}

/// Returns a feature with the target's transform applied to columns.
pub(super) fn formed(feature: &Feature, config: &SeriesConfig) -> Feature {
    let transform = config.transform;
    match feature {
        Feature::Column(name) if transform.is_relative() && transform.is_logarithmic() => {
            Feature::LogReturn(name.clone())
        }
        Feature::Column(name) if transform == Transform::AsinhResidual => {
            Feature::AsinhDifference(name.clone())
        }
        Feature::Column(name) if transform.is_relative() => Feature::Difference(name.clone()),
        other => other.clone(),
    }
}
