//! Tests of initial weights.

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::Initializer,
    tensor::{Device, Tensor},
};

use super::super::*;
use crate::{Cell, LettersModelConfig, SeriesModelConfig};

/// Checks that uniform values come close to a limit, and never exceed it.
fn assert_reach(bias: &Option<Param<Tensor<1>>>, limit: f64) {
    let largest = bias.as_ref().unwrap().val().abs().max().into_scalar::<f32>();
    let limit = limit as f32;
    assert!(
        largest <= limit && largest > 0.8 * limit,
        "the limit is {limit}, the largest {largest}"
    );
}

#[test]
fn the_fans_of_a_bias_are_those_of_its_shape_in_keras() {
    let device = Device::flex();
    let glorot = Initializer::XavierUniform { gain: 1.0 };
    let kaiming = Initializer::KaimingUniform { gain: 1.0, fan_out_only: false };
    for (initializer, limit) in [
        (glorot, (|fan_in, fan_out| (6.0 / (fan_in + fan_out)).sqrt()) as fn(f64, f64) -> f64),
        (kaiming, |fan_in, _| (3.0 / fan_in).sqrt()),
    ] {
        let layer =
            SimpleRnnConfig::new(1, 100).with_bias_initializer(initializer.clone()).init(&device);
        assert_reach(&layer.bias, limit(100.0, 100.0));
        let config = LstmConfig::new(1, 100)
            .with_unit_forget_bias(false)
            .with_bias_initializer(initializer.clone());
        assert_reach(&config.clone().init(&device).bias, limit(400.0, 400.0));
        // With `unit_forget_bias`, Keras draws the input gate's bias, then those of the last two
        // gates together.
        let bias = config.with_unit_forget_bias(true).init(&device).bias.unwrap().val();
        let part = |start, size| Some(Param::from_tensor(bias.clone().narrow(0, start, size)));
        assert_reach(&part(0, 100), limit(100.0, 100.0));
        assert_reach(&part(200, 200), limit(200.0, 200.0));
        let config = GruConfig::new(1, 100).with_bias_initializer(initializer);
        assert_reach(
            &config.clone().with_reset_after(false).init(&device).bias,
            limit(300.0, 300.0),
        );
        // Keras keeps both biases in one tensor `[2, 3*H]`.
        let layer = config.init(&device);
        assert_reach(&layer.bias, limit(2.0, 300.0));
        assert_reach(&layer.recurrent_bias, limit(2.0, 300.0));
    }
}

/// Counts parameters whose values are drawn.
struct Drawn(usize);

impl ModuleVisitor for Drawn {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        assert!(parameter.is_initialized(), "parameter {} of rank {D} is not drawn yet", self.0);
        self.0 += 1;
    }
}

#[test]
fn weights_are_drawn_by_init_and_depend_only_on_the_seed() {
    fn drawn(model: &impl Module) -> usize {
        let mut drawn = Drawn(0);
        model.visit(&mut drawn);
        drawn.0
    }
    let device = Device::flex();
    assert_eq!(
        drawn(&LettersModelConfig::new(5, 3).with_embedding(Some(2)).init(&device)),
        1 + 3 + 2
    );
    assert_eq!(drawn(&SeriesModelConfig::new(Cell::Lstm).init(&device)), 3 + 3 + 2);
    assert_eq!(drawn(&SeriesModelConfig::new(Cell::Gru).init(&device)), 4 + 4 + 2);
}
