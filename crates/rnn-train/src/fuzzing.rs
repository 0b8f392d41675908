//! All parsers of external input, on bytes. They serve the fuzz targets and the tests of their
//! corpora; they are not part of the public interface.
//!
//! Each function processes its bytes like the command processes a file or a server's answer,
//! without further files. It returns the error of the command, with its place.

use std::path::Path;

use burn::{
    data::dataset::Dataset,
    lr_scheduler::{LrScheduler, LrSchedulerRecord},
    module::Module,
    optim::OptimizerRecord,
    store::{ModuleRecord, ModuleSnapshot, SafetensorsStore},
    tensor::{Bytes, Device},
};
use rnn_data::{
    BadSeries, CsvFile, CsvOptions, Decimal, Feature, Fill, MaxGap, ReadOptions, SeriesConfig,
    SetSize, Split, StaticValues, Subset, Transform,
};
use rnn_fetch::{Provider, fuzzing as fetch};
use rnn_files::decode_text;
use rnn_models::{Cell, SeriesModel, SeriesModelConfig};

use crate::{
    error::{Error, Result},
    evaluation::SeriesEvaluation,
    run::{self, RunConfig, read_config},
    search::{Point, Search, Space},
    settings::{
        Experiment, OptionList, Options, RateSchedule, RateSettings, SeriesLoss, SeriesSettings,
        Span, TaskRecipe, TrainSettings, parse_settings,
    },
    task::WithLoss,
    training::{fits_an_optimizer, read_manifest, read_record},
};

/// A parser of bytes.
pub type Reader = fn(&[u8]) -> Result<()>;

/// The parsers by the name of their fuzz target and corpus.
pub const READERS: [(&str, Reader); 11] = [
    ("csv", csv),
    ("toml", toml),
    ("json", json),
    ("manifest", manifest),
    ("metrics", metrics),
    ("tencent", tencent),
    ("ratio", ratio),
    ("eastmoney", eastmoney),
    ("yahoo", yahoo),
    ("checkpoint", checkpoint),
    ("safetensors", safetensors),
];

/// Most columns read from a table; further columns add no coverage.
const COLUMNS: usize = 8;

fn path() -> &'static Path {
    Path::new("bytes")
}

fn artifact(problem: String) -> Error {
    Error::Artifact { path: path().to_owned(), problem }
}

fn text(bytes: &[u8]) -> Result<String> {
    decode_text(bytes.to_vec()).map_err(|error| artifact(error.to_string()))
}

/// Parses a CSV table and builds series from it. It may also be one of values of whole series.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn csv(bytes: &[u8]) -> Result<()> {
    // Any file can also be read without a header, or in another encoding.
    for (no_header, encoding) in [(true, "gb18030"), (true, "utf-16le"), (false, "windows-1252")] {
        let (encoding, decimal) = (encoding.parse().ok(), Some(Decimal::Comma));
        let options = CsvOptions { encoding, decimal, no_header, ..CsvOptions::default() };
        let _ = options.open_bytes(path(), bytes).map_err(Error::from).and_then(series);
    }
    let _ = StaticValues::from_bytes(path(), bytes, None, &CsvOptions::default());
    series(CsvFile::from_bytes(path(), bytes, None)?)
}

/// Builds series from a table.
fn series(file: CsvFile) -> Result<()> {
    let columns = file.columns();
    let Some(target) = columns.likely_target().or(columns.measurements().last().copied()) else {
        return Err(rnn_data::DataError::NoNumbers { path: path().to_owned() }.into());
    };
    let mut columns = file.columns().measurements();
    columns.truncate(COLUMNS);
    let features = columns.iter().map(|column| Feature::Column((*column).to_owned()));
    let mut config = SeriesConfig::new(target.to_owned())
        .with_close(file.columns().resolve("close").ok().map(str::to_owned))
        .with_features(
            features.chain([Feature::Weekday, Feature::Difference(target.to_owned())]).collect(),
        )
        .with_window(2)
        .with_split(Split::holdout(SetSize::Rows(1), SetSize::Rows(1)));
    let limits = [(Transform::MinMax, None), (Transform::LogResidual, Some(MaxGap::Steps(3)))];
    for (transform, max_gap) in limits {
        config.transform = transform;
        let mut rows = ReadOptions { fill: Fill::Linear, max_gap, ..ReadOptions::default() };
        if max_gap.is_some() {
            // The last column is known in the future, unless it is the target.
            let mut known = columns.iter().filter(|column| **column != target);
            rows.future =
                known.next_back().map(|column| (*column).to_owned()).into_iter().collect();
            config.future.clone_from(&rows.future);
        }
        let tables = file.read_series(&config.columns(), &rows)?;
        let tables = tables.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
        let panel = config.init_many(path(), tables, BadSeries::Skip)?;
        drop(panel.windows(Subset::Train).get(0));
        drop((panel.series[0].next_times(3), panel.series[0].check_future(3)));
    }
    Ok(())
}

/// Parses a settings file or a search space.
///
/// # Errors
///
/// If the bytes are neither; describes the problem as a settings file.
pub fn toml(bytes: &[u8]) -> Result<()> {
    let space = space(bytes);
    settings(bytes).or_else(|error| space.map_err(|_| error))
}

