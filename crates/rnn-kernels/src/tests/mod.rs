//! Tests of the public operators: fused, composed and reference versions are compared with each
//! other and with finite differences.

mod agreement;
#[cfg(feature = "gpu")]
mod gpu;
mod gradients;
mod misuse;

use burn::tensor::{Bool, DType, Device, Gradients, Tensor, TensorData};

use crate::{
    Cell, GruWeights, LstmState, LstmWeights, ResetState, Resets, SimpleRnnWeights, Steps, Variant,
    gru, gru_reference, lstm, lstm_reference, simple_rnn, simple_rnn_reference,
};

pub(super) const KINDS: [Cell; 3] = [Cell::SimpleRnn, Cell::Lstm, Cell::Gru];

/// Pseudo-random numbers in [-1, 1), equal on every machine.
pub(super) fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// The tensors of one test problem, in the order of [`Problem::NAMES`].
#[derive(Clone)]
pub(super) struct Problem {
    pub(super) kind: Cell,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) values: Vec<Vec<f64>>,
    pub(super) mask: Option<Vec<bool>>,
    pub(super) resets: Option<(Vec<bool>, ResetState)>,
    pub(super) has_states: bool,
}

/// Outputs of an operator.
pub(super) struct Found {
    pub(super) sequence: Tensor<3>,
    pub(super) hidden: Tensor<2>,
    pub(super) cell: Option<Tensor<2>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Path {
    Fused,
    Reference,
}

impl Problem {
    pub(super) const NAMES: [&'static str; 7] =
        ["input", "kernel", "recurrent kernel", "bias", "recurrent bias", "hidden", "cell"];

    pub(super) fn new(kind: Cell, [batch, time, input, units]: [usize; 4]) -> Self {
        let gates = kind.gates() * units;
        let shapes = [
            vec![batch, time, input],
            vec![input, gates],
            vec![units, gates],
            vec![gates],
            vec![gates],
            vec![batch, units],
            vec![batch, units],
        ];
        let scale = |index: usize| if index == 2 { 1.0 / (units as f64).sqrt() } else { 0.7 };
        let values = shapes.iter().enumerate().map(|(index, shape)| {
            let count = shape.iter().product();
            numbers(count, (index * 1000 + count) as u64)
                .into_iter()
                .map(|number| number * scale(index))
                .collect()
        });
        Self {
            kind,
            values: values.collect(),
            shapes: shapes.to_vec(),
            mask: None,
            resets: None,
            has_states: true,
        }
    }

    pub(super) fn with_mask(mut self) -> Self {
        let count = self.shapes[0][0] * self.shapes[0][1];
        // Masks about a third of the steps: at the start, in between and at the end.
        self.mask = Some(numbers(count, 77).into_iter().map(|number| number > -0.4).collect());
        self
    }

    /// Resets before about a third of the steps, the first one among them in some rows.
    pub(super) fn with_resets(mut self, to: ResetState) -> Self {
        let count = self.shapes[0][0] * self.shapes[0][1];
        let before = numbers(count, 78).into_iter().map(|number| number > 0.3).collect();
        self.resets = Some((before, to));
        self
    }

    fn leaf<const D: usize>(&self, index: usize, device: &Device, dtype: DType) -> Tensor<D> {
        let tensor = Tensor::from_data(
            TensorData::new(self.values[index].clone(), self.shapes[index].clone()),
            (device, dtype),
        );
        if device.is_autodiff() { tensor.require_grad() } else { tensor }
    }

    fn steps(&self, device: &Device) -> Steps {
        let tensor = |steps: &Vec<bool>| {
            let shape = [self.shapes[0][0], self.shapes[0][1]];
            Tensor::<2, Bool>::from_data(TensorData::new(steps.clone(), shape), device)
        };
        let resets = self.resets.as_ref();
        Steps {
            mask: self.mask.as_ref().map(tensor),
            resets: resets.map(|(before, to)| Resets { before: tensor(before), to: *to }),
        }
    }

    /// Runs an operator. The leaves are in the order of the names.
    pub(super) fn run(&self, path: Path, device: &Device, dtype: DType) -> (Found, Leaves) {
        let input = self.leaf::<3>(0, device, dtype);
        let [kernel, recurrent_kernel, hidden, cell] =
            [1, 2, 5, 6].map(|index| self.leaf::<2>(index, device, dtype));
        let [bias, recurrent_bias] = [3, 4].map(|index| self.leaf::<1>(index, device, dtype));
        let leaves = Leaves {
            input: input.clone(),
            matrices: [kernel.clone(), recurrent_kernel.clone()],
            biases: [bias.clone(), recurrent_bias.clone()],
            states: [hidden.clone(), cell.clone()],
        };
        let found = self.call(
            path,
            input,
            [kernel, recurrent_kernel],
            [bias, recurrent_bias],
            [hidden, cell],
        );
        (found, leaves)
    }

    pub(super) fn call(
        &self,
        path: Path,
        input: Tensor<3>,
        [kernel, recurrent_kernel]: [Tensor<2>; 2],
        [bias, recurrent_bias]: [Tensor<1>; 2],
        [hidden, cell]: [Tensor<2>; 2],
    ) -> Found {
        let steps = self.steps(&input.device());
        let variant = Variant { steps: steps.clone(), ..Variant::default() };
        let initial = self.has_states.then_some(hidden.clone());
        let bias = Some(bias);
        match self.kind {
            Cell::SimpleRnn => {
                let weights = SimpleRnnWeights { kernel, recurrent_kernel, bias };
                let found = match path {
                    Path::Fused => simple_rnn(input, weights, initial, steps),
                    Path::Reference => simple_rnn_reference(input, weights, initial, &variant),
                };
                Found { sequence: found.sequence, hidden: found.state, cell: None }
            }
            Cell::Gru => {
                let weights = GruWeights {
                    kernel,
                    recurrent_kernel,
                    bias,
                    recurrent_bias: Some(recurrent_bias),
                };
                let found = match path {
                    Path::Fused => gru(input, weights, initial, steps),
                    Path::Reference => gru_reference(input, weights, initial, &variant),
                };
                Found { sequence: found.sequence, hidden: found.state, cell: None }
            }
            Cell::Lstm => {
                let weights = LstmWeights { kernel, recurrent_kernel, bias };
                let initial = self.has_states.then_some(LstmState { hidden, cell });
                let found = match path {
                    Path::Fused => lstm(input, weights, initial, steps),
                    Path::Reference => lstm_reference(input, weights, initial, &variant),
                };
                Found {
                    sequence: found.sequence,
                    hidden: found.state.hidden,
                    cell: Some(found.state.cell),
                }
            }
        }
    }
}

/// Leaf tensors, with respect to which the loss is differentiated.
pub(super) struct Leaves {
    pub(super) input: Tensor<3>,
    pub(super) matrices: [Tensor<2>; 2],
    pub(super) biases: [Tensor<1>; 2],
    pub(super) states: [Tensor<2>; 2],
}

impl Leaves {
    /// Gradients in the order of the names; `None` if the loss does not depend on a leaf.
    pub(super) fn gradients(&self, gradients: &Gradients) -> Vec<Option<Vec<f64>>> {
        fn numbers<const D: usize>(gradient: Option<Tensor<D>>) -> Option<Vec<f64>> {
            gradient.map(|gradient| gradient.into_data().iter::<f64>().collect())
        }
        let mut all = vec![numbers(self.input.grad(gradients))];
        all.extend(self.matrices.iter().map(|leaf| numbers(leaf.grad(gradients))));
        all.extend(self.biases.iter().map(|leaf| numbers(leaf.grad(gradients))));
        all.extend(self.states.iter().map(|leaf| numbers(leaf.grad(gradients))));
        all
    }
}

/// Outputs that the loss depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) sequence: bool,
    pub(super) hidden: bool,
    pub(super) cell: bool,
}

impl Loss {
    pub(super) const ALL: Self = Self { sequence: true, hidden: true, cell: true };

    /// A weighted sum of the outputs, with different weights for each output.
    pub(super) fn of(self, found: &Found) -> Tensor<1> {
        fn weighted<const D: usize>(output: &Tensor<D>, seed: u64) -> Tensor<1> {
            let shape = output.dims();
            let weights = TensorData::new(numbers(shape.iter().product(), seed), shape);
            (output.clone() * Tensor::from_data(weights, (&output.device(), output.dtype()))).sum()
        }
        let parts = [
            self.sequence.then(|| weighted(&found.sequence, 11)),
            self.hidden.then(|| weighted(&found.hidden, 12)),
            found.cell.as_ref().filter(|_| self.cell).map(|cell| weighted(cell, 13)),
        ];
        parts.into_iter().flatten().reduce(|sum, part| sum + part).unwrap()
    }
}

pub(super) fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Fails on the first value whose error exceeds `tolerance`, relative to the largest value.
pub(super) fn assert_close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0f64, |largest, value| value.abs().max(largest));
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs() / largest;
        let is_close = error <= tolerance;
        assert!(
            is_close,
            "{what} [{index}]: got {got}, expected {expected}, off by {error:e} of the largest"
        );
    }
}
