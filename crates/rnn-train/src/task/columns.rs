//! Selects the target and the features of a series task among the columns of its data.

use std::collections::HashSet;

use rnn_data::{DataError, Feature, SeriesConfig, TableSource, first_from};
use rnn_files::shortened;

use super::covariates::add_leads;
use crate::{
    error::{Error, Result},
    settings::SeriesSettings,
};

/// Maximum number of default features. More columns would take hours to read and to train on.
const MAX_DEFAULT_FEATURES: usize = 1000;

/// Window length until the data is known.
pub(super) const WINDOW: usize = 20;

/// Maximum number of columns that are compared to find the target.
const MAX_COMPARED: usize = 20;

/// Maximum number of columns in a message.
const MAX_NAMED: usize = 10;

/// Maximum number of notes on columns with words.
const MAX_NOTES: usize = 5;

impl SeriesSettings {
    /// Target and features for the columns of a file. Defaults that were chosen are logged.
    pub(super) fn config(&self, file: &dyn TableSource) -> Result<SeriesConfig> {
        let columns = file.columns();
        let future = self.future(columns)?;
        let mut guesses = Vec::new();
        let target = match &self.target {
            Some(named) => columns.resolve(&named.value)?.to_owned(),
            None => self.likely_target(file, &future)?,
        };
        if self.target.as_ref().is_none_or(|named| named.value != target) {
            guesses.push(format!("predicting `{target}` (use --target to choose another column)"));
        }
        let mut config = SeriesConfig::new(target)
            .with_close(columns.resolve("close").ok().map(str::to_owned))
            .with_window(self.window.unwrap_or(WINDOW))
            .with_horizon(self.horizon)
            .with_transform(self.transform)
            .with_naive(self.naive)
            .with_split(self.split);
        if future.contains(&config.target) {
            return Err(Error::Usage(format!(
                "--future {}: the target is not known in the future (name other columns)",
                config.target
            )));
        }
        config.future = future;
        config.features = match &self.features {
            Some(named) => {
                let parsed = named
                    .value
                    .iter()
                    .map(|text| Feature::parse(text.trim(), columns))
                    .collect::<std::result::Result<Vec<_>, _>>();
                match parsed {
                    Ok(features) => features,
                    Err(DataError::MissingColumn { .. }) if named.of_recipe && self.is_free() => {
                        let features = self.likely_features(file, &config)?;
                        guesses.push(features_note(&features));
                        features
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => {
                let known = config.future.iter();
                let read = || known.clone().chain([&config.target]);
                let is_left_out = |name: &&str| read().all(|one| one != name);
                let left_out: Vec<&str> =
                    columns.measurements().into_iter().filter(is_left_out).collect();
                let features: Vec<Feature> = [Feature::Column(config.target.clone())]
                    .into_iter()
                    .chain(known.clone().cloned().map(Feature::Level))
                    .collect();
                guesses.push(left_out_note(&features, &left_out));
                features
            }
        };
        guesses.extend(add_leads(&mut config));
        if !guesses.is_empty() {
            let dates = columns
                .date_column()
                .map_or_else(String::new, |dates| format!("dates in `{dates}`; "));
            log::info!("{}: {dates}{}", columns.path().display(), guesses.join("; "));
            let read = config.columns();
            let left_out = columns.words().into_iter().filter(|(name, ..)| !read.contains(name));
            for (name, line, text) in left_out.take(MAX_NOTES) {
                log::info!(
                    "{}: not reading `{name}`: line {line} has `{text}`, not a number (use \
                     --features to require it)",
                    columns.path().display()
                );
            }
        }
        Ok(config)
    }

    /// The target by its name, or the only column that varies like one.
    ///
    /// Constant columns, those with a constant step and flags are not predicted unasked. Nor are
    /// columns that are known in the future.
    fn likely_target(&self, file: &dyn TableSource, future: &[String]) -> Result<String> {
        let columns = file.columns();
        let is_unknown = |name: &&str| !future.iter().any(|known| known == name);
        if let Some(likely) = columns.likely_target().filter(is_unknown) {
            return Ok(likely.to_owned());
        }
        let measurements: Vec<&str> =
            columns.measurements().into_iter().filter(is_unknown).collect();
        if let [only] = measurements.as_slice() {
            return Ok((*only).to_owned());
        }
        let mut seen = HashSet::new();
        if let Some(twice) = measurements.iter().find(|name| !seen.insert(**name)) {
            columns.resolve(twice)?;
        }
        if measurements.is_empty() {
            // No rows, or a malformed one.
            file.read(&[], &self.read.rows)?;
            return Err(columns.no_numbers().into());
        }
        if measurements.len() <= MAX_COMPARED
            && let Ok(table) = file.read(&measurements, &self.read.rows)
        {
            let is_likely = |name: &&&str| {
                let values = table.column(name).unwrap_or_default();
                varies(values) && values.iter().any(|value| ![0.0, 1.0].contains(value))
            };
            let likely: Vec<&&str> = measurements.iter().filter(is_likely).collect();
            if let [only] = likely.as_slice() {
                return Ok((**only).to_owned());
            }
        }
        Err(Error::Usage(format!(
            "{}: expected one column of numbers, or one called `target`, `y`, `value`, `sales` or \
             `price`, got {} (choose the column to predict with --target)",
            columns.path().display(),
            listed(&measurements)
        )))
    }

    /// Adds the fix to the error of a file without the recipe's target, except for the course.
    pub(super) fn with_fix(&self, error: Error) -> Error {
        match (error, &self.target) {
            (Error::Data(DataError::MissingColumn { path, column, .. }), Some(named))
                if named.of_recipe && self.is_free() && named.value == column =>
            {
                Error::Usage(format!(
                    "{}: no column `{column}`, which this experiment predicts (use the experiment \
                     `series` for other data, or --target)",
                    path.display()
                ))
            }
            (error, _) => error,
        }
    }

    /// The target, and all other numeric columns that vary on the training set.
    ///
    /// Constant columns and those with a constant step, such as row numbers, are left out.
    fn likely_features(
        &self,
        file: &dyn TableSource,
        config: &SeriesConfig,
    ) -> Result<Vec<Feature>> {
        let mut columns = file.columns().measurements();
        if columns.len() > MAX_DEFAULT_FEATURES {
            let problem = format!(
                "{}: has {} numeric columns, but at most {MAX_DEFAULT_FEATURES} are read by \
                 default (use --features and --target to choose columns)",
                file.columns().path().display(),
                columns.len()
            );
            return Err(Error::Usage(problem));
        }
        columns.retain(|column| *column != config.target);
        let mut read = columns.clone();
        if !config.future.is_empty() {
            // The rows after the last value of the target are no rows of the data.
            read.push(&config.target);
        }
        let table = file.read(&read, &self.read.rows)?;
        // If the sets do not fit, preparing the series reports it.
        let training_rows = self
            .split
            .times(&table.path, config.window, config.horizon, &table.times)
            .map_or(table.rows(), |starts| {
                let end = starts.valid.unwrap_or(starts.test);
                first_from(&table.times, end).saturating_sub(self.split.gap(config.window))
            });
        columns.retain(|column| {
            varies(table.column(column).map_or(&[][..], |values| &values[..training_rows]))
        });
        columns.insert(0, &config.target);
        let feature = |column: &str| match config.future.iter().any(|known| known == column) {
            true => Feature::Level(column.to_owned()),
            false => Feature::Column(column.to_owned()),
        };
        Ok(columns.into_iter().map(feature).collect())
    }

    /// Whether to replace missing features of the recipe by defaults. Course experiments never do.
    fn is_free(&self) -> bool {
        self.split != rnn_data::Split::Course
    }
}

/// Whether values have more than one change: they are neither constant nor a running number.
fn varies(values: &[f64]) -> bool {
    let mut changes = values.windows(2).map(|pair| pair[1] - pair[0]);
    let first = changes.next();
    changes.any(|change| Some(change) != first)
}

/// Names of columns for a message.
fn listed(names: &[&str]) -> String {
    let listed: Vec<String> =
        names.iter().take(MAX_NAMED).map(|name| format!("`{}`", shortened(name, 60))).collect();
    let more = match names.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    listed.join(", ") + &more
}

fn left_out_note(features: &[Feature], left_out: &[&str]) -> String {
    match (features, left_out) {
        (_, []) => features_note(features),
        ([only], _) => {
            format!(
                "reading `{only}` alone, not {} (use --features to read others)",
                listed(left_out)
            )
        }
        _ => format!("{}, not reading {}", features_note(features), listed(left_out)),
    }
}

fn features_note(features: &[Feature]) -> String {
    let names: Vec<String> = features.iter().map(|feature| format!("`{feature}`")).collect();
    format!("reading {} (use --features to choose others)", names.join(", "))
}
