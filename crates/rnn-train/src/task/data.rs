//! Opening the data of a task on series: which columns are meant, what is odd about them, one file
//! or a folder of them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rnn_data::{
    BadSeries, CsvFile, Feature, Panel, Scalers, SeriesConfig, Table, TableSource, csv_files,
};
use rnn_files::sha256;

use crate::{
    error::{Error, Result},
    run::DataSource,
    settings::SeriesSettings,
};

/// Data that is ready to be learned from.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) panel: Panel,
    pub(crate) config: SeriesConfig,
    pub(crate) source: DataSource,
}

/// Columns that are features because they are there. More take hours to look at and to learn from.
const MOST_GUESSED: usize = 1000;

/// Reading many files says how far it is this often.
const TOLD_EVERY: Duration = Duration::from_secs(5);

impl Data {
    /// Rows that are in memory.
    pub(crate) fn from_table(
        settings: &SeriesSettings,
        table: Table,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        Self::open_one(settings, table, scalers)
    }

    /// Reads what the settings name. The scalers of a trained model are given; a new model's are
    /// fitted on the training part.
    pub(crate) fn open(settings: &SeriesSettings, scalers: Option<&Scalers>) -> Result<Self> {
        match settings.read.path.as_deref() {
            Some(folder) if folder.is_dir() => Self::open_folder(settings, folder),
            Some(path) => Self::open_one(
                settings,
                CsvFile::open(path, settings.read.date_column.as_deref())?,
                scalers,
            ),
            None => Self::open_one(
                settings,
                CsvFile::sample(settings.read.date_column.as_deref())?,
                scalers,
            ),
        }
    }

    fn open_one(
        settings: &SeriesSettings,
        file: impl TableSource,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        let config = settings.config(&file)?;
        let table = file.read(&config.columns(), &settings.read.rows)?;
        for warning in &table.warnings {
            log::warn!("{}: {warning}", table.path.display());
        }
        let source = DataSource {
            file: table.name(),
            path: settings.read.path.as_deref().map(absolute).transpose()?,
            sha256: table.sha256.clone(),
            rows: table.rows(),
            series: 1,
            synthetic: table.synthetic,
        };
        Ok(Self { panel: config.init_scaled(table, scalers)?, config, source })
    }

    fn open_folder(settings: &SeriesSettings, folder: &Path) -> Result<Self> {
        let paths = csv_files(folder)?;
        let (mut config, mut tables, mut skipped, mut warned) = (None, Vec::new(), Vec::new(), 0);
        let mut told = Instant::now();
        for (index, path) in paths.iter().enumerate() {
            if told.elapsed() >= TOLD_EVERY {
                log::info!("reading {}: {index} of {} files", folder.display(), paths.len());
                told = Instant::now();
            }
            match settings.read_series(path, &mut config) {
                Ok(table) => {
                    warned += usize::from(!table.warnings.is_empty());
                    tables.push(table);
                }
                Err(Error::Data(error)) if settings.read.skip_bad => skipped.push(error),
                Err(error) => return Err(advised(error)),
            }
        }
        let Some(config) = config.filter(|_| !tables.is_empty()) else {
            skipped.iter().skip(1).for_each(|error| log::info!("skipped: {error}"));
            let first = skipped.into_iter().next().map_or_else(
                || Error::Internal("a folder of no files".to_owned()),
                Error::NoneGood,
            );
            return Err(first);
        };
        let hashes: String =
            tables.iter().map(|table| format!("{} {}\n", table.name(), table.sha256)).collect();
        let rows = tables.iter().map(Table::rows).sum();
        let bad = if settings.read.skip_bad { BadSeries::Skip } else { BadSeries::Fail };
        let panel = config.init_many(folder, tables, bad).map_err(|error| advised(error.into()))?;
        skipped.iter().chain(&panel.skipped).for_each(|error| log::info!("skipped: {error}"));
        let left_out = skipped.len() + panel.skipped.len();
        let left_out = if left_out > 0 { format!(", {left_out} skipped") } else { String::new() };
        log::info!("{}: {} series of {rows} rows{left_out}", folder.display(), panel.series.len());
        if warned > 0 {
            log::warn!(
                "{warned} of the files have something odd about them; train on one of them alone \
                 to see it"
            );
        }
        let source = DataSource {
            file: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
            path: Some(absolute(folder)?),
            sha256: sha256(hashes.as_bytes()),
            rows,
            series: panel.series.len(),
            synthetic: false,
        };
        Ok(Self { panel, config, source })
    }
}

/// A path as `config.json` keeps it.
fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if absolute.to_str().is_none() {
        let problem = format!(
            "{}: the path is not UTF-8 text, in which config.json keeps it; rename it",
            absolute.display()
        );
        return Err(Error::Usage(problem));
    }
    Ok(absolute)
}

