//! Helpers that kill trainings and check their folders. The tests of the command and
//! `cargo xtask soak`, which runs longer, share this module.

mod disk;
pub(crate) mod kill;
mod random;
mod run;
pub(crate) mod same;
pub(crate) mod whole;

pub(crate) use disk::{FULL, failed_well, limited, limits, mounting, small_disk};
pub(crate) use kill::{Killed, Subject, round};
pub(crate) use random::Random;
pub(crate) use run::{Ended, Run};
pub(crate) use same::{kept, same};
pub(crate) use whole::{check, read_while_written};

/// A result with the problem and its place as the error.
pub(crate) type Result<T> = std::result::Result<T, String>;
