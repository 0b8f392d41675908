//! Writes `predictions.csv` row by row, since it may be larger than the data.

use std::io::Write;

use jiff::civil::DateTime;
use rnn_data::format_time;

use crate::{
    error::{Error, Result},
    run::PREDICTIONS,
};

/// Writes predictions as CSV: date, actual and predicted value.
///
/// Columns for series, step, interval and quantiles are added if there are several or any.
pub(crate) struct PredictionRows<'a> {
    writer: csv::Writer<&'a mut dyn Write>,
    series: &'a [String],
    steps: bool,
}

impl<'a> PredictionRows<'a> {
    /// Writes the header.
    pub(crate) fn new(
        out: &'a mut dyn Write,
        series: &'a [String],
        steps: bool,
        interval: bool,
        quantiles: &[f64],
    ) -> Result<Self> {
        let several = series.len() > 1;
        let columns = [("series", several), ("date", true), ("step", steps), ("actual", true)]
            .into_iter()
            .chain([("predicted", true), ("lower", interval), ("upper", interval)]);
        let header = columns.filter(|(_, shown)| *shown).map(|(name, _)| name.to_owned());
        let header = header.chain(quantiles.iter().map(|quantile| format!("q{quantile}")));
        let mut rows = Self { writer: csv::Writer::from_writer(out), series, steps };
        rows.writer.write_record(header).map_err(|error| failed(&error))?;
        Ok(rows)
    }

    /// Writes a row.
    pub(crate) fn write(&mut self, prediction: &Prediction) -> Result<()> {
        let Prediction { series, time, step, actual, predicted, interval, quantiles } = prediction;
        let mut row = Vec::with_capacity(7);
        if self.series.len() > 1 {
            row.push(self.series[*series].clone());
        }
        row.push(format_time(*time));
        if self.steps {
            row.push(step.to_string());
        }
        row.extend([actual.to_string(), predicted.to_string()]);
        row.extend(interval.iter().flatten().chain(quantiles).map(f64::to_string));
        self.writer.write_record(row).map_err(|error| failed(&error))
    }

    /// Flushes the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(|source| Error::Write { path: PREDICTIONS.into(), source })
    }
}

fn failed(error: &csv::Error) -> Error {
    Error::Write { path: PREDICTIONS.into(), source: std::io::Error::other(error.to_string()) }
}

/// A predicted value.
#[derive(Debug, Clone)]
pub(crate) struct Prediction {
    /// Index of the series.
    pub(crate) series: usize,
    pub(crate) time: DateTime,
    /// Steps ahead; 1 is the row after the window.
    pub(crate) step: usize,
    pub(crate) actual: f64,
    pub(crate) predicted: f64,
    /// Lower and upper bound of the interval.
    pub(crate) interval: Option<[f64; 2]>,
    /// All quantiles, rising; empty for intervals without them.
    pub(crate) quantiles: Vec<f64>,
}

/// A prediction of a fold, for the plot.
#[derive(Debug)]
pub(crate) struct FoldPrediction {
    pub(crate) fold: usize,
    pub(crate) time: DateTime,
    pub(crate) actual: f64,
    pub(crate) predicted: f64,
    /// Lower and upper bound of the interval.
    pub(crate) interval: Option<[f64; 2]>,
}
