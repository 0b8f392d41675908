//! Compares the fused and the reference operators with Keras and PyTorch in float64: forward
//! values, final states and every gradient.

mod arguments;

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{DType, Device, DeviceType, Gradients, Tensor, TensorData};
use rnn_kernels::{
    GruWeights, HiddenOutput, LstmOutput, LstmState, LstmWeights, SimpleRnnWeights, Variant, gru,
    gru_reference, lstm, lstm_reference, simple_rnn, simple_rnn_reference,
};
use safetensors::SafeTensors;

/// Tolerance in float64. Only the order of sums differs, over at most 33 units.
const TOLERANCE_F64: f64 = 1e-10;
/// Tolerance in float32, relative to the largest value of a tensor. Sums have up to 100 terms, each
/// rounded at 6e-8, in the forward and the backward pass.
const TOLERANCE_F32: f64 = 1e-5;

/// The gradient of Burn's `erf` has a constant rounded to float32.
const TOLERANCE_GELU: f64 = 1e-7;

struct Golden<'a> {
    file: String,
    tensors: SafeTensors<'a>,
    device: Device,
    dtype: DType,
    fused: bool,
}

impl Golden<'_> {
    fn data(&self, name: &str) -> TensorData {
        let view = self
            .tensors
            .tensor(name)
            .unwrap_or_else(|error| panic!("{}: {name}: {error}", self.file));
        let values: Vec<f64> = view
            .data()
            .chunks_exact(8)
            .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        TensorData::new(values, view.shape().to_vec())
    }

    /// A tensor without gradient.
    fn constant<const D: usize>(&self, name: &str) -> Tensor<D> {
        Tensor::from_data(self.data(name), (&self.device, self.dtype))
    }

    /// A tensor with gradient.
    fn leaf<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.constant(name).require_grad()
    }

    fn check<const D: usize>(&self, name: &str, got: Tensor<D>) {
        self.check_data(name, got.into_data());
    }

    fn check_data(&self, name: &str, got: TensorData) {
        let expected = self.data(name);
        assert_eq!(expected.shape(), got.shape(), "{}: {name}", self.file);
        let largest = expected.iter::<f64>().fold(1.0, |largest, value| value.abs().max(largest));
        let tolerance = if self.file.contains("activation-gelu")
            && name.starts_with("grad_")
            && self.dtype == DType::F64
        {
            TOLERANCE_GELU
        } else if self.dtype == DType::F64 {
            TOLERANCE_F64
        } else {
            TOLERANCE_F32 * largest
        };
        let pairs = expected.iter::<f64>().zip(got.iter::<f64>());
        let bad: Vec<String> = pairs
            .enumerate()
            .filter(|(_, (expected, got))| {
                let is_close = (expected - got).abs()
                    <= tolerance
                        * if self.dtype == DType::F64 { expected.abs().max(1.0) } else { 1.0 };
                !is_close // a NaN is never close
            })
            .map(|(index, (expected, got))| {
                format!(
                    "[{index}] expected {expected}, got {got}, |delta| {:e}",
                    (expected - got).abs()
                )
            })
            .collect();
        assert!(
            bad.is_empty(),
            "{}: {name} differs beyond {tolerance:e}:\n{}",
            self.file,
            bad.join("\n")
        );
    }

    fn check_gradient<const D: usize>(&self, name: &str, leaf: &Tensor<D>, gradients: &Gradients) {
        let gradient =
            leaf.grad(gradients).unwrap_or_else(|| panic!("{}: no gradient of {name}", self.file));
        self.check(&format!("grad_{name}"), gradient);
    }

    /// Gradients of the stored loss over all outputs.
    fn backward(&self, output: &HiddenOutput, final_cell: Option<&Tensor<2>>) -> Gradients {
        let mut loss = (output.sequence.clone() * self.constant("upstream_output")).sum()
            + (output.state.clone() * self.constant("upstream_final_hidden")).sum();
        if let Some(cell) = final_cell {
            loss = loss + (cell.clone() * self.constant("upstream_final_cell")).sum();
        }
        loss.backward()
    }
}

/// Cells, as prefixes of the golden files' names. The test of a cell reads all of its files.
const CELLS: [&str; 3] = ["simple_rnn", "lstm", "gru"];

/// Runs a check on every golden file of a cell, on both CPU backends and, if built in, on wgpu.
fn for_each(cell: &str, check: impl Fn(&Golden<'_>)) {
    for_each_file(&compared_folder(), &format!("{cell}_"), |bytes, name| {
        for (dtype, fused) in [(DType::F64, true), (DType::F64, false), (DType::F32, true)] {
            on_backends(bytes, name, dtype, fused, &check);
        }
    });
}

/// Folder of the compared files.
fn compared_folder() -> PathBuf {
    std::env::var_os("RNN_GOLDEN_DIR").map_or_else(golden_folder, PathBuf::from)
}

#[test]
fn golden_files_exist_for_each_cell_and_all_are_read() {
    let folder = compared_folder();
    let mut names = Vec::new();
    for_each_file(&folder, "", |_, name| names.push(name.to_owned()));
    for name in &names {
        let read = CELLS.iter().filter(|cell| name.starts_with(&format!("{cell}_"))).count();
        assert!(
            read == 1,
            "{name}: read by {read} tests, expected one: its name must start with its cell, {}",
            CELLS.join(", ")
        );
    }
    // A user's own files may come from one framework only.
    let sources: &[&str] = if folder == golden_folder() { &["_b", "_pytorch_b"] } else { &["_"] };
    for (cell, source) in
        CELLS.into_iter().flat_map(|cell| sources.iter().map(move |source| (cell, source)))
    {
        let prefix = format!("{cell}{source}");
        assert!(
            names.iter().any(|name| name.starts_with(&prefix)),
            "{}: no file {prefix}*",
            folder.display()
        );
    }
}

fn golden_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Calls a function with the bytes and the name of every file in a folder whose name starts with
/// `prefix`. Returns the number of files.
fn for_each_file(folder: &Path, prefix: &str, mut visit: impl FnMut(&[u8], &str)) -> usize {
    let mut count = 0;
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(prefix) && name.ends_with(".safetensors") {
            visit(&fs::read(&path).unwrap(), &name);
            count += 1;
        }
    }
    count
}

