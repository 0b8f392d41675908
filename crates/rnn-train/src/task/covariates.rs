//! Columns that are known in the future, and values of whole series: their files and features.

use std::{collections::HashMap, path::Path};

use rnn_data::{
    Columns, CsvOptions, Feature, ReadOptions, SeriesConfig, StaticValues, Table, csv_files,
    nearest_name,
};
use rnn_files::sha256;

use crate::{
    error::{Error, Result},
    settings::SeriesSettings,
};

/// Most rows ahead of which a column is an input.
const MOST_LEADS: usize = 14;

impl SeriesSettings {
    /// The columns that are known in the future, by their names in the file.
    pub(super) fn future(&self, columns: &Columns) -> Result<Vec<String>> {
        let mut future: Vec<String> = Vec::new();
        for name in &self.read.rows.future {
            let column = columns.resolve(name.trim())?;
            if !future.iter().any(|known| known == column) {
                future.push(column.to_owned());
            }
        }
        Ok(future)
    }

    /// Adds the rows after the last one that a file has.
    pub(super) fn with_later(
        &self,
        tables: Vec<Table>,
        config: &SeriesConfig,
        labels: Option<&str>,
    ) -> Result<Vec<Table>> {
        let Some(path) = self.read.future.as_deref() else { return Ok(tables) };
        let series_column = labels.map(str::to_owned).or(self.read.csv.series_column.clone());
        let csv = CsvOptions { series_column, ..self.read.csv.clone() };
        let rows =
            ReadOptions { from: None, until: None, future: Vec::new(), ..self.read.rows.clone() };
        let paths = if path.is_dir() { csv_files(path)? } else { vec![path.to_owned()] };
        let mut later = HashMap::new();
        for path in &paths {
            for table in csv.open(path)?.read_series(&config.future, &rows)? {
                let table = table?;
                later.insert(table.label(), table);
            }
        }
        let only = if later.len() == 1 { later.values().next().cloned() } else { None };
        let is_one = tables.len() == 1;
        let mut found = false;
        let add = |table: Table| {
            let other = later.get(&table.label()).or(only.as_ref().filter(|_| is_one));
            found |= other.is_some();
            match other {
                Some(other) => Ok(table.with_later(other, &config.future)?),
                None => Ok(table),
            }
        };
        let tables = tables.into_iter().map(add).collect::<Result<Vec<_>>>()?;
        if !found {
            return Err(Error::Usage(format!(
                "--future-data {}: none of its series is one of the data, which has `{}` (correct \
                 their names)",
                path.display(),
                tables.first().map(Table::name).unwrap_or_default()
            )));
        }
        Ok(tables)
    }

    /// Reads the values of whole series.
    pub(super) fn statics(&self, labels: Option<&str>) -> Result<Option<StaticValues>> {
        let path = self.read.statics.as_deref();
        let open = |path: &Path| StaticValues::open(path, labels, &self.read.csv);
        Ok(path.map(open).transpose()?)
    }

    /// Rejects values of whole series for a single one.
    pub(super) fn refuse_statics(&self) -> Result<()> {
        match &self.read.statics {
            Some(path) => Err(Error::Usage(format!(
                "--static-data {}: the data has one series, for which these values are constant \
                 (leave out this option)",
                path.display()
            ))),
            None => Ok(()),
        }
    }
}

/// Adds the columns known in the future to the features, unless some rows ahead are chosen already.
/// Returns a note of the added ones.
pub(super) fn add_leads(config: &mut SeriesConfig) -> Option<String> {
    let mut added = Vec::new();
    for name in &config.future {
        let is_lead =
            |feature: &Feature| matches!(feature, Feature::Lead(column, _) if column == name);
        if config.features.iter().any(is_lead) {
            continue;
        }
        config.features.extend(leads(config.horizon).map(|rows| Feature::Lead(name.clone(), rows)));
        added.push(format!("`{name}`"));
    }
    let rows = if config.horizon == 1 { "row" } else { "rows" };
    let (names, horizon) = (added.join(", "), config.horizon);
    (!added.is_empty()).then(|| format!("also reading {names} up to {horizon} {rows} ahead"))
}

/// The rows ahead that are inputs: all up to the horizon, or some at equal distances.
///
/// A model reads the rows between them as inputs of the rows before the last one.
fn leads(horizon: usize) -> impl Iterator<Item = usize> {
    let stride = horizon.div_ceil(MOST_LEADS);
    let mut leads: Vec<usize> = (0..horizon).step_by(stride).map(|back| horizon - back).collect();
    leads.reverse();
    leads.into_iter()
}

/// Adds values of whole series to the features, unless some are chosen already.
pub(super) fn add_statics(config: &mut SeriesConfig, values: &StaticValues) -> Result<()> {
    let mut chosen = false;
    for feature in &config.features {
        let Feature::Static(name) = feature else { continue };
        chosen = true;
        if !values.names().contains(name) {
            let nearest = nearest_name(name, values.names().iter().map(String::as_str));
            let nearest =
                nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"));
            return Err(Error::Usage(format!(
                "feature `{feature}`: {} has no value `{name}`{nearest}",
                values.path().display()
            )));
        }
    }
    if !chosen {
        config.features.extend(values.names().iter().cloned().map(Feature::Static));
    }
    Ok(())
}

/// The hash of data with the values of its series.
pub(super) fn hash(data: &str, values: Option<&StaticValues>) -> String {
    match values {
        Some(values) => sha256(format!("{data} {}\n", values.sha256()).as_bytes()),
        None => data.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_reach_the_horizon_in_equal_distances() {
        let of = |horizon| leads(horizon).collect::<Vec<_>>();
        assert_eq!(of(1), [1]);
        assert_eq!(of(7), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(of(24), (1..=12).map(|lead| 2 * lead).collect::<Vec<_>>());
        assert_eq!(of(30), [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
        assert!(of(1000).len() <= MOST_LEADS && of(1000).ends_with(&[1000]));
    }
}
