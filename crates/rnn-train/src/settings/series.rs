//! Checked options of a time-series task.

use std::path::PathBuf;

use rnn_data::{CsvOptions, Fill, Naive, ReadOptions, Split, Subset, Transform};
use rnn_models::Cell;

use super::{
    options::Options,
    typed::{Setting, Typed, set},
    values::{LevelShifts, Loss, Purge, ScoredSet, SplitName},
};
use crate::error::{Error, Result};

/// The resolved settings of a time-series task.
#[derive(Debug, Clone)]
pub(crate) struct SeriesSettings {
    pub(crate) read: ReadSettings,
    /// The target column; none: guessed from the header.
    pub(crate) target: Option<Named<String>>,
    pub(crate) features: Option<Named<Vec<String>>>,
    pub(crate) level_shifts: LevelShifts,
    /// None if it follows from the data.
    pub(crate) window: Option<usize>,
    pub(crate) horizon: usize,
    pub(crate) transform: Transform,
    pub(crate) naive: Naive,
    /// None if they are to be found.
    pub(crate) seasons: Option<Vec<usize>>,
    pub(crate) split: Split,
    pub(crate) cell: Cell,
    pub(crate) units: Vec<usize>,
    pub(crate) dropout: f64,
    pub(crate) loss: SeriesLoss,
    pub(crate) samples: Option<usize>,
    /// The set to score.
    pub(crate) score: Subset,
    /// Level of conformal intervals.
    pub(crate) interval: Option<f64>,
}

/// The loss of a time-series model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesLoss {
    pub(crate) name: Loss,
    /// Rising quantiles with 0.5; empty for other losses.
    pub(crate) quantiles: Vec<f64>,
}

/// A setting, and whether it comes from the recipe. Missing features of the recipe are replaced by
/// defaults.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    pub(crate) value: T,
    pub(crate) of_recipe: bool,
}

/// Settings of reading files.
#[derive(Debug, Clone)]
pub(crate) struct ReadSettings {
    pub(crate) path: Option<PathBuf>,
    /// File of the rows after the last one.
    pub(crate) future: Option<PathBuf>,
    /// File of the values of whole series.
    pub(crate) statics: Option<PathBuf>,
    pub(crate) csv: CsvOptions,
    pub(crate) skip_bad: bool,
    pub(crate) rows: ReadOptions,
}

impl SeriesSettings {
    /// Checks layered options, the lowest of which are the recipe's.
    ///
    /// # Errors
    ///
    /// If options contradict each other.
    pub(crate) fn new(options: &Options, recipe: &Options) -> Result<Self> {
        let split = match set(options.split, "split")? {
            SplitName::Course
                if options
                    .purge
                    .is_some_and(|Typed(Purge(purge))| purge.is_some_and(|rows| rows > 0)) =>
            {
                return Err(Error::Usage(
                    "--purge: the `course` split has no gap between its sets (use --split holdout)"
                        .to_owned(),
                ));
            }
            SplitName::Course => Split::Course,
            SplitName::Holdout => Split::Holdout {
                valid: set(options.valid, "valid")?,
                test: set(options.test, "test")?,
                purge: set(options.purge, "purge")?,
            },
        };
        // The interval of the recipe belongs to the recipe's own split.
        let interval = options
            .interval
            .filter(|_| split != Split::Course || options.interval != recipe.interval)
            .and_then(Setting::value);
        if split == Split::Course && interval.is_some() {
            return Err(Error::Usage(NO_INTERVALS.to_owned()));
        }
        let score = match set(options.score, "score")? {
            ScoredSet::Valid if split == Split::Course => {
                let problem = "--score valid: the `course` split has no separate validation set \
                               (use --split holdout)";
                return Err(Error::Usage(problem.to_owned()));
            }
            ScoredSet::Valid => Subset::Valid,
            ScoredSet::Test => Subset::Test,
        };
        let transform = set(options.transform, "transform")?;
        let horizon = set(options.horizon, "horizon")?;
        let loss = SeriesLoss::new(options, recipe)?;
        if !transform.is_residual() && options.naive != recipe.naive {
            let problem = "--naive: only residuals are differences from a naive forecast (use \
                           --transform residual, log-residual or asinh-residual)";
            return Err(Error::Usage(problem.to_owned()));
        }
        if loss.name == Loss::Quantile {
            if options.interval != recipe.interval && interval.is_some() {
                let problem = "--interval: the quantile loss takes its intervals from the outer \
                               quantiles (use --quantiles)";
                return Err(Error::Usage(problem.to_owned()));
            }
            if horizon > 1 && matches!(transform, Transform::Difference | Transform::LogReturn) {
                return Err(Error::Usage(format!(
                    "--loss quantile: quantiles of changes do not add up over {horizon} steps (use \
                     --transform residual or log-residual)"
                )));
            }
        }
        // On the set of their calibration, intervals have the right coverage by construction.
        let interval = interval.filter(|_| loss.quantiles.is_empty() && score == Subset::Test);
        if options.future_data.is_some() && options.future.as_ref().is_none_or(Vec::is_empty) {
            return Err(Error::Usage(NO_FUTURE.to_owned()));
        }
        let units: Vec<usize> = set(options.units.clone(), "units")?;
        if let Some(large) = units.iter().find(|units| **units > MOST_UNITS) {
            return Err(Error::Usage(format!(
                "--units {large}: a layer has at most {MOST_UNITS} hidden units"
            )));
        }
        if units.is_empty() || options.features.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::Usage(
                "--units, --features: a model needs at least one recurrent layer and one feature"
                    .to_owned(),
            ));
        }
        Ok(Self {
            read: ReadSettings {
                path: options.data.clone(),
                future: options.future_data.clone(),
                statics: options.static_data.clone(),
                csv: CsvOptions {
                    date_column: options.date_column.clone(),
                    series_column: options.series_column.clone(),
                    encoding: options.encoding.map(Setting::value),
                    decimal: options.decimal.map(Setting::value),
                    no_header: options.no_header.unwrap_or(false),
                },
                skip_bad: set(options.skip_bad, "skip_bad")?,
                rows: ReadOptions {
                    date_format: options.date_format.clone(),
                    fill: options.fill.map_or(Fill::None, Setting::value),
                    max_gap: options.max_gap.map(Setting::value),
                    from: options.from.map(Setting::value),
                    until: options.until.map(|time| end_of(time.value())),
                    future: options.future.clone().unwrap_or_default(),
                },
            },
            target: named(&options.target, &recipe.target),
            features: named(&options.features, &recipe.features),
            level_shifts: options.level_shifts.map_or_else(LevelShifts::default, Setting::value),
            window: options.window.map(Setting::value),
            horizon,
            transform,
            naive: set(options.naive, "naive")?,
            seasons: set(options.season, "season")?.lengths(),
            split,
            cell: set(options.cell, "cell")?,
            units,
            dropout: set(options.dropout, "dropout")?,
            loss,
            samples: options.samples.filter(|samples| *samples > 0),
            score,
            interval,
        })
    }

    /// Whether intervals come from out-of-fold errors of a linear forecast.
    pub(crate) fn is_adaptive(&self) -> bool {
        self.interval.is_some() && self.transform.is_residual() && self.naive == Naive::Linear
    }

    /// The quantiles of the forecasts, rising; empty if there are none.
    ///
    /// Adaptive intervals lie between the outer two.
    pub(crate) fn quantiles(&self) -> Vec<f64> {
        let Some(level) = self.interval.filter(|_| self.is_adaptive()) else {
            return self.loss.quantiles.clone();
        };
        // Without the error of the subtraction.
        let rounded = |quantile: f64| (quantile * 1e9).round() / 1e9;
        let outer = rounded(0.5 - level / 2.0).max(1e-9);
        let inner = [0.25, 0.5, 0.75].into_iter();
        let inner = inner.filter(|quantile: &f64| (outer - 0.5).abs() > (quantile - 0.5).abs());
        [outer].into_iter().chain(inner).chain([rounded(1.0 - outer)]).collect()
    }

    /// Level of the intervals, if any.
    pub(crate) fn level(&self) -> Option<f64> {
        self.loss.level().or(self.interval)
    }
}

