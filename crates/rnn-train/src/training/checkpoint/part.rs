use std::{panic, sync::Arc};

use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

use super::{manifest::PARTS, record, store::Checkpoints};
use crate::backend::Watchdog;

/// Saves and restores one of the three records of a checkpoint for burn-train.
///
/// The number that burn-train passes comes from [`Checkpoints::begin`].
pub(crate) struct PartCheckpointer {
    index: usize,
    checkpoints: Arc<Checkpoints>,
    /// Name of the GPU that holds the record, if any.
    gpu: Option<String>,
}

impl PartCheckpointer {
    /// Handles the record `PARTS[index]`; `gpu` names the GPU that holds it, if any.
    pub(crate) fn new(checkpoints: &Arc<Checkpoints>, index: usize, gpu: Option<String>) -> Self {
        Self { index, checkpoints: checkpoints.clone(), gpu }
    }
}

impl<R: Checkpoint> Checkpointer<R> for PartCheckpointer {
    fn save(&self, number: usize, record: R) -> Result<(), CheckpointerError> {
        // Reading a record from its device may panic. That would end burn-train's thread, and then
        // the process, because dropping its handle panics.
        let watch = Watchdog::start(self.gpu.as_deref());
        let read = panic::catch_unwind(panic::AssertUnwindSafe(|| record.checkpoint_into_bytes()));
        drop(watch);
        let read = read.map_err(|_| {
            CheckpointerError::Unknown(format!(
                "the {} cannot be read from its device",
                PARTS[self.index]
            ))
        })?;
        let bytes = read.map_err(CheckpointerError::Record)?;
        self.checkpoints
            .part_saved(number, self.index, bytes)
            .map_err(|error| CheckpointerError::Unknown(error.to_string()))
    }

    /// The record to start from; burn-train passes the last completed epoch.
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

    /// A record whose device fails during reading.
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