fn on_backends(bytes: &[u8], name: &str, dtype: DType, fused: bool, check: impl Fn(&Golden<'_>)) {
    #[cfg(feature = "wgpu")]
    let gpu = (dtype == DType::F32 && fused).then_some(DeviceType::Wgpu);
    #[cfg(not(feature = "wgpu"))]
    let gpu = None;
    for backend in [DeviceType::Flex, DeviceType::NdArray].into_iter().chain(gpu) {
        let file = format!(
            "{name} on {backend:?} in {dtype:?}, {}",
            if fused { "fused" } else { "reference" }
        );
        let device = Device::enumerate(backend)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("{file}: no such backend"));
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        check(&Golden { file, tensors, device: device.autodiff(), dtype, fused });
    }
}

#[test]
fn golden_simple_rnn_agrees_with_keras_and_pytorch() {
    for_each("simple_rnn", |golden| {
        let [kernel, recurrent_kernel] =
            ["kernel", "recurrent_kernel"].map(|name| golden.leaf::<2>(name));
        let (input, initial, bias) = (
            golden.leaf::<3>("input"),
            golden.leaf::<2>("initial_hidden"),
            golden.leaf::<1>("bias"),
        );
        let weights = SimpleRnnWeights {
            kernel: kernel.clone(),
            recurrent_kernel: recurrent_kernel.clone(),
            bias: Some(bias.clone()),
        };
        let output = if golden.fused {
            simple_rnn(input.clone(), weights, Some(initial.clone()), None)
        } else {
            simple_rnn_reference(input.clone(), weights, Some(initial.clone()), &Variant::default())
        };
        golden.check("output", output.sequence.clone());
        golden.check("final_hidden", output.state.clone());
        let gradients = golden.backward(&output, None);
        golden.check_gradient("input", &input, &gradients);
        golden.check_gradient("initial_hidden", &initial, &gradients);
        golden.check_gradient("kernel", &kernel, &gradients);
        golden.check_gradient("recurrent_kernel", &recurrent_kernel, &gradients);
        golden.check_gradient("bias", &bias, &gradients);
    });
}

#[test]
fn golden_lstm_agrees_with_keras_and_pytorch() {
    for_each("lstm", |golden| {
        let [kernel, recurrent_kernel] =
            ["kernel", "recurrent_kernel"].map(|name| golden.leaf::<2>(name));
        let [hidden, cell] = ["initial_hidden", "initial_cell"].map(|name| golden.leaf::<2>(name));
        let (input, bias) = (golden.leaf::<3>("input"), golden.leaf::<1>("bias"));
        let weights = LstmWeights {
            kernel: kernel.clone(),
            recurrent_kernel: recurrent_kernel.clone(),
            bias: Some(bias.clone()),
        };
        let state = LstmState { hidden: hidden.clone(), cell: cell.clone() };
        let LstmOutput { sequence, state } = if golden.fused {
            lstm(input.clone(), weights, Some(state), None)
        } else {
            lstm_reference(input.clone(), weights, Some(state), &Variant::default())
        };
        golden.check("output", sequence.clone());
        golden.check("final_hidden", state.hidden.clone());
        golden.check("final_cell", state.cell.clone());
        let gradients =
            golden.backward(&HiddenOutput { sequence, state: state.hidden }, Some(&state.cell));
        golden.check_gradient("input", &input, &gradients);
        golden.check_gradient("initial_hidden", &hidden, &gradients);
        golden.check_gradient("initial_cell", &cell, &gradients);
        golden.check_gradient("kernel", &kernel, &gradients);
        golden.check_gradient("recurrent_kernel", &recurrent_kernel, &gradients);
        golden.check_gradient("bias", &bias, &gradients);
    });
}

#[test]
fn golden_gru_agrees_with_keras_and_pytorch() {
    for_each("gru", |golden| {
        let [kernel, recurrent_kernel, bias] =
            ["kernel", "recurrent_kernel", "bias"].map(|name| golden.leaf::<2>(name));
        let (input, initial) = (golden.leaf::<3>("input"), golden.leaf::<2>("initial_hidden"));
        // Keras keeps both biases in one tensor: the input's row, then the recurrent one.
        let row = |index| Some(bias.clone().narrow(0, index, 1).squeeze_dim(0));
        let weights = GruWeights {
            kernel: kernel.clone(),
            recurrent_kernel: recurrent_kernel.clone(),
            bias: row(0),
            recurrent_bias: row(1),
        };
        let output = if golden.fused {
            gru(input.clone(), weights, Some(initial.clone()), None)
        } else {
            gru_reference(input.clone(), weights, Some(initial.clone()), &Variant::default())
        };
        golden.check("output", output.sequence.clone());
        golden.check("final_hidden", output.state.clone());
        let gradients = golden.backward(&output, None);
        golden.check_gradient("input", &input, &gradients);
        golden.check_gradient("initial_hidden", &initial, &gradients);
        golden.check_gradient("kernel", &kernel, &gradients);
        golden.check_gradient("recurrent_kernel", &recurrent_kernel, &gradients);
        golden.check_gradient("bias", &bias, &gradients);
    });
}
