//! Adam, restored without a GPU.

use burn::{
    optim::{Adam, AdamConfig, AdamState, LearningRate, ModuleOptimizer, Optimizer, RecordState, StateSink, StateSource},
    tensor::{Device, Tensor},
};

/// Keras's epsilon; Burn's default is 1e-5.
const EPSILON: f32 = 1e-7;

/// The optimizer, for `config.json`.
pub(crate) const OPTIMIZER: &str = "adam (beta_1 0.9, beta_2 0.999, epsilon 1e-7)";

/// A new optimizer.
pub(crate) fn adam() -> ModuleOptimizer {
    RestoredOnCpu(AdamConfig::new().with_epsilon(EPSILON).build()).into()
}

/// Adam whose moments are read from a checkpoint on the CPU.
///
/// Burn 0.22.1 reads them on its default device, and moves them to where the weights are in the next step. In a program with GPU support
/// that device is a GPU, whatever computes: training on the CPU could not go on where no GPU opens.
#[derive(Clone)]
struct RestoredOnCpu(Adam);

#[derive(Clone)]
struct State<const D: usize>(AdamState<D>);

impl<const D: usize> RecordState for State<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, _default: &Device) -> Option<Self> {
        AdamState::state_unflatten(prefix, source, &Device::flex()).map(Self)
    }
}

impl Optimizer for RestoredOnCpu {
    type State<const D: usize> = State<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<State<D>>,
    ) -> (Tensor<D>, Option<State<D>>) {
        let (tensor, state) = self.0.step(rate, tensor, gradient, state.map(|state| state.0));
        (tensor, state.map(State))
    }

    fn to_device<const D: usize>(state: State<D>, device: &Device) -> State<D> {
        State(Adam::to_device(state.0, device))
    }
}
