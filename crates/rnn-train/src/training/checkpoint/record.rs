//! Reads Burn's records. A damaged file may make Burn panic.

use burn::{optim::OptimizerRecord, store::RecordError};

use crate::{
    panics::caught,
    settings::{OptimizerName, OptimizerSettings},
};

/// Reads a record, and turns a panic into an error.
pub(crate) fn read<T>(read: impl FnOnce() -> Result<T, RecordError>) -> Result<T, RecordError> {
    let (result, panic) = caught(read);
    result.unwrap_or_else(|| {
        Err(RecordError::Io(
            panic.map_or_else(|| "the file is damaged".to_owned(), |panic| panic.text),
        ))
    })
}

/// Checks that Burn can parse the optimizer record without panicking.
///
/// Adam ignores the entries of other optimizers.
pub(crate) fn fits_an_optimizer(record: OptimizerRecord) -> Result<(), RecordError> {
    let adam = OptimizerSettings {
        name: OptimizerName::Adam,
        weight_decay: 0.0,
        momentum: 0.0,
        clip_norm: 0.0,
    };
    read(|| Ok(adam.build().load_record(record))).map(drop)
}
