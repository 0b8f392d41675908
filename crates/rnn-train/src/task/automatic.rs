//! Settings that follow from the data: seasons, window and the length of a training.

use std::{collections::BTreeSet, path::Path};

use jiff::civil::DateTime;
use rnn_data::{SeriesConfig, SplitTimes, Table, find_seasons, first_from};

use super::columns::WINDOW;
use crate::settings::{Count, Options, SeriesSettings, Typed};

/// Number of first series of a panel that decide its seasons.
const SEARCHED: usize = 50;
/// Shortest and longest window.
const WINDOWS: [usize; 2] = [8, 96];
/// A window is at most this fraction of the rows before the test set.
const WINDOW_FRACTION: usize = 6;

impl SeriesSettings {
    /// Completes a config with the seasons of its tables and the window that they suggest.
    ///
    /// Only rows before the test set are searched. Seasons that were found are logged.
    pub(super) fn complete(&self, config: &mut SeriesConfig, path: &Path, tables: &[Table]) {
        let starts = split_times(config, path, tables);
        let known = |table: &Table| {
            starts.map_or(table.rows(), |starts| first_from(&table.times, starts.test))
        };
        match &self.seasons {
            Some(lengths) => config.seasons.clone_from(lengths),
            None => {
                let found = tables.iter().take(SEARCHED).map(|table| {
                    let rows = known(table);
                    let values = table.column(&config.target).unwrap_or_default();
                    find_seasons(&table.times[..rows], &values[..rows])
                });
                config.seasons = most_common(found.collect());
                log::info!("{}: {}", path.display(), seasons_note(&config.seasons));
            }
        }
        if self.window.is_none() {
            let [shortest, longest] = WINDOWS;
            let rows = tables.iter().map(known).max().unwrap_or(0);
            let wanted = config.seasons.first().map_or(WINDOW, |season| 2 * season);
            let most = (rows / WINDOW_FRACTION).clamp(shortest, longest);
            config.window = wanted.clamp(shortest, most);
        }
    }
}

/// The times at which all series are split. If the sets do not fit, preparing them reports it.
pub(super) fn split_times(
    config: &SeriesConfig,
    path: &Path,
    tables: &[Table],
) -> Option<SplitTimes> {
    let times: Vec<DateTime> = match tables {
        [table] => table.times.clone(),
        _ => {
            let all: BTreeSet<DateTime> =
                tables.iter().flat_map(|table| table.times.iter().copied()).collect();
            all.into_iter().collect()
        }
    };
    config.split.times(path, 1, config.horizon, &times).ok()
}

/// The seasons that at least half of the series have.
fn most_common(found: Vec<Vec<usize>>) -> Vec<usize> {
    let mut lengths: Vec<usize> = found.iter().flatten().copied().collect();
    lengths.sort_unstable();
    lengths.dedup();
    let has = |length: &usize| found.iter().filter(|one| one.contains(length)).count();
    lengths.retain(|length| 2 * has(length) >= found.len());
    lengths
}

fn seasons_note(seasons: &[usize]) -> String {
    if seasons.is_empty() {
        return "no season found (use --season to set one)".to_owned();
    }
    let lengths: Vec<String> = seasons.iter().map(usize::to_string).collect();
    let word = if seasons.len() == 1 { "season" } else { "seasons" };
    format!("{word} of {} rows found (use --season to set others)", lengths.join(" and "))
}

/// The length of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    batch_size: usize,
    epochs: usize,
    patience: usize,
    /// Windows of an epoch; 0: all.
    samples: usize,
}

impl Steps {
    /// Number of steps of a training, unless an epoch has more.
    const STEPS: usize = 3000;
    /// Number of steps of an epoch that a batch size aims at.
    const PER_EPOCH: usize = 30;
    /// Smallest and largest batch size.
    ///
    /// On an hourly series before its test set, 128 was better than 64 and 256.
    const BATCH_SIZES: [usize; 2] = [16, 128];
    /// Most steps of an epoch: a long series draws its windows anew for each.
    const MOST: usize = 60;

    /// The length for a number of windows in an epoch.
    pub(super) fn new(windows: usize) -> Self {
        let [least, most] = Self::BATCH_SIZES;
        let batch_size = (windows / Self::PER_EPOCH).max(1).next_power_of_two().clamp(least, most);
        let drawn = Self::MOST * batch_size;
        let per_epoch = windows.min(drawn).div_ceil(batch_size).max(1);
        let epochs = Self::STEPS.div_ceil(per_epoch).clamp(10, 200);
        let samples = if windows > drawn { drawn } else { 0 };
        Self { batch_size, epochs, patience: (epochs / 4).max(5), samples }
    }

    pub(super) fn options(self) -> Options {
        let Self { batch_size, epochs, patience, samples } = self;
        Options {
            batch_size: Some(Typed(Count(batch_size))),
            epochs: Some(Typed(Count(epochs))),
            patience: Some(patience),
            samples: Some(samples),
            ..Options::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_windows_are_trained_for_as_many_steps_as_many() {
        let of = |windows| {
            let Steps { batch_size, epochs, patience, samples } = Steps::new(windows);
            (batch_size, epochs, patience, samples)
        };
        assert_eq!(of(40), (16, 200, 50, 0));
        assert_eq!(of(700), (32, 137, 34, 0));
        assert_eq!(of(6000), (128, 64, 16, 0));
        assert_eq!(of(8000), (128, 50, 12, 7680));
        assert_eq!(of(1_000_000), (128, 50, 12, 7680), "no longer than for a few thousand");
    }

    #[test]
    fn a_panel_has_the_seasons_of_half_of_its_series() {
        assert_eq!(most_common(vec![vec![7], vec![7, 365], vec![]]), [7]);
        assert_eq!(most_common(vec![vec![12], vec![]]), [12]);
        assert_eq!(most_common(vec![vec![], vec![], vec![4]]), [0; 0]);
    }
}
