//! JSON documents with a checksum.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{documents::to_json, error::FileError};

/// Returns the SHA-256 of bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Field of the checksum in a sealed document.
const SEAL: &str = "sha256";

/// Returns an indented JSON object with the field `sha256`, a checksum of its other fields.
///
/// # Errors
///
/// [`FileError::Serialize`] if the value has no JSON form.
///
/// # Panics
///
/// If the value is not a struct or a map.
pub fn seal(value: &impl Serialize) -> Result<String, FileError> {
    let mut document = serde_json::to_value(value).map_err(FileError::serialize)?;
    let hash = sha256(document.to_string().as_bytes());
    document[SEAL] = hash.into();
    to_json(&document)
}

/// Reads a document of [`seal`] and checks its layout and checksum.
///
/// The layout is the field `format`, or 1 if that is missing.
///
/// # Errors
///
/// A message without the file name if the document is malformed, or its layout or checksum does not
/// match.
pub fn unseal<T: DeserializeOwned>(text: &str, layout: u32) -> Result<T, String> {
    let malformed = |error: serde_json::Error| format!("cannot be read ({error})");
    let mut document: Value = serde_json::from_str(text).map_err(malformed)?;
    let Some(fields) = document.as_object_mut() else {
        return Err("is not a JSON object".to_owned());
    };
    let seal = fields.remove(SEAL);
    match fields.get("format").map_or(Some(1), Value::as_u64) {
        Some(format) if format == u64::from(layout) => {}
        Some(format) => {
            let age = if format > u64::from(layout) { "a newer" } else { "an older" };
            return Err(format!(
                "was written by {age} version of this program (layout {format}, this one reads \
                 {layout})"
            ));
        }
        None => return Err("has an unknown layout".to_owned()),
    }
    if seal.as_ref().and_then(Value::as_str) != Some(&sha256(document.to_string().as_bytes())) {
        return Err("does not match its checksum: it was damaged, or changed by hand".to_owned());
    }
    serde_json::from_value(document).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Document {
        format: u32,
        loss: f64,
        name: String,
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_document_is_detected() {
        let document = Document { format: 2, loss: 0.1 + 0.2, name: "價格".to_owned() };
        let text = seal(&document).unwrap();
        assert_eq!(unseal::<Document>(&text, 2), Ok(document.clone()));
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // Changed white space between the fields may pass.
            let read =
                String::from_utf8(bytes).ok().and_then(|text| unseal::<Document>(&text, 2).ok());
            assert!(read.is_none_or(|read| read == document), "bit {bit}");
        }
        for end in 0..text.trim_end().len() {
            assert!(
                !text.is_char_boundary(end) || unseal::<Document>(&text[..end], 2).is_err(),
                "{end} bytes"
            );
        }
        let newer =
            unseal::<Document>(&seal(&Document { format: 3, ..document }).unwrap(), 2).unwrap_err();
        assert_eq!(
            newer,
            "was written by a newer version of this program (layout 3, this one reads 2)"
        );
    }
}
