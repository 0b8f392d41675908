//! The optimizers, restored without a GPU.

use burn::{
    optim::{
        Adam, AdamConfig, AdamW, AdamWConfig, LearningRate, ModuleOptimizer, Optimizer, RecordState, StateSink, StateSource,
        grad_clipping::GradientClipping,
    },
    tensor::{Device, Tensor},
};

use crate::{settings::OptimizerSettings, values::OptimizerName};

/// Keras's epsilon; Burn's default is 1e-5.
const EPSILON: f32 = 1e-7;

impl OptimizerSettings {
    /// A new optimizer, with beta_1 0.9, beta_2 0.999 and epsilon 1e-7.
    pub(crate) fn build(&self) -> ModuleOptimizer {
        let optimizer = match self.name {
            OptimizerName::Adam => RestoredOnCpu(AdamConfig::new().with_epsilon(EPSILON).build()).into(),
            OptimizerName::AdamW => {
                let config = AdamWConfig::new().with_epsilon(EPSILON).with_weight_decay(self.weight_decay as f32);
                ModuleOptimizer::from(RestoredOnCpu::<AdamW>(config.build()))
            }
        };
        if self.clip_norm > 0.0 { optimizer.with_grad_clipping(GradientClipping::Norm(self.clip_norm as f32)) } else { optimizer }
    }
}

/// An optimizer whose moments are read from a checkpoint on the CPU.
///
/// Burn 0.22.1 reads them on its default device, and moves them to where the weights are in the next step. In a program with GPU support
/// that device is a GPU, whatever computes: training on the CPU could not go on where no GPU opens.
#[derive(Clone)]
struct RestoredOnCpu<O = Adam>(O);

#[derive(Clone)]
struct State<S>(S);

impl<S: RecordState> RecordState for State<S> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, _default: &Device) -> Option<Self> {
        S::state_unflatten(prefix, source, &Device::flex()).map(Self)
    }
}

impl<O: Optimizer> Optimizer for RestoredOnCpu<O> {
    type State<const D: usize> = State<O::State<D>>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (tensor, state) = self.0.step(rate, tensor, gradient, state.map(|state| state.0));
        (tensor, state.map(State))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        State(O::to_device(state.0, device))
    }
}
