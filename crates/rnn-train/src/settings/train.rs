//! Checked options of a training run.

use std::time::Duration;

use super::{options::Options, schedule::RateSettings, typed::set, values::OptimizerName};
use crate::error::{Error, Result};

/// The resolved settings of a training run.
#[derive(Debug, Clone)]
pub(crate) struct TrainSettings {
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) rate: RateSettings,
    pub(crate) seed: u64,
    pub(crate) optimizer: OptimizerSettings,
    /// Epochs without a better loss after which training stops; 0: never.
    pub(crate) patience: usize,
    /// Longest interval between saves, also inside an epoch.
    pub(crate) save_every: Duration,
    /// All resolved options, for `config.json`.
    pub(crate) options: Options,
}

/// The optimizer and its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OptimizerSettings {
    pub(crate) name: OptimizerName,
    pub(crate) weight_decay: f64,
    /// Momentum of sgd.
    pub(crate) momentum: f64,
    /// Largest gradient norm per weight tensor; 0: no clipping.
    pub(crate) clip_norm: f64,
}

impl TrainSettings {
    /// Checks layered options, the lowest of which are the recipe's.
    ///
    /// # Errors
    ///
    /// If options contradict each other.
    pub(crate) fn new(options: Options, recipe: &Options) -> Result<Self> {
        let mut optimizer = OptimizerSettings {
            name: set(options.optimizer, "optimizer")?,
            weight_decay: set(options.weight_decay, "weight_decay")?,
            momentum: set(options.momentum, "momentum")?,
            clip_norm: set(options.clip_norm, "clip_norm")?,
        };
        let decays = optimizer.name == OptimizerName::AdamW;
        if !decays && options.weight_decay == recipe.weight_decay {
            // The weight decay of the recipe belongs to the recipe's optimizer.
            optimizer.weight_decay = 0.0;
        }
        if !decays && optimizer.weight_decay > 0.0 {
            let (name, decay) = (optimizer.name, optimizer.weight_decay);
            return Err(Error::Usage(format!(
                "--weight-decay {decay}: {name} has no weight decay (use --optimizer adamw)"
            )));
        }
        if optimizer.name != OptimizerName::Sgd && options.momentum != recipe.momentum {
            let (name, momentum) = (optimizer.name, optimizer.momentum);
            return Err(Error::Usage(format!(
                "--momentum {momentum}: {name} takes no momentum (use --optimizer sgd)"
            )));
        }
        let epochs = set(options.epochs, "epochs")?;
        let rate = RateSettings {
            rate: set(options.learning_rate, "learning_rate")?,
            schedule: set(options.schedule, "schedule")?,
            warmup: set(options.warmup, "warmup")?,
        };
        rate.check(epochs)?;
        Ok(Self {
            epochs,
            batch_size: set(options.batch_size, "batch_size")?,
            rate,
            seed: set(options.seed, "seed")?,
            optimizer,
            patience: options.patience.unwrap_or(0),
            save_every: Duration::try_from_secs_f64(set(
                options.checkpoint_every_seconds,
                "checkpoint_every_seconds",
            )?)
            .unwrap_or(Duration::MAX),
            options,
        })
    }
}
