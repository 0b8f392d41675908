//! Benches of windows over many series: speed of reading and cutting, and memory.
//!
//! The series are synthetic. They are written to `PANEL_FOLDER` if missing: `PANEL_SERIES` series
//! of `PANEL_ROWS` rows each, by default 100 of 500. Set `RAYON_NUM_THREADS=1` to cut on one core.

use std::{
    cell::OnceCell,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    hint::black_box,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput};
use jiff::{ToSpan, civil::date};
use rnn_data::{
    BadSeries, CsvFile, EpochLoaderBuilder, Feature, Naive, Panel, ReadOptions, SeriesConfig,
    SetSize, Split, Subset, Transform, WindowBatcher, csv_files,
};

const WINDOW: usize = 60;
const BATCH: usize = 256;
const FEATURES: [(&str, &[&str]); 2] =
    [("open", &["open"]), ("six features", &["open", "high", "low", "close", "volume", "gap"])];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = env::var_os("PANEL_FOLDER")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("panel"), PathBuf::from);
    let number = |name: &str, otherwise| {
        env::var(name).map_or(Ok(otherwise), |value| value.parse::<usize>())
    };
    let (series, rows) = (number("PANEL_SERIES", 100)?, number("PANEL_ROWS", 500)?);
    if !folder.exists() {
        write(&folder, series, rows)?;
    }
    let files = csv_files(&folder)?.len();
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for (name, features) in FEATURES {
        let mut group = criterion.benchmark_group(format!("panel, {name}"));
        group.throughput(Throughput::Elements((files * rows) as u64));
        group.bench_function("read", |bencher| {
            bencher.iter(|| drop(read(&folder, features).expect("the panel is read")))
        });
        let panel = OnceCell::new();
        for windows in [100_000, 2_000_000] {
            let memory = OnceCell::new();
            group.throughput(Throughput::Elements(windows as u64));
            group.bench_function(BenchmarkId::new("cut", windows), |bencher| {
                let panel =
                    panel.get_or_init(|| read(&folder, features).expect("the panel is read"));
                memory.get_or_init(resident);
                bencher.iter(|| cut(panel, windows));
            });
            if let (Some(Some(before)), Some(after)) = (memory.get(), resident()) {
                writeln!(
                    io::stdout(),
                    "{}",
                    serde_json::json!({ "cut": windows, "grown": after - before })
                )?;
            }
        }
    }
    criterion.final_summary();
    Ok(())
}

/// Writes random walks of log prices, one per file. The generator gives the same numbers on every
/// machine.
fn write(folder: &Path, series: usize, rows: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut state = 1u64;
    let mut noise = || {
        // A sum of uniform numbers is close enough to normal here.
        let sum: f64 = (0..4)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
            })
            .sum();
        sum * 1.7
    };
    let start = date(2014, 1, 1);
    let dates: Vec<String> =
        (0..rows).map(|row| (start + (row as i64).days()).to_string()).collect();
    for index in 0..series {
        let mut text = "date,open,high,low,close,volume\n".to_owned();
        let mut close = 20.0f64;
        for day in &dates {
            let open = close * (0.005 * noise()).exp();
            close = open * (0.015 * noise()).exp();
            let (high, low) = (open.max(close) * 1.004, open.min(close) * 0.996);
            writeln!(
                text,
                "{day},{open:.3},{high:.3},{low:.3},{close:.3},{:.0}",
                1e5 * (0.3 * noise()).exp()
            )?;
        }
        fs::write(folder.join(format!("synthetic-{index:05}.csv")), text)?;
    }
    Ok(())
}

fn read(folder: &Path, features: &[&str]) -> Result<Panel> {
    let files = csv_files(folder)?;
    let first = CsvFile::open(&files[0], None)?;
    let features = features
        .iter()
        .map(|feature| Feature::parse(feature, first.columns()))
        .collect::<std::result::Result<_, _>>()?;
    let config = SeriesConfig::new("open".to_owned())
        .with_close(Some("close".to_owned()))
        .with_features(features)
        .with_window(WINDOW)
        .with_transform(Transform::Standard)
        .with_naive(Naive::LastClose)
        .with_split(Split::holdout(SetSize::Fraction(0.15), SetSize::Fraction(0.15)));
    let open = |path: &PathBuf| {
        CsvFile::open(path, None)?.read(&config.columns(), &ReadOptions::default())
    };
    let tables = files.iter().map(open).collect::<std::result::Result<_, _>>()?;
    Ok(config.init_many(folder, tables, BadSeries::Fail)?)
}

/// Cuts windows of the training set in random order, in batches; a small panel is repeated.
fn cut(panel: &Panel, windows: usize) {
    let loader =
        EpochLoaderBuilder::new(WindowBatcher).batch_size(BATCH).shuffle(1).samples(Some(windows));
    let loader = loader.set_device(Device::flex()).build(panel.windows(Subset::Train));
    let mut done = 0;
    while done < windows {
        for batch in loader.iter() {
            done += black_box(batch.expect("windows of the panel").windows.dims()[0]);
        }
    }
}

/// Resident memory of this process, in bytes; `None` except on Linux.
fn resident() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(1024 * line.split_whitespace().next()?.parse::<i64>().ok()?)
}
