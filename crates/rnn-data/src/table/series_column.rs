//! The column of labels that tells the series of a long file apart.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::CsvFile;
use crate::DataError;

/// Names of columns of labels in any capitalisation, the likeliest first.
const NAMES: [&str; 28] = [
    "unique_id",
    "series_id",
    "series",
    "ts_code",
    "ticker",
    "symbol",
    "stock_code",
    "stock",
    "instrument",
    "isin",
    "code",
    "股票代码",
    "证券代码",
    "代码",
    "item_id",
    "sensor_id",
    "sensor",
    "station",
    "device",
    "meter",
    "store",
    "product",
    "item",
    "country",
    "region",
    "entity",
    "name",
    "id",
];
/// Most columns that are looked at.
const MOST_TRIED: usize = 4;
/// Number of first rows after which a column of different labels is one of row numbers.
const LOOKED_AT: usize = 1_000;

/// Labels of a column beside the dates.
struct Tried {
    index: usize,
    labels: HashSet<u64>,
    /// Pairs of date and label.
    pairs: HashSet<u64>,
    repeats: usize,
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl CsvFile {
    /// Finds the column of labels that explains why dates repeat; none if dates do not repeat.
    ///
    /// All rows are read, since the first series may be long. A malformed row ends the search; it
    /// is reported when the file is read.
    pub(super) fn guessed_series_column(&self, date: usize) -> Result<Option<usize>, DataError> {
        let names = self.columns().names();
        let place = |name: &str| names.iter().position(|column| column.to_lowercase() == name);
        let mut tried: Vec<Tried> = NAMES
            .iter()
            .filter_map(|name| place(name))
            .filter(|&index| index != date)
            .take(MOST_TRIED)
            .map(|index| Tried { index, labels: HashSet::new(), pairs: HashSet::new(), repeats: 0 })
            .collect();
        if tried.is_empty() {
            return Ok(None);
        }
        let (mut dates, mut repeats, mut rows) = (HashSet::new(), 0, 0);
        let (mut records, mut record) = (self.records()?, csv::StringRecord::new());
        while let Ok(Some(_)) = records.next(&mut record) {
            rows += 1;
            let time = self.parts.text(date, &record);
            repeats += usize::from(!dates.insert(hash(&time)));
            for one in &mut tried {
                let label = record[one.index].trim();
                one.labels.insert(hash(label));
                one.repeats += usize::from(!one.pairs.insert(hash((&time, label))));
            }
            if rows == LOOKED_AT {
                tried.retain(|one| one.labels.len() < LOOKED_AT || repeats > 0);
                if tried.is_empty() {
                    return Ok(None);
                }
            }
        }
        // Row numbers have one row each. The doubled hour of summer time repeats a few dates within
        // a series.
        let explains =
            |one: &&Tried| (2..=rows / 2).contains(&one.labels.len()) && 20 * one.repeats < repeats;
        Ok(tried.iter().find(explains).map(|one| one.index))
    }
}
