//! Opens the data of a series task: a file, or a folder of files.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use rnn_data::{
    BadSeries, Columns, CsvFile, DataError, Panel, ReadOptions, Scalers, SeriesConfig, Table,
    TableSource, csv_files,
};
use rnn_files::sha256;

use super::{adjustment, covariates};
use crate::{
    error::{Error, Result},
    run::DataSource,
    settings::SeriesSettings,
    text::PROGRESS,
};

/// Data that is ready for training.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) panel: Panel,
    pub(crate) config: SeriesConfig,
    pub(crate) source: DataSource,
}

/// Maximum number of notes on the files of a folder.
const MAX_NOTES: usize = 5;

/// Time between progress messages while reading many files.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

impl Data {
    /// Takes rows from memory.
    pub(crate) fn from_table(
        settings: &SeriesSettings,
        table: Table,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        Self::open_one(settings, table, scalers)
    }

    /// Reads the data of the settings. Scalers of a trained model are passed in; those of a new
    /// model are fitted on the training set.
    pub(crate) fn open(settings: &SeriesSettings, scalers: Option<&Scalers>) -> Result<Self> {
        let csv = &settings.read.csv;
        let file = match settings.read.path.as_deref() {
            Some(folder) if folder.is_dir() => return Self::open_folder(settings, folder),
            Some(path) => csv.open(path)?,
            None => csv.open_sample()?,
        };
        if let Some(note) = file.note() {
            log::info!("{}: {note}", file.columns().path().display());
        }
        match settings.read.path.as_deref() {
            Some(path) if file.has_series() => Self::open_many(settings, path, &file),
            _ => Self::open_one(settings, file, scalers),
        }
    }

    fn open_one(
        settings: &SeriesSettings,
        file: impl TableSource,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        settings.refuse_statics()?;
        let mut config = settings.config(&file).map_err(|error| settings.with_fix(error))?;
        let table = file.read(&config.columns(), &settings.read.rows)?;
        let mut table = settings.with_later(vec![table], &config, None)?.remove(0);
        let (path, is_new) = (table.path.clone(), scalers.is_none());
        settings.treat_level_shifts(&config, &path, std::slice::from_mut(&mut table), is_new)?;
        settings.complete(&mut config, &table.path, std::slice::from_ref(&table));
        for note in &table.notes {
            log::info!("{}: {note}", table.path.display());
        }
        for warning in &table.warnings {
            log::warn!("{}: {warning}", table.path.display());
        }
        if let Some(path) = settings.read.path.as_deref()
            && let Some(warning) = adjustment::check(path, &table, &config)?
        {
            log::warn!("{}: {warning} (use `rnn-train fetch` with --force)", path.display());
        }
        let source = DataSource {
            file: table.name(),
            path: settings.read.path.as_deref().map(absolute).transpose()?,
            sha256: table.sha256.clone(),
            rows: table.rows(),
            series: 1,
            synthetic: table.synthetic,
        };
        let data = Self { panel: config.init_scaled(table, scalers)?, config, source };
        data.note_gaps(settings);
        Ok(data)
    }

    /// Reads the series of one file.
    fn open_many(settings: &SeriesSettings, path: &Path, file: &CsvFile) -> Result<Self> {
        let source: &dyn TableSource = match settings.read.skip_bad {
            true => &FirstGood(file),
            false => file,
        };
        let config = settings.config(source).map_err(|error| settings.with_fix(error))?;
        let read = file.read_series(&config.columns(), &settings.read.rows)?;
        let mut skipped = Vec::new();
        let tables = settings.usable(read, &mut skipped)?;
        if let Some(column) = file.columns().series_column() {
            log::info!("{}: one series for each `{column}`", path.display());
        }
        let Some(first) = tables.first() else { return Err(none_good(skipped)) };
        first.notes.iter().for_each(|note| log::info!("{}: {note}", path.display()));
        let (sha256, labels) = (first.sha256.clone(), file.columns().series_column());
        let labels = labels.map(str::to_owned);
        Self::from_tables(settings, path, Tables { config, tables, skipped, sha256, labels })
    }

