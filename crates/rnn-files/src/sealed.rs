//! JSON documents with a checksum.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{documents::to_json, error::FileError};

/// Returns the SHA-256 of bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Field of the checksum in a sealed document.
const SEAL: &str = "sha256";

/// Returns an indented JSON object with the field `sha256`, a checksum of its other fields.
///
/// # Errors
///
/// [`FileError::Serialize`] if the value is not a struct or a map, or has no JSON form.
pub fn seal(value: &impl Serialize) -> Result<String, FileError> {
    Sealed { format: None, value, sha256: None }.text()
}

/// Like [`seal`], for a value without a field `format`: adds this field with the layout.
///
/// # Errors
///
/// As [`seal`].
pub fn seal_as(value: &impl Serialize, layout: u32) -> Result<String, FileError> {
    Sealed { format: Some(layout), value, sha256: None }.text()
}

#[derive(Serialize)]
struct Sealed<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<u32>,
    #[serde(flatten)]
    value: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl<T: Serialize> Sealed<'_, T> {
    fn text(self) -> Result<String, FileError> {
        // The checksum is of the document as it is read back.
        let document: Value =
            serde_json::from_str(&to_json(&self)?).map_err(FileError::serialize)?;
        let hash = sha256(document.to_string().as_bytes());
        to_json(&Self { sha256: Some(hash), ..self })
    }
}

/// Reads a document of [`seal`] and checks its layout and checksum.
///
/// The layout is the field `format`, or 1 if that is missing. The value is read from the other
/// fields and `format`.
///
/// # Errors
///
/// A message without the file name if the document is malformed, or its layout or checksum does not
/// match.
pub fn unseal<T: DeserializeOwned>(text: &str, layout: u32) -> Result<T, String> {
    read(text, layout, false)
}

/// Like [`unseal`], but also reads a document of layout 1 without a checksum.
///
/// Early versions of this program wrote such documents.
///
/// # Errors
///
/// As [`unseal`].
pub fn unseal_or_early<T: DeserializeOwned>(text: &str, layout: u32) -> Result<T, String> {
    read(text, layout, true)
}

fn read<T: DeserializeOwned>(text: &str, layout: u32, accept_early: bool) -> Result<T, String> {
    let malformed = |error: serde_json::Error| format!("cannot be read ({error})");
    let mut document: Value = serde_json::from_str(text).map_err(malformed)?;
    let Some(fields) = document.as_object_mut() else {
        return Err("is not a JSON object".to_owned());
    };
    let seal = fields.remove(SEAL);
    match fields.get("format").map_or(Some(1), Value::as_u64) {
        Some(1) if accept_early && seal.is_none() => {
            return serde_json::from_value(document).map_err(malformed);
        }
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

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Scores {
        rmse: f64,
        names: Vec<String>,
    }

    #[test]
    fn a_document_of_layout_1_may_have_no_checksum_and_later_ones_must() {
        let scores = Scores { rmse: 0.1, names: vec!["a".to_owned()] };
        let early = to_json(&scores).unwrap();
        assert_eq!(unseal_or_early::<Scores>(&early, 2), Ok(scores.clone()));
        assert!(unseal::<Scores>(&early, 2).is_err());
        let text = seal_as(&scores, 2).unwrap();
        assert!(text.starts_with("{\n  \"format\": 2,\n  \"rmse\": 0.1,"), "{text}");
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(bytes)
                .ok()
                .and_then(|text| unseal_or_early::<Scores>(&text, 2).ok());
            assert!(read.is_none_or(|read| read == scores), "bit {bit}");
        }
        assert!(seal(&3).is_err());
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
