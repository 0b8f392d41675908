//! The checkpoints of a run: its best, and the last of a run that goes on.

mod manifest;
mod open;
mod part;
mod read;
mod record;
mod store;

pub(crate) use manifest::{Best, Files, Last, Sums};
pub(crate) use open::read_manifest;
pub(crate) use part::PartCheckpointer;
pub(crate) use record::{fits_an_optimizer, read as read_record};
pub(crate) use store::{Checkpoints, Saving};