/// Parses settings and resolves them for a letters and a time-series experiment.
fn settings(bytes: &[u8]) -> Result<()> {
    let problem = |problem: String| Error::Settings { path: path().to_owned(), problem };
    let options = parse_settings::<Options>(&text(bytes)?).map_err(problem)?;
    options.as_flags()?;
    resolve(&options)
}

fn resolve(options: &Options) -> Result<()> {
    for name in ["letters-onehot-4", "stock-gap"] {
        let experiment: Experiment = name.parse().map_err(Error::Internal)?;
        let options = options.clone().over(experiment.options());
        TrainSettings::new(options.clone(), &experiment.options())?;
        if let TaskRecipe::Series = experiment.task() {
            SeriesSettings::new(&options, &experiment.options())?;
        }
    }
    Ok(())
}

/// Parses a search space and draws points from it.
fn space(bytes: &[u8]) -> Result<()> {
    let space = Space::parse(&text(bytes)?)
        .map_err(|problem| Error::Settings { path: path().to_owned(), problem })?;
    space.check(path(), resolve)?;
    space.random(1, 3, &Point::new(), |_| Ok(()));
    space.fingerprint();
    Ok(())
}

/// Parses `config.json`, `evaluation.json`, `search.json` or the sidecar of a fetched file.
///
/// # Errors
///
/// If the bytes are none of them; describes the problem as a `config.json`.
pub fn json(bytes: &[u8]) -> Result<()> {
    let text = text(bytes)?;
    let others = [
        parsed::<SeriesEvaluation>(&text),
        parsed::<Search>(&text),
        fetch::read_sidecar(path(), &text).map_err(Error::from),
    ];
    // Retried without the checksum, since random edits never pass it.
    let config = read_config(path(), &text)
        .or_else(|error| serde_json::from_str::<RunConfig>(&text).map_err(|_| error));
    let config = config.and_then(|config| resolve(&config.options));
    config.or_else(|error| if others.iter().any(Result::is_ok) { Ok(()) } else { Err(error) })
}

/// Parses `manifest.json`.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn manifest(bytes: &[u8]) -> Result<()> {
    read_manifest(&text(bytes)?).map_err(artifact)
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<()> {
    serde_json::from_str::<T>(text).map(drop).map_err(|error| artifact(error.to_string()))
}

/// Parses `metrics.csv`.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn metrics(bytes: &[u8]) -> Result<()> {
    run::parse_metrics(&text(bytes)?).map(drop).map_err(artifact)
}

/// Parses an answer of Tencent.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn tencent(bytes: &[u8]) -> Result<()> {
    Ok(fetch::read_answer(Provider::Tencent, bytes)?)
}

/// Computes prices from two answers of Tencent, each on a line.
///
/// # Errors
///
/// If the bytes are malformed, or the prices do not fit each other.
pub fn ratio(bytes: &[u8]) -> Result<()> {
    Ok(fetch::read_two_answers(bytes)?)
}

/// Parses an answer of Eastmoney.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn eastmoney(bytes: &[u8]) -> Result<()> {
    Ok(fetch::read_answer(Provider::Eastmoney, bytes)?)
}

/// Parses an answer of Yahoo.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn yahoo(bytes: &[u8]) -> Result<()> {
    Ok(fetch::read_answer(Provider::Yahoo, bytes)?)
}

thread_local! {
    // Kept per thread: initialising weights takes longer than reading them.
    static TRAINEE: WithLoss<SeriesModel> = new_trainee().no_grad();
}

/// The model whose weights the corpora contain.
fn model() -> WithLoss<SeriesModel> {
    TRAINEE.with(Clone::clone)
}

fn new_trainee() -> WithLoss<SeriesModel> {
    WithLoss {
        model: SeriesModelConfig::new(Cell::Lstm).with_units(vec![2]).init(&Device::flex()),
        loss: SeriesLoss::default(),
    }
}

/// Parses the bytes as each of the three records of a checkpoint.
///
/// # Errors
///
/// If the bytes are no model record.
pub fn checkpoint(bytes: &[u8]) -> Result<()> {
    let unreadable = |error: burn::store::RecordError| artifact(error.to_string());
    let bytes = || Bytes::from_bytes_vec(bytes.to_vec());
    if let Ok(optimizer) = read_record(|| OptimizerRecord::from_bytes(bytes())) {
        drop(fits_an_optimizer(optimizer));
    }
    if let Ok(scheduler) = read_record(|| LrSchedulerRecord::from_bytes(bytes())) {
        let rate = RateSettings {
            rate: 0.1,
            schedule: RateSchedule::Cosine { restart: Some(2) },
            warmup: 1.0,
        };
        let mut built = rate.build(Span { first_epoch: 1, last_epoch: 9, steps_per_epoch: 3 })?.0;
        drop(read_record(|| {
            built.load_record(scheduler);
            Ok(built.step())
        }));
    }
    let record = read_record(|| ModuleRecord::from_bytes(bytes())).map_err(unreadable)?;
    read_record(|| model().try_load_record(record)).map(drop).map_err(unreadable)
}

/// Parses the exported weights of a model (safetensors), as programs do with Burn's store.
///
/// # Errors
///
/// If the bytes are malformed.
pub fn safetensors(bytes: &[u8]) -> Result<()> {
    let mut store = SafetensorsStore::from_bytes(Some(bytes.to_vec())).skip_enum_variants(true);
    model().model.load_from(&mut store).map(drop).map_err(|error| artifact(error.to_string()))
}
