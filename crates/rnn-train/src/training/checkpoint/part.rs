use std::{panic, sync::Arc};

use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

use super::{manifest::PARTS, record, store::Checkpoints};
use crate::backend::Watchdog;

/// Saves and restores one of the three records of a checkpoint, for burn-train; the number it
/// passes is that of [`Checkpoints::begin`].
pub(crate) struct PartCheckpointer {
    index: usize,
    checkpoints: Arc<Checkpoints>,
    /// Name of the adapter its numbers come from, if any.
    gpu: Option<String>,
}

impl PartCheckpointer {
    /// Saves and restores one of [`PARTS`]; `gpu` names the adapter its numbers come from, if any.
    pub(crate) fn new(checkpoints: &Arc<Checkpoints>, index: usize, gpu: Option<String>) -> Self {
        Self { index, checkpoints: checkpoints.clone(), gpu }
    }
}

impl<R: Checkpoint> Checkpointer<R> for PartCheckpointer {
    fn save(&self, number: usize, record: R) -> Result<(), CheckpointerError> {
        // A record is read from its device here. A panic would end burn-train's thread, and then
        // the process: its handle panics when it is dropped.
        let watch = Watchdog::start(self.gpu.as_deref());
        let read = panic::catch_unwind(panic::AssertUnwindSafe(|| record.checkpoint_into_bytes()));
        drop(watch);
        let read = read.map_err(|_| {
            CheckpointerError::Unknown(format!(
                "the numbers of the {} cannot be read",
                PARTS[self.index]
            ))
        })?;
        let bytes = read.map_err(CheckpointerError::Record)?;
        self.checkpoints
            .part_saved(number, self.index, bytes)
            .map_err(|error| CheckpointerError::Unknown(error.to_string()))
    }

    /// The record that training starts from; burn-train passes the epoch to continue after.
    fn restore(&self, _epoch: usize) -> Result<R, CheckpointerError> {
        let bytes = self
            .checkpoints
            .start(self.index)
            .map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        record::read(|| R::checkpoint_from_bytes(bytes)).map_err(CheckpointerError::Record)
    }

    fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use burn::{store::RecordError, tensor::Bytes};

    use super::*;
    use crate::run::RunFolder;

    /// A record whose device fails while it is read.
    struct Lost;

    impl Checkpoint for Lost {
        fn save(self, _: PathBuf) -> Result<(), CheckpointerError> {
            Ok(())
        }

        fn load(_: PathBuf) -> Result<Self, CheckpointerError> {
            Ok(Self)
        }

        fn checkpoint_from_bytes(_: Bytes) -> Result<Self, RecordError> {
            Ok(Self)
        }

        fn checkpoint_into_bytes(self) -> Result<Bytes, RecordError> {
            panic!("the device was lost")
        }
    }

    #[test]
    fn a_record_that_panics_is_an_error_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints =
            Checkpoints::open(&RunFolder::new(folder.path(), "letters-onehot-1".parse().unwrap()))
                .unwrap();
        assert!(matches!(
            PartCheckpointer::new(&checkpoints, 0, None).save(3, Lost),
            Err(CheckpointerError::Unknown(_))
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
