//! Pads the hidden units of a call to a multiple of four, for kernels that read vectors.
//!
//! A surplus unit has zero weights, bias and state, so that its state and all its gradients stay
//! zero.

use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps},
    tensor::Shape,
};
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

use super::tensors::narrow;
use crate::{
    cell::Cell,
    operands::{Gradients, Operands, Optional, Outputs, Saved, Upstream, dims},
};

/// Hidden units before and after padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Padding {
    pub(super) kind: Cell,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Padding {
    /// Padding of `hidden` units; `None` if it is a multiple of four already.
    pub(super) fn of(kind: Cell, hidden: usize) -> Option<Self> {
        let to = hidden.next_multiple_of(4);
        (to > hidden).then_some(Self { kind, from: hidden, to })
    }

    pub(super) fn operands(self, operands: &Operands<CubeBackend>) -> Operands<CubeBackend> {
        let Self { kind, .. } = self;
        let bias = operands.bias.clone();
        let [numbers] = dims(bias.shape());
        let bias = self.wider(CubeBackend::float_reshape(bias, Shape::new([1, numbers])));
        let recurrent_kernel = self.wider(operands.recurrent_kernel.clone());
        Operands {
            kernel: self.wider(operands.kernel.clone()),
            recurrent_kernel: joined(recurrent_kernel, 0, self.to - self.from),
            bias: CubeBackend::float_reshape(bias, Shape::new([kind.sums() * self.to])),
            hidden: self.optional(&operands.hidden),
            cell: self.optional(&operands.cell),
            ..operands.clone()
        }
    }

    pub(super) fn saved(self, saved: Saved<CubeBackend>) -> Saved<CubeBackend> {
        let [sums, hidden, cell] =
            [saved.sums, saved.hidden, saved.cell].map(|tensor| self.wider(tensor));
        Saved { sums, hidden, cell }
    }

    pub(super) fn upstream(self, upstream: &Upstream<CubeBackend>) -> Upstream<CubeBackend> {
        let sequence = upstream.sequence.as_ref().map(|sequence| {
            let [batch, time, hidden] = dims(sequence.shape());
            let rows = Shape::new([batch * time, hidden]);
            let rows = self.wider(CubeBackend::float_reshape(sequence.clone(), rows));
            CubeBackend::float_reshape(rows, Shape::new([batch, time, self.to]))
        });
        Upstream {
            sequence: sequence.into(),
            hidden: self.optional(&upstream.hidden),
            cell: self.optional(&upstream.cell),
        }
    }

    /// Outputs and saved values without the surplus units.
    pub(super) fn results(
        self,
        (outputs, saved): (Outputs<CubeBackend>, Saved<CubeBackend>),
    ) -> (Outputs<CubeBackend>, Saved<CubeBackend>) {
        let [hidden, cell] = [outputs.hidden, outputs.cell].map(|tensor| self.narrower(tensor));
        let sequence = narrow(&outputs.sequence, 2, 0, self.from);
        let [sums, hiddens, cells] =
            [saved.sums, saved.hidden, saved.cell].map(|tensor| self.narrower(tensor));
        (Outputs { sequence, hidden, cell }, Saved { sums, hidden: hiddens, cell: cells })
    }

    /// Gradients without the surplus units.
    pub(super) fn gradients(self, gradients: Gradients<CubeBackend>) -> Gradients<CubeBackend> {
        let bias = gradients.bias;
        let bias = CubeBackend::float_reshape(bias, Shape::new([1, self.kind.sums() * self.to]));
        let recurrent_kernel = narrow(&gradients.recurrent_kernel, 0, 0, self.from);
        Gradients {
            input: gradients.input,
            kernel: self.narrower(gradients.kernel),
            recurrent_kernel: self.narrower(recurrent_kernel),
            bias: CubeBackend::float_reshape(
                self.narrower(bias),
                Shape::new([self.kind.sums() * self.from]),
            ),
            hidden: self.narrower(gradients.hidden),
            cell: self.narrower(gradients.cell),
        }
    }

    fn optional(self, tensor: &Optional<CubeBackend>) -> Optional<CubeBackend> {
        tensor.as_ref().map(|tensor| self.wider(tensor.clone())).into()
    }

    /// Pads each group of columns, `[R, P*H]`.
    fn wider(self, matrix: CubeTensor) -> CubeTensor {
        let [rows, columns] = dims(matrix.shape());
        let groups = columns / self.from;
        let matrix = CubeBackend::float_reshape(matrix, Shape::new([rows, groups, self.from]));
        let matrix = joined(matrix, 2, self.to - self.from);
        CubeBackend::float_reshape(matrix, Shape::new([rows, groups * self.to]))
    }

    /// Removes the surplus columns of each group, `[R, P*H]`.
    fn narrower(self, matrix: CubeTensor) -> CubeTensor {
        let [rows, columns] = dims(matrix.shape());
        let groups = columns / self.to;
        let matrix = CubeBackend::float_reshape(matrix, Shape::new([rows, groups, self.to]));
        let matrix = narrow(&matrix, 2, 0, self.from);
        CubeBackend::float_reshape(matrix, Shape::new([rows, groups * self.from]))
    }
}

/// Appends zeros along a dimension.
fn joined(tensor: CubeTensor, dim: usize, count: usize) -> CubeTensor {
    let mut shape = tensor.shape();
    shape[dim] = count;
    let zeros = CubeBackend::float_zeros(shape, &tensor.device, tensor.dtype.into());
    CubeBackend::float_cat(vec![tensor, zeros], dim)
}
