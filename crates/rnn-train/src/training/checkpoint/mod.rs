//! The checkpoints of a run: the best one, and the last one of an unfinished run.

mod manifest;
mod open;
mod part;
mod read;
mod record;
mod store;

pub(crate) use manifest::{Best, Files, Last, Manifest, NAMES, Report, Reports, Stamp, Sums};
pub(crate) use open::read_manifest;
pub(crate) use part::PartCheckpointer;
pub(crate) use read::blank;
pub(crate) use record::{fits_an_optimizer, read as read_record};
pub(crate) use store::{Checkpoints, Saving};
