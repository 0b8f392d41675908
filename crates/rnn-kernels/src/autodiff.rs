//! The recurrent operators on Burn's autodiff backend, with one node for all three outputs.
//!
//! A node of Burn's graph has one tensor. Slicing several outputs from one tensor would allocate a
//! zero tensor of full size per output in the backward pass. So the operator's node `Core` holds a
//! token tensor. Each output is a node `Pick` whose parent is that token. In the backward pass,
//! each `Pick` stores its gradient in a slot. `Core` runs after all of them and reads the slots. An
//! empty slot means that the loss does not depend on that output.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::{
    Backend,
    autodiff::{
        Autodiff, NodeId,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients as GraphGradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use crate::{
    cell::Cell,
    operands::{Operands, Optional, Outputs, Saved, Upstream},
    ops::RecurrentOps,
};

/// Slots for the gradients of sequence, hidden state and cell state.
type Slots<B> = Arc<Mutex<[Option<FloatTensor<B>>; 3]>>;

#[derive(Debug)]
struct Core;

#[derive(Debug, Clone)]
struct CoreState<B: Backend> {
    kind: Cell,
    slots: Slots<B>,
    saved: Saved<B>,
    bias: FloatTensor<B>,
    mask: Optional<B>,
    resets: Optional<B>,
    input: NodeId,
    kernel: NodeId,
    recurrent_kernel: NodeId,
}

impl<B: RecurrentOps> Backward<B, 6> for Core {
    type State = CoreState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 6>,
        gradients: &mut GraphGradients,
        checkpointer: &mut Checkpointer,
    ) {
        let state = ops.state;
        let [sequence, hidden, cell] =
            std::mem::take(&mut *state.slots.lock().unwrap_or_else(PoisonError::into_inner))
                .map(Optional::from);
        let operands = Operands {
            input: checkpointer.retrieve_node_output(state.input),
            kernel: checkpointer.retrieve_node_output(state.kernel),
            recurrent_kernel: checkpointer.retrieve_node_output(state.recurrent_kernel),
            bias: state.bias,
            mask: state.mask,
            resets: state.resets,
            hidden: Optional::Absent,
            cell: Optional::Absent,
        };
        let needs_input = ops.parents[0].is_some();
        let found = B::recurrent_backward(
            operands,
            state.saved,
            Upstream { sequence, hidden, cell },
            state.kind,
            needs_input,
        );
        let input = match found.input {
            Optional::Present(gradient) => Some(gradient),
            Optional::Absent => None,
        };
        let found = [
            input,
            Some(found.kernel),
            Some(found.recurrent_kernel),
            Some(found.bias),
            Some(found.hidden),
            Some(found.cell),
        ];
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<B>(parent.id, gradient);
            }
        }
    }
}

/// Node of one output, with the index of its slot.
#[derive(Debug)]
struct Pick(usize);

impl<B: Backend> Backward<B, 1> for Pick {
    type State = Slots<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut GraphGradients,
        _: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<B>(&ops.node);
        ops.state.lock().unwrap_or_else(PoisonError::into_inner)[self.0] = Some(gradient);
    }
}

impl<B: RecurrentOps, C: CheckpointStrategy> RecurrentOps for Autodiff<B, C> {
    fn recurrent(operands: Operands<Self>, kind: Cell) -> Outputs<Self> {
        // An absent tensor has no node; an untracked leaf takes its place.
        let leaf = || <FloatTensor<Self>>::new(operands.bias.primitive().clone()).node();
        let optional =
            |tensor: &Optional<Self>| tensor.as_ref().map_or_else(leaf, |tensor| tensor.node());
        let parents = [
            operands.input.node(),
            operands.kernel.node(),
            operands.recurrent_kernel.node(),
            operands.bias.node(),
            optional(&operands.hidden),
            if kind == Cell::Lstm { optional(&operands.cell) } else { leaf() },
        ];
        match Core.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let [input, kernel, recurrent_kernel] =
                    [&operands.input, &operands.kernel, &operands.recurrent_kernel]
                        .map(|tensor| prep.checkpoint(tensor));
                let operands = inner(operands);
                let bias = operands.bias.clone();
                let (mask, resets) = (operands.mask.clone(), operands.resets.clone());
                let (outputs, saved) = B::recurrent_saving(operands, kind);
                let slots = Slots::<B>::default();
                let state = CoreState {
                    kind,
                    slots: slots.clone(),
                    saved,
                    bias,
                    mask,
                    resets,
                    input,
                    kernel,
                    recurrent_kernel,
                };
                let token = prep.finish(state, outputs.hidden.clone());
                let pick = |slot, output| match Pick(slot)
                    .prepare::<C>([token.node()])
                    .compute_bound()
                    .stateful()
                {
                    OpsKind::Tracked(prep) => prep.finish(slots.clone(), output),
                    OpsKind::UnTracked(prep) => prep.finish(output),
                };
                Outputs {
                    sequence: pick(0, outputs.sequence),
                    hidden: pick(1, outputs.hidden),
                    cell: pick(2, outputs.cell),
                }
            }
            OpsKind::UnTracked(_) => {
                let outputs = B::recurrent(inner(operands), kind);
                let leaf = <FloatTensor<Self>>::new;
                Outputs {
                    sequence: leaf(outputs.sequence),
                    hidden: leaf(outputs.hidden),
                    cell: leaf(outputs.cell),
                }
            }
        }
    }
}

/// Unwraps the operands to the inner backend.
fn inner<B: Backend, C: CheckpointStrategy>(operands: Operands<Autodiff<B, C>>) -> Operands<B> {
    let optional = |tensor: Optional<Autodiff<B, C>>| match tensor {
        Optional::Absent => Optional::Absent,
        Optional::Present(tensor) => Optional::Present(tensor.into_primitive()),
    };
    Operands {
        input: operands.input.into_primitive(),
        kernel: operands.kernel.into_primitive(),
        recurrent_kernel: operands.recurrent_kernel.into_primitive(),
        bias: operands.bias.into_primitive(),
        mask: optional(operands.mask),
        resets: optional(operands.resets),
        hidden: optional(operands.hidden),
        cell: optional(operands.cell),
    }
}
