//! Shapes of the operators' outputs, for fusion backends: they run operations later and need shapes
//! earlier.

use burn::backend::fusion::custom::TensorSpec;

use crate::{
    cell::Cell,
    operands::{
        GradientsMetadata, OperandsMetadata, OptionalMetadata, OutputsMetadata, SavedMetadata,
        UpstreamMetadata,
    },
    sizes::Sizes,
};

fn sizes(operands: &OperandsMetadata) -> Sizes {
    let [batch, time, input] = operands.input.shape.dims();
    let [hidden, _] = operands.recurrent_kernel.shape.dims();
    Sizes { batch, time, input, hidden }
}

fn spec<const D: usize>(operands: &OperandsMetadata, shape: [usize; D]) -> TensorSpec {
    TensorSpec::new(shape.into(), operands.input.dtype)
}

pub(crate) fn outputs(operands: &OperandsMetadata, _: &Cell) -> OutputsMetadata {
    let Sizes { batch, time, hidden, .. } = sizes(operands);
    let state = spec(operands, [batch, hidden]);
    OutputsMetadata {
        sequence: spec(operands, [batch, time, hidden]),
        hidden: state.clone(),
        cell: state,
    }
}

pub(crate) fn outputs_and_saved(
    operands: &OperandsMetadata,
    kind: &Cell,
) -> (OutputsMetadata, SavedMetadata) {
    let Sizes { batch, time, hidden, .. } = sizes(operands);
    let states = spec(operands, [(time + 1) * batch, hidden]);
    let sums = spec(operands, [time * batch, kind.sums() * hidden]);
    (outputs(operands, kind), SavedMetadata { sums, hidden: states.clone(), cell: states })
}

pub(crate) fn gradients(
    operands: &OperandsMetadata,
    _: &SavedMetadata,
    _: &UpstreamMetadata,
    _: &Cell,
    needs_input: &bool,
) -> GradientsMetadata {
    let Sizes { batch, hidden, .. } = sizes(operands);
    let state = spec(operands, [batch, hidden]);
    GradientsMetadata {
        input: if *needs_input {
            OptionalMetadata::Present(operands.input.clone())
        } else {
            OptionalMetadata::Absent
        },
        kernel: operands.kernel.clone(),
        recurrent_kernel: operands.recurrent_kernel.clone(),
        bias: operands.bias.clone(),
        hidden: state.clone(),
        cell: state,
    }
}
