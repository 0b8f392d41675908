//! What Burn reads, where a damaged file makes it panic.

use burn::{
    module::Module,
    store::{ModuleSnapshot, RecordError, SafetensorsStore},
};

use crate::console::caught;

/// Reads a record; a panic is an error.
pub(crate) fn read<T>(read: impl FnOnce() -> Result<T, RecordError>) -> Result<T, RecordError> {
    let (result, panic) = caught(read);
    result.unwrap_or_else(|| Err(RecordError::Io(panic.map_or_else(|| "it is damaged".to_owned(), |panic| panic.text))))
}

/// Reads a model's weights.
pub(crate) fn read_safetensors<M: Module>(mut model: M, bytes: Vec<u8>) -> Result<M, String> {
    let mut store = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
    let (result, panic) = caught(|| model.load_from(&mut store));
    match result {
        Some(Ok(_)) => Ok(model),
        Some(Err(error)) => Err(error.to_string()),
        None => Err(panic.map_or_else(|| "it is damaged".to_owned(), |panic| panic.text)),
    }
}
