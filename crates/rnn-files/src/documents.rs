//! CSV and JSON documents.

use serde::Serialize;

use crate::error::FileError;

/// Returns a CSV document with a header and one row per item.
///
/// # Shapes
///
/// - header and each row: `[columns]`
///
/// # Errors
///
/// [`FileError::Serialize`] if a row and the header differ in length.
pub fn csv_rows<T>(
    header: &[String],
    items: &[T],
    row: impl Fn(&T) -> Vec<String>,
) -> Result<Vec<u8>, FileError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(FileError::serialize)?;
    for item in items {
        writer.write_record(row(item)).map_err(FileError::serialize)?;
    }
    writer.into_inner().map_err(|error| FileError::serialize(error.into_error()))
}

/// Returns an indented JSON document that ends with a newline.
///
/// # Errors
///
/// [`FileError::Serialize`] if the value has no JSON form.
pub fn to_json(value: &impl Serialize) -> Result<String, FileError> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(FileError::serialize)
}
