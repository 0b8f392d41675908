//! Windows of many series: how fast they are read and cut, and in how much memory. Writes its own synthetic series.

use std::{
    fmt::Write,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::{data::dataset::Dataset, tensor::Device};
use clap::{Parser, Subcommand};
use jiff::{ToSpan, civil::date};
use rnn_data::{BadSeries, CsvFile, EpochLoaderBuilder, Feature, Naive, ReadOptions, SeriesConfig, Subset, WindowBatcher, csv_files};
use serde_json::json;
use workspace_benches::report;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write a folder of synthetic daily bars
    Write {
        folder: PathBuf,
        #[arg(long, default_value_t = 5000)]
        series: usize,
        #[arg(long, default_value_t = 2500)]
        rows: usize,
    },
    /// Read the folder and cut windows in batches, in random order, on one core
    Cut {
        folder: PathBuf,
        /// Windows to cut
        #[arg(long, default_value_t = 2_000_000)]
        windows: usize,
        #[arg(long, default_value_t = 60)]
        window: usize,
        #[arg(long, default_value_t = 256)]
        batch: usize,
        /// What is read of each row
        #[arg(long, value_delimiter = ',', default_value = "open")]
        features: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Args::parse().task {
        Task::Write { folder, series, rows } => write(&folder, series, rows),
        Task::Cut { folder, windows, window, batch, features } => cut(&folder, windows, window, batch, &features),
    }
}

/// Random walks of log prices, one a file, from a generator that is the same everywhere.
fn write(folder: &Path, series: usize, rows: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut state = 1u64;
    let mut noise = || {
        // A sum of uniform numbers is near enough to normal for this.
        let sum: f64 = (0..4)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
            })
            .sum();
        sum * 1.7
    };
    let start = date(2014, 1, 1);
    let dates: Vec<String> = (0..rows).map(|row| (start + (row as i64).days()).to_string()).collect();
    for index in 0..series {
        let mut text = "date,open,high,low,close,volume\n".to_owned();
        let mut close = 20.0f64;
        for day in &dates {
            let open = close * (0.005 * noise()).exp();
            close = open * (0.015 * noise()).exp();
            let high = open.max(close) * 1.004;
            let low = open.min(close) * 0.996;
            writeln!(text, "{day},{open:.3},{high:.3},{low:.3},{close:.3},{:.0}", 1e5 * (0.3 * noise()).exp())?;
        }
        fs::write(folder.join(format!("synthetic-{index:05}.csv")), text)?;
    }
    Ok(())
}

fn cut(folder: &Path, windows: usize, window: usize, batch: usize, features: &[String]) -> Result<()> {
    let files = csv_files(folder)?;
    let first = CsvFile::open(&files[0], None)?;
    let features = features.iter().map(|feature| Feature::parse(feature, first.columns()));
    let config = SeriesConfig::new("open".to_owned())
        .with_close(Some("close".to_owned()))
        .with_features(features.collect::<std::result::Result<_, _>>()?)
        .with_window(window)
        .with_naive(Naive::LastClose);
    let started = Instant::now();
    let mut tables = Vec::with_capacity(files.len());
    for path in &files {
        tables.push(CsvFile::open(path, None)?.read(&config.columns(), &ReadOptions::default())?);
    }
    let rows: usize = tables.iter().map(rnn_data::Table::rows).sum();
    let panel = config.init_many(folder, tables, BadSeries::Fail)?;
    let read_seconds = started.elapsed().as_secs_f64();
    let all = panel.windows(Subset::Train);
    let count = all.len();
    let before = resident();
    let builder = EpochLoaderBuilder::new(WindowBatcher).batch_size(batch).shuffle(1).samples(Some(windows));
    let loader = builder.set_device(Device::flex()).build(all);
    let started = Instant::now();
    let mut done = 0;
    for batch in loader.iter() {
        let batch = batch.map_err(|error| error.to_string())?;
        done += black_box(batch.windows.dims()[0]);
    }
    let seconds = started.elapsed().as_secs_f64();
    report(&json!({
        "series": files.len(),
        "rows": rows,
        "read_seconds": read_seconds,
        "rows_a_second": rows as f64 / read_seconds,
        "windows": count,
        "cut": done,
        "cut_seconds": seconds,
        "windows_a_second": done as f64 / seconds,
        "resident_before": before,
        "resident_after": resident(),
        "width": panel.series[0].width(),
        "window": window,
    }))?;
    Ok(())
}

/// Resident memory of this process in bytes; only Linux tells.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
}
