//! The optimizers. Their state is restored on the CPU.

use burn::{
    optim::{
        Adam, AdamConfig, AdamW, AdamWConfig, LearningRate, ModuleOptimizer, Optimizer,
        RecordState, RmsProp, RmsPropConfig, Sgd, SgdConfig, StateSink, StateSource,
        grad_clipping::GradientClipping, momentum::MomentumConfig,
    },
    tensor::{Device, Tensor},
};

use crate::settings::{OptimizerName, OptimizerSettings};

/// Keras's epsilon; Burn's default is 1e-5.
const EPSILON: f32 = 1e-7;

impl OptimizerSettings {
    /// A new optimizer with Keras's defaults.
    ///
    /// Adam: beta_1 0.9, beta_2 0.999. RMSprop: rho 0.9. Both: epsilon 1e-7.
    pub(crate) fn build(&self) -> ModuleOptimizer {
        let optimizer = match self.name {
            OptimizerName::Adam => {
                RestoredOnCpu(AdamConfig::new().with_epsilon(EPSILON).build()).into()
            }
            OptimizerName::AdamW => {
                let config = AdamWConfig::new()
                    .with_epsilon(EPSILON)
                    .with_weight_decay(self.weight_decay as f32);
                ModuleOptimizer::from(RestoredOnCpu::<AdamW>(config.build()))
            }
            OptimizerName::Sgd => {
                // Without dampening, as in Keras and PyTorch.
                let momentum =
                    MomentumConfig::new().with_momentum(self.momentum).with_dampening(0.0);
                let config =
                    SgdConfig::new().with_momentum((self.momentum > 0.0).then_some(momentum));
                ModuleOptimizer::from(RestoredOnCpu::<Sgd>(config.build()))
            }
            OptimizerName::RmsProp => {
                let config =
                    RmsPropConfig::new().with_alpha(0.9).with_momentum(0.0).with_epsilon(EPSILON);
                ModuleOptimizer::from(RestoredOnCpu::<RmsProp>(config.build()))
            }
        };
        if self.clip_norm > 0.0 {
            optimizer.with_grad_clipping(GradientClipping::Norm(self.clip_norm as f32))
        } else {
            optimizer
        }
    }
}

/// An optimizer that restores its state on the CPU.
///
/// Burn 0.22.1 restores it on the default device; the next step moves it to the weights' device.
/// With GPU support compiled in, the default device is a GPU. Training on the CPU could then not
/// resume on a machine without a working GPU.
#[derive(Clone)]
struct RestoredOnCpu<O = Adam>(O);

#[derive(Clone)]
struct CpuState<S>(S);

impl<S: RecordState> RecordState for CpuState<S> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, _default: &Device) -> Option<Self> {
        S::state_unflatten(prefix, source, &Device::flex()).map(Self)
    }
}

impl<O: Optimizer> Optimizer for RestoredOnCpu<O> {
    type State<const D: usize> = CpuState<O::State<D>>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (tensor, state) = self.0.step(rate, tensor, gradient, state.map(|state| state.0));
        (tensor, state.map(CpuState))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        CpuState(O::to_device(state.0, device))
    }
}

#[cfg(test)]
mod tests {
    use burn::{module::Module, nn::LinearConfig, optim::GradientsParams};

    use super::*;

    /// A weight, initially 1, after some steps with learning rate 0.1 and gradient 0.5.
    fn stepped(name: OptimizerName, momentum: f64, steps: usize) -> f32 {
        let device = Device::flex().autodiff();
        let mut optimizer =
            OptimizerSettings { name, weight_decay: 0.0, momentum, clip_norm: 0.0 }.build();
        let mut linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
        linear.weight =
            linear.weight.map(|weight| Tensor::ones_like(&weight).detach().require_grad());
        for _ in 0..steps {
            let loss = linear.forward(Tensor::<2>::from_data([[0.5]], &device)).sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &linear);
            linear = optimizer.step(0.1, linear, gradients);
        }
        linear.valid().weight.val().into_scalar::<f32>()
    }

    #[test]
    fn sgd_steps_by_rate_times_gradient_plus_momentum() {
        assert!((stepped(OptimizerName::Sgd, 0.0, 2) - 0.9).abs() < 1e-6);
        // First step 0.05; second step 0.9 * 0.05 + 0.05.
        assert!((stepped(OptimizerName::Sgd, 0.9, 2) - (1.0 - 0.05 - 0.095)).abs() < 1e-6);
    }

    #[test]
    fn rmsprop_divides_by_the_root_of_the_mean_square() {
        // The first mean square is 0.1 * 0.25.
        let moved = 0.1 * 0.5 / (0.1f32 * 0.25).sqrt();
        assert!((stepped(OptimizerName::RmsProp, 0.0, 1) - (1.0 - moved)).abs() < 1e-4);
    }
}