    fn open_folder(settings: &SeriesSettings, folder: &Path) -> Result<Self> {
        let paths = csv_files(folder)?;
        let (mut config, mut tables, mut skipped) = (None, Vec::new(), Vec::new());
        let mut notes = BTreeMap::new();
        let mut logged = Instant::now();
        for (index, path) in paths.iter().enumerate() {
            if logged.elapsed() >= LOG_INTERVAL {
                let (folder, count) = (folder.display(), paths.len());
                log::info!(target: PROGRESS, "reading {folder}: {index} of {count} files");
                logged = Instant::now();
            }
            let read = settings.read_file(path, &mut config, &mut notes);
            match read.and_then(|read| settings.usable(read, &mut skipped)) {
                Ok(read) => tables.extend(read),
                Err(Error::Data(error)) if settings.read.skip_bad => skipped.push(error),
                // The first file determines the columns.
                Err(error) if config.is_none() => {
                    return Err(with_advice(settings.with_fix(error)));
                }
                Err(error) => return Err(with_advice(error)),
            }
        }
        let Some(config) = config.filter(|_| !tables.is_empty()) else {
            return Err(none_good(skipped));
        };
        for note in tables.first().into_iter().flat_map(|table| &table.notes) {
            log::info!("{}: {note}", tables[0].path.display());
        }
        for (note, count) in notes.iter().take(MAX_NOTES) {
            log::info!("{}: {count} of {} files {note}", folder.display(), paths.len());
        }
        let hashes: String =
            tables.iter().map(|table| format!("{} {}\n", table.name(), table.sha256)).collect();
        let (sha256, labels) = (sha256(hashes.as_bytes()), None);
        Self::from_tables(settings, folder, Tables { config, tables, skipped, sha256, labels })
    }

    /// Prepares the series of a file or folder.
    fn from_tables(settings: &SeriesSettings, path: &Path, read: Tables) -> Result<Self> {
        let Tables { mut config, mut tables, mut skipped, sha256, labels } = read;
        tables = settings.with_later(tables, &config, labels.as_deref())?;
        let statics = settings.statics(labels.as_deref())?;
        if let Some(values) = &statics {
            covariates::add_statics(&mut config, values)?;
            let added = tables.into_iter().map(|table| values.add_to(table)).collect();
            tables = settings.usable(added, &mut skipped)?;
            if tables.is_empty() {
                return Err(none_good(skipped));
            }
        }
        settings.treat_level_shifts(&config, path, &mut tables, true)?;
        settings.complete(&mut config, path, &tables);
        let rows = tables.iter().map(Table::rows).sum();
        let mut additive = None;
        for table in &tables {
            if let Some(warning) = adjustment::check(&table.path, table, &config)? {
                additive.get_or_insert((&table.path, warning));
            }
        }
        if let Some((path, warning)) = additive {
            log::warn!("{}: {warning} (use `rnn-train fetch` with --force)", path.display());
        }
        let warned = tables.iter().filter(|table| !table.warnings.is_empty()).count();
        let bad = if settings.read.skip_bad { BadSeries::Skip } else { BadSeries::Fail };
        let panel =
            config.init_many(path, tables, bad).map_err(|error| with_advice(error.into()))?;
        skipped.iter().chain(&panel.skipped).for_each(|error| log::info!("skipped: {error}"));
        let left_out = skipped.len() + panel.skipped.len();
        let left_out = if left_out > 0 { format!(", {left_out} skipped") } else { String::new() };
        log::info!(
            "{}: {} series, {rows} rows in total{left_out}",
            path.display(),
            panel.series.len()
        );
        if warned > 0 {
            log::warn!(
                "{warned} {} have warnings (train on one of them alone to see its warnings)",
                if path.is_dir() { "files" } else { "series" }
            );
        }
        let source = DataSource {
            file: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            path: Some(absolute(path)?),
            sha256: covariates::hash(&sha256, statics.as_ref()),
            rows,
            series: panel.series.len(),
            synthetic: false,
        };
        let data = Self { panel, config, source };
        data.note_gaps(settings);
        Ok(data)
    }

