//! `predictions.csv`.

use rnn_data::moment;

use crate::{
    Error, Result,
    evaluation::{Prediction, SeriesEvaluation},
};

/// The predicted values of the test part as CSV: date, actual and predicted value; the series' name where there are several, the step where there are
/// several, the interval where there is one.
pub(super) fn predictions(evaluation: &SeriesEvaluation, series: &[String]) -> Result<Vec<u8>> {
    let (many, steps, interval) = (series.len() > 1, evaluation.horizon > 1, evaluation.interval.is_some());
    let optional = |shown: bool, columns: &[&'static str]| if shown { columns.to_vec() } else { Vec::new() };
    let header = [
        optional(many, &["series"]),
        vec!["date"],
        optional(steps, &["step"]),
        vec!["actual", "predicted"],
        optional(interval, &["lower", "upper"]),
    ];
    rows(&header.concat(), &evaluation.predictions, |prediction| {
        let Prediction { series: index, time, step, actual, predicted, interval } = prediction;
        let mut row = Vec::new();
        if many {
            row.push(series[*index].clone());
        }
        row.push(moment(*time));
        if steps {
            row.push(step.to_string());
        }
        row.extend([actual.to_string(), predicted.to_string()]);
        row.extend(interval.iter().flatten().map(f64::to_string));
        row
    })
}

/// A CSV file of a header and a row for each item.
pub(super) fn rows<T>(header: &[&str], items: &[T], row: impl Fn(&T) -> Vec<String>) -> Result<Vec<u8>> {
    let internal = |error: String| Error::Internal(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(|error| internal(error.to_string()))?;
    for item in items {
        writer.write_record(row(item)).map_err(|error| internal(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| internal(error.to_string()))
}
