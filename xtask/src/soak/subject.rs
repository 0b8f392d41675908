//! The runs that are disturbed.

use super::Setup;
use crate::survival::Run;

/// The letters experiment of all letters, a second or two long.
pub(super) fn letters(setup: &Setup, folder: &str, options: &[&str]) -> Run {
    of(setup, folder, "letters-embedding-4", options)
}

/// A small model of the synthetic prices, with a schedule, early stopping that does not stop, and dropout.
pub(super) fn prices(setup: &Setup, folder: &str, options: &[&str]) -> Run {
    let model = ["--units", "12,12", "--window", "20", "--dropout", "0.2"];
    of(setup, folder, "stock-gru", &[&model[..], options].concat())
}

fn of(setup: &Setup, folder: &str, experiment: &'static str, options: &[&str]) -> Run {
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    Run { program: setup.program.clone(), folder: setup.scratch.join(folder), experiment, options }
}