    /// Says how many windows cross a gap and are left out.
    fn note_gaps(&self, settings: &SeriesSettings) {
        let Some(max_gap) = settings.read.rows.max_gap else { return };
        let series = &self.panel.series;
        let gaps: usize = series.iter().map(|series| series.gaps()).sum();
        let (crossing, all) = series
            .iter()
            .map(|series| series.left_out())
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        log::info!(
            "{}: {gaps} {} longer than max-gap {max_gap}; {crossing} of {all} windows cross one \
             and are left out",
            self.source.file,
            if gaps == 1 { "gap" } else { "gaps" }
        );
    }
}

/// The first usable series of a file as the one that determines the columns.
struct FirstGood<'a>(&'a CsvFile);

impl TableSource for FirstGood<'_> {
    fn columns(&self) -> &Columns {
        self.0.columns()
    }

    fn read(&self, names: &[&str], options: &ReadOptions) -> std::result::Result<Table, DataError> {
        let mut series = self.0.read_series(names, options)?;
        let good = series.iter().position(std::result::Result::is_ok).unwrap_or(0);
        series.swap_remove(good)
    }
}

/// Tables of a panel with their columns.
struct Tables {
    config: SeriesConfig,
    tables: Vec<Table>,
    /// Errors of unusable series.
    skipped: Vec<DataError>,
    sha256: String,
    /// Column with the labels of the series.
    labels: Option<String>,
}

/// The error of data without a usable series; the others are logged.
fn none_good(skipped: Vec<DataError>) -> Error {
    skipped.iter().skip(1).for_each(|error| log::info!("skipped: {error}"));
    skipped
        .into_iter()
        .next()
        .map_or_else(|| Error::Internal("the data has no series".to_owned()), Error::NoneGood)
}

/// The absolute path that `config.json` records.
pub(super) fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if absolute.to_str().is_none() {
        let problem = format!(
            "{}: the path is not UTF-8 text, which config.json needs (rename the file)",
            absolute.display()
        );
        return Err(Error::Usage(problem));
    }
    Ok(absolute)
}

/// Adds advice to the error of a file in a folder.
fn with_advice(error: Error) -> Error {
    match error {
        Error::Data(error) => Error::Panel(error),
        other => other,
    }
}

impl SeriesSettings {
    /// Takes the usable series of a file. With `--skip-bad` the errors of the others are kept.
    fn usable(
        &self,
        read: Vec<std::result::Result<Table, DataError>>,
        skipped: &mut Vec<DataError>,
    ) -> Result<Vec<Table>> {
        let mut tables = Vec::with_capacity(read.len());
        for table in read {
            match table {
                Ok(table) => tables.push(table),
                Err(error) if self.read.skip_bad => skipped.push(error),
                Err(error) => return Err(Error::Panel(error)),
            }
        }
        Ok(tables)
    }

    /// Reads the series of a file of a folder. The first file determines the columns of all.
    fn read_file(
        &self,
        path: &Path,
        config: &mut Option<SeriesConfig>,
        notes: &mut BTreeMap<String, usize>,
    ) -> Result<Vec<std::result::Result<Table, DataError>>> {
        let file = self.read.csv.open(path)?;
        let resolved = match config {
            Some(config) => config.clone(),
            None => self.config(&file)?,
        };
        let read = file.read_series(&resolved.columns(), &self.read.rows)?;
        if read.iter().any(std::result::Result::is_ok) {
            *config = Some(resolved);
        }
        if let Some(note) = file.note() {
            *notes.entry(note.to_owned()).or_default() += 1;
        }
        Ok(read)
    }
}
