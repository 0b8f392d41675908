mod calendar;
mod ends;
mod features;
mod future;
mod gaps;
mod kinds;
mod linear;
mod panels;
mod splits;
mod transforms;

use std::{ops::Range, sync::Arc};

use burn::data::dataset::Dataset;
use jiff::{
    ToSpan,
    civil::{DateTime, date},
};

use super::*;
use crate::{DataError, ReadOptions, Scalers, Table, table::tests};

const TRANSFORMS: [Transform; 7] = [
    Transform::MinMax,
    Transform::Standard,
    Transform::Difference,
    Transform::LogReturn,
    Transform::Residual,
    Transform::LogResidual,
    Transform::AsinhResidual,
];
const NAIVES: [Naive; 6] = [
    Naive::LastValue,
    Naive::LastClose,
    Naive::Drift,
    Naive::Linear,
    Naive::Seasonal(7),
    Naive::Mean(5),
];

/// Returns daily rows, counted from 1 January 2020, with opening and closing prices.
fn table(rows: Range<usize>, open: impl Fn(usize) -> f64) -> Table {
    table_with("date,open,close", rows, open)
}

fn table_with(header: &str, rows: Range<usize>, open: impl Fn(usize) -> f64) -> Table {
    let mut content = format!("{header}\n");
    for row in rows {
        let day = date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
        content += &format!("{day},{},{}\n", open(row), open(row) + 1.0);
    }
    tests::read(content, &["open", "close"], &ReadOptions::default()).unwrap()
}

/// Returns realistic prices that never repeat.
fn wobbly(row: usize) -> f64 {
    100.0 + 10.0 * (row as f64 * 0.7).sin() + 0.1 * row as f64
}

fn open() -> Feature {
    Feature::Column("open".to_owned())
}

/// Returns windows of 4 opening prices, a horizon of 3, and sets of 8 and 10 predicted rows.
fn config() -> SeriesConfig {
    SeriesConfig::new("open".to_owned())
        .with_features(vec![open()])
        .with_window(4)
        .with_horizon(3)
        .with_transform(Transform::MinMax)
        .with_split(Split::holdout(SetSize::Rows(8), SetSize::Rows(10)))
}

/// Returns the series of a table.
fn series(table: Table, config: &SeriesConfig) -> Arc<Series> {
    config.init(table).unwrap().series.remove(0)
}

/// Returns the error of preparing a table, without the file name.
fn problem(table: Table, config: &SeriesConfig) -> String {
    without_path(&config.init(table).unwrap_err())
}

fn without_path(error: &DataError) -> String {
    error.to_string().split_once(".csv").unwrap().1.to_owned()
}