impl SeriesLoss {
    fn new(options: &Options, recipe: &Options) -> Result<Self> {
        let name = set(options.loss, "loss")?;
        if name != Loss::Quantile {
            if options.quantiles != recipe.quantiles {
                let problem = "--quantiles: only the quantile loss has quantiles (use --loss \
                               quantile)";
                return Err(Error::Usage(problem.to_owned()));
            }
            return Ok(Self { name, quantiles: Vec::new() });
        }
        let quantiles: Vec<f64> = set(options.quantiles.clone(), "quantiles")?;
        let rise = quantiles.windows(2).all(|pair| pair[0] < pair[1]);
        if !rise || quantiles.len() < 2 || !quantiles.contains(&0.5) {
            let got: Vec<String> = quantiles.iter().map(f64::to_string).collect();
            let problem = format!(
                "--quantiles: expected rising values including 0.5, like 0.05,0.5,0.95, got {}",
                got.join(",")
            );
            return Err(Error::Usage(problem));
        }
        Ok(Self { name, quantiles })
    }

    /// Index of the model output that is the forecast.
    pub(crate) fn forecast(&self) -> usize {
        self.quantiles.iter().position(|quantile| *quantile == 0.5).unwrap_or(0)
    }

    /// Nominal fraction of the values between the outer quantiles.
    pub(crate) fn level(&self) -> Option<f64> {
        Some(self.quantiles.last()? - self.quantiles.first()?)
    }
}

/// Error of an interval with the `course` split.
pub(super) const NO_INTERVALS: &str = "prediction intervals need a validation set; the `course` \
                                       split has none (use --split holdout)";

/// Error of rows after the last one without columns.
const NO_FUTURE: &str = "--future-data: no column is known in the future (use --future to name \
                         the columns, when the model is trained)";

/// Most hidden units of a layer: its weights, gradients and moments take about seven gigabytes.
const MOST_UNITS: usize = 10_000;

/// The end of the day for a date without a time.
fn end_of(time: jiff::civil::DateTime) -> jiff::civil::DateTime {
    let midnight = time.time() == jiff::civil::Time::midnight();
    if midnight { time.date().to_datetime(jiff::civil::Time::MAX) } else { time }
}

fn named<T: Clone + PartialEq>(value: &Option<T>, of_recipe: &Option<T>) -> Option<Named<T>> {
    value.clone().map(|value| Named { of_recipe: of_recipe.as_ref() == Some(&value), value })
}
