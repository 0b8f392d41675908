//! Exports the trained parameters of a model.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::Tensor,
};
use clap::ValueEnum;
use serde_json::Value;

use crate::error::{Error, Result};

/// File format of exported weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// Name, shape and values of each tensor as text
    Text,
    /// safetensors
    Safetensors,
}

/// Encodes the parameters of a model in a file format.
///
/// `metadata` goes into the header of a safetensors file: names and JSON values.
pub(crate) fn encode<M: Module>(
    model: &M,
    format: Format,
    experiment: &str,
    metadata: &[(&str, Value)],
) -> Result<Vec<u8>> {
    match format {
        Format::Text => Ok(text(model).into_bytes()),
        Format::Safetensors => safetensors(model, experiment, metadata),
    }
}

fn safetensors<M: Module>(
    model: &M,
    experiment: &str,
    metadata: &[(&str, Value)],
) -> Result<Vec<u8>> {
    let store = SafetensorsStore::from_bytes(None)
        .skip_enum_variants(true)
        .metadata("experiment", experiment);
    let mut store = metadata
        .iter()
        .fold(store, |store, (name, value)| store.metadata(*name, value.to_string()));
    model
        .save_into(&mut store)
        .and_then(|()| store.get_bytes())
        .map_err(|error| Error::Internal(error.to_string()))
        .and_then(ordered)
}

/// Sorts the header of a safetensors file by name. Its metadata has the random order of a hash map.
fn ordered(file: Vec<u8>) -> Result<Vec<u8>> {
    let malformed = || Error::Internal("the weights have no header".to_owned());
    let (length, rest) = file.split_first_chunk::<8>().ok_or_else(malformed)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| malformed())?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(malformed)?;
    let entries: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_slice(header).map_err(|error| Error::Internal(error.to_string()))?;
    let mut header =
        serde_json::to_vec(&entries).map_err(|error| Error::Internal(error.to_string()))?;
    // The format requires data aligned to eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes(), &header[..], data].concat())
}

/// Name, shape and values of each tensor, as the course prints them.
///
/// Names are paths in the model. Values are printed with full precision.
fn text<M: Module>(model: &M) -> String {
    let mut dump = Dump::default();
    model.visit(&mut dump);
    dump.text
}

#[derive(Default)]
struct Dump {
    path: Vec<(String, bool)>,
    text: String,
}

impl ModuleVisitor for Dump {
    fn enter_module(&mut self, name: &str, container: &str) {
        // The variant of an enum names the cell type, which is no part of the path.
        self.path.push((name.to_owned(), !container.starts_with("Enum:")));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self
            .path
            .iter()
            .filter(|(_, shown)| *shown)
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(".");
        let shape = param.val().dims();
        let data = param.val().into_data();
        let values: Vec<f32> = data.iter::<f32>().collect();
        self.text += &format!("{name}\nshape {shape:?}\n");
        for row in values.chunks(shape[D - 1].max(1)) {
            self.text += &row.iter().map(f32::to_string).collect::<Vec<_>>().join(" ");
            self.text.push('\n');
        }
        self.text.push('\n');
    }
}
