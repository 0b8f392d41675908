//! Results as CSV and JSON text.

use crate::error::{Error, Result};

/// A CSV file of a header and a row for each item.
pub(crate) fn csv_rows<T>(header: &[String], items: &[T], row: impl Fn(&T) -> Vec<String>) -> Result<Vec<u8>> {
    let internal = |error: String| Error::Internal(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(|error| internal(error.to_string()))?;
    for item in items {
        writer.write_record(row(item)).map_err(|error| internal(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| internal(error.to_string()))
}

/// A JSON document of several lines.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| Error::Internal(error.to_string()))
}