/// What to do about a bad file of a folder.
fn advised(error: Error) -> Error {
    match error {
        Error::Data(error) => Error::Panel(error),
        other => other,
    }
}

impl SeriesSettings {
    /// What is predicted from what, in the columns of a file; what was guessed is said.
    fn config(&self, file: &dyn TableSource) -> Result<SeriesConfig> {
        let columns = file.columns();
        let guess = || {
            let guessed = columns.likely_target().map(str::to_owned);
            guessed.ok_or_else(|| {
                Error::Data(rnn_data::DataError::NoNumbers { path: columns.path().to_owned() })
            })
        };
        let mut guesses = Vec::new();
        let target = match &self.target {
            Some(named) => match columns.resolve(&named.value) {
                Ok(column) => column.to_owned(),
                Err(rnn_data::DataError::MissingColumn { .. })
                    if named.of_recipe && self.is_free() =>
                {
                    guess()?
                }
                Err(error) => return Err(error.into()),
            },
            None => guess()?,
        };
        if self.target.as_ref().is_none_or(|named| named.value != target) {
            guesses.push(format!("predicting `{target}` (--target chooses another column)"));
        }
        let mut config = SeriesConfig::new(target)
            .with_close(columns.resolve("close").ok().map(str::to_owned))
            .with_window(self.window)
            .with_horizon(self.horizon)
            .with_transform(self.transform)
            .with_naive(self.naive)
            .with_split(self.split);
        config.features = match &self.features {
            Some(named) => {
                let parsed = named
                    .value
                    .iter()
                    .map(|text| Feature::parse(text.trim(), columns))
                    .collect::<std::result::Result<Vec<_>, _>>();
                match parsed {
                    Ok(features) => features,
                    Err(rnn_data::DataError::MissingColumn { .. })
                        if named.of_recipe && self.is_free() =>
                    {
                        let features = self.likely_features(file, &config)?;
                        guesses.push(said(&features));
                        features
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => {
                let features = self.likely_features(file, &config)?;
                guesses.push(said(&features));
                features
            }
        };
        if !guesses.is_empty() {
            let dates = columns
                .date_column()
                .map_or_else(String::new, |dates| format!("dates in `{dates}`; "));
            log::info!("{}: {dates}{}", columns.path().display(), guesses.join("; "));
        }
        Ok(config)
    }

    /// The target, and all other measurements that have something to tell: their changes are not
    /// all the same where the model learns.
    fn likely_features(
        &self,
        file: &dyn TableSource,
        config: &SeriesConfig,
    ) -> Result<Vec<Feature>> {
        let mut columns = file.columns().measurements();
        if columns.len() > MOST_GUESSED {
            let problem = format!(
                "{}: has {} columns of numbers, of which at most {MOST_GUESSED} are read unasked; \
                 name those that matter with --features and --target",
                file.columns().path().display(),
                columns.len()
            );
            return Err(Error::Usage(problem));
        }
        columns.retain(|column| *column != config.target);
        let table = file.read(&columns, &self.read.rows)?;
        // Where the parts do not fit, preparing the series says so.
        let learned = self
            .split
            .times(&table.path, config.window, config.horizon, &table.times)
            .map_or(table.rows(), |starts| {
                let end = starts.valid.unwrap_or(starts.test);
                table
                    .times
                    .partition_point(|time| *time < end)
                    .saturating_sub(self.split.gap(self.window))
            });
        columns.retain(|column| {
            let values = table.column(column).map_or(&[][..], |values| &values[..learned]);
            let mut changes = values.windows(2).map(|pair| pair[1] - pair[0]);
            let first = changes.next();
            changes.any(|change| Some(change) != first)
        });
        columns.insert(0, &config.target);
        Ok(columns.into_iter().map(|column| Feature::Column(column.to_owned())).collect())
    }

    /// Whether columns of the recipe that a file has not are guessed instead: not in the course's
    /// experiments, which are what they are.
    fn is_free(&self) -> bool {
        self.split != rnn_data::Split::Course
    }

    /// Reads a file of a folder; the first one says which columns are meant in all.
    fn read_series(&self, path: &Path, config: &mut Option<SeriesConfig>) -> Result<Table> {
        let file = CsvFile::open(path, self.read.date_column.as_deref())?;
        let meant = match config {
            Some(config) => config.clone(),
            None => self.config(&file)?,
        };
        let table = file.read(&meant.columns(), &self.read.rows)?;
        *config = Some(meant);
        Ok(table)
    }
}

fn said(features: &[Feature]) -> String {
    let names: Vec<String> = features.iter().map(|feature| format!("`{feature}`")).collect();
    format!("reading {} (--features chooses others)", names.join(", "))
}
