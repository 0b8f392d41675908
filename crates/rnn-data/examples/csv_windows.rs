//! Creates windows of a CSV file and prints the shapes of the first batch.
//!
//! `cargo run -p rnn-data --example csv_windows [FILE.csv]`; the default is the embedded sample.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::{env, error::Error, path::Path};

use burn::data::dataset::Dataset;
use rnn_data::{
    CsvFile, DataError, EpochLoaderBuilder, Feature, ReadOptions, SeriesConfig, Subset, Transform,
    WindowBatcher,
};

#[allow(clippy::disallowed_methods, reason = "an example reads its argument")]
fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1);
    show(path.as_deref().map(Path::new))
}

fn show(path: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let file = path.map_or_else(|| CsvFile::sample(None), |path| CsvFile::open(path, None))?;
    let columns = file.columns();
    println!(
        "{}: dates in {:?}, numbers in {:?}",
        columns.path().display(),
        columns.date_column(),
        columns.measurements()
    );

    let target = columns
        .likely_target()
        .or(columns.measurements().first().copied())
        .ok_or_else(|| DataError::NoNumbers { path: columns.path().to_owned() })?;
    let config = SeriesConfig::new(target.into())
        .with_features(vec![Feature::Column(target.into()), Feature::parse("weekday", columns)?])
        .with_window(20)
        .with_horizon(5)
        .with_transform(Transform::Residual);
    let panel = config.init(file.read(&config.columns(), &ReadOptions::default())?)?;
    let counts =
        [Subset::Train, Subset::Valid, Subset::Test].map(|subset| panel.windows(subset).len());
    println!("windows of `{target}` in training, validation and test set: {counts:?}");

    let train = EpochLoaderBuilder::new(WindowBatcher)
        .batch_size(32)
        .shuffle(42)
        .build(panel.windows(Subset::Train));
    let batch = train.iter().next().ok_or("the training set has no window")??;
    println!("first batch: windows {:?}, targets {:?}", batch.windows.dims(), batch.targets.dims());
    Ok(())
}

#[test]
fn the_example_runs_on_the_sample_and_on_a_file() {
    show(None).unwrap();
    let sample =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/synthetic-daily-bars.csv");
    show(Some(&sample)).unwrap();
    assert!(show(Some(Path::new("no-such-file.csv"))).is_err());
}
