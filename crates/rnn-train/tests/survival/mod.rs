//! Killing trainings, and looking at what they leave: for the command's tests, and by path for
//! `cargo xtask soak`, which does the same for longer.

mod disk;
pub(crate) mod kill;
mod random;
mod run;
pub(crate) mod same;
mod whole;

pub(crate) use disk::{FULL, failed_well, limited, limits, mounting, small_disk};
pub(crate) use kill::{Killed, Subject, round};
pub(crate) use random::Random;
pub(crate) use run::{Ended, Run};
pub(crate) use same::{kept, same};
pub(crate) use whole::{check, read_while_written};

/// What is wrong, and where.
pub(crate) type Result<T> = std::result::Result<T, String>;
