//! Times GPU and CPU in training. For small models a CPU may be faster than a small GPU.

use std::{
    collections::BTreeMap,
    env, fmt,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::tensor::{Device, Distribution, Tensor};
use rnn_files::{FileError, MAX_TEXT_BYTES, create_folders, read_text, write_atomic};
use rnn_models::LstmConfig;
use serde::{Deserialize, Serialize};

use super::{device::STOCK_LAYER, fault::root, random::lock_generator};
use crate::panics::caught;

/// Number of timed runs; the fastest counts. A warm-up run compiles the kernels first.
const RUNS: usize = 3;

/// Milliseconds of a forward and backward pass on both devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Race {
    gpu_ms: f64,
    cpu_ms: f64,
    /// The file with the times of an earlier measurement, if they come from one.
    #[serde(skip)]
    cached_in: Option<PathBuf>,
}

impl Race {
    pub(super) fn gpu_wins(&self) -> bool {
        self.gpu_ms < self.cpu_ms
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [batch, time, ..] = STOCK_LAYER;
        write!(
            f,
            "an LSTM training pass (batch {batch}, {time} steps) takes {:.1} ms on the GPU and \
             {:.1} ms on the CPU",
            self.gpu_ms, self.cpu_ms
        )?;
        match &self.cached_in {
            Some(file) => write!(f, ", measured earlier ({})", file.display()),
            None => Ok(()),
        }
    }
}

/// Times both devices. The result is cached for the adapter of this name.
pub(super) fn run(name: &str, gpu: &Device, cpu: &Device) -> Result<Race, String> {
    cached(cache_file(), name, || {
        Ok(Race { gpu_ms: milliseconds(gpu)?, cpu_ms: milliseconds(cpu)?, cached_in: None })
    })
}

fn cached(
    file: Option<PathBuf>,
    name: &str,
    race: impl FnOnce() -> Result<Race, String>,
) -> Result<Race, String> {
    let Some(file) = file else { return race() };
    let races: Option<BTreeMap<String, Race>> =
        read_text(&file, MAX_TEXT_BYTES).ok().and_then(|text| serde_json::from_str(&text).ok());
    let (mut races, key) = (races.unwrap_or_default(), key(name));
    if let Some(race) = races.remove(&key) {
        return Ok(Race { cached_in: Some(file), ..race });
    }
    let race = race()?;
    races.insert(key, race.clone());
    if let Ok(text) = serde_json::to_vec_pretty(&races) {
        // Without the cache the next start measures again, which takes about a second.
        let _ = write_cache(&file, &text);
    }
    Ok(race)
}

/// The key of a cached result: adapter, program version and build, and number of threads.
fn key(name: &str) -> String {
    let build = if cfg!(debug_assertions) { "dev" } else { "release" };
    let compiler = if cfg!(feature = "vulkan") { "vulkan" } else { "wgpu" };
    let threads = env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
    let threads: usize =
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    format!(
        "{name}, rnn-train {} ({build}, {compiler}), {threads} threads",
        env!("CARGO_PKG_VERSION")
    )
}

fn write_cache(file: &Path, text: &[u8]) -> Result<(), FileError> {
    if let Some(folder) = file.parent() {
        create_folders(folder)?;
    }
    write_atomic(file, text)
}

/// The file with the cached results of this machine.
fn cache_file() -> Option<PathBuf> {
    let folder =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("rnn-train").join("devices.json"))
}

/// Milliseconds of a training pass of one layer.
fn milliseconds(device: &Device) -> Result<f64, String> {
    let pass = || {
        let _generator = lock_generator();
        let [batch, time, input, hidden] = STOCK_LAYER;
        let device = device.clone().autodiff();
        let layer = LstmConfig::new(input, hidden).init(&device);
        let input = Tensor::random([batch, time, input], Distribution::Uniform(-1.0, 1.0), &device);
        let started = Instant::now();
        let gradients = layer.forward(input, None).last().sum().backward();
        // Reading a value waits for all earlier work.
        let read = layer
            .recurrent_kernel
            .val()
            .grad(&gradients)
            .map(|gradient| gradient.sum().try_into_scalar::<f32>());
        match read {
            Some(Ok(sum)) if sum.is_finite() => Ok(started.elapsed().as_secs_f64() * 1e3),
            Some(Ok(sum)) => Err(format!("a gradient was {sum}")),
            Some(Err(error)) => Err(root(&error.to_string())),
            None => Err("there was no gradient".to_owned()),
        }
    };
    let run =
        || match caught(pass) {
            (Some(result), _) => result,
            (None, panic) => Err(panic
                .map_or_else(|| "a training pass failed".to_owned(), |panic| root(&panic.text))),
        };
    run()?;
    (0..RUNS).map(|_| run()).try_fold(f64::INFINITY, |best, ms| Ok(best.min(ms?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_timed_by_a_training_pass() {
        let ms = milliseconds(&Device::flex()).unwrap();
        assert!(ms.is_finite() && ms > 0.0);
    }

    #[test]
    fn the_faster_device_wins_and_the_line_gives_both_times() {
        let race = Race { gpu_ms: 1.25, cpu_ms: 20.0, cached_in: None };
        assert!(race.gpu_wins() && !Race { gpu_ms: 21.0, ..race.clone() }.gpu_wins());
        assert_eq!(
            race.to_string(),
            "an LSTM training pass (batch 64, 60 steps) takes 1.2 ms on the GPU and 20.0 ms on \
             the CPU"
        );
        assert!(
            Race { cached_in: Some("devices.json".into()), ..race }
                .to_string()
                .ends_with(", measured earlier (devices.json)")
        );
    }

    #[test]
    fn each_adapter_is_timed_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rnn-train").join("devices.json");
        let race = Race { gpu_ms: 1.0, cpu_ms: 2.0, cached_in: None };
        let first = cached(Some(file.clone()), "an adapter", || Ok(race.clone()));
        assert_eq!(first, Ok(race.clone()));
        let again = cached(Some(file.clone()), "an adapter", || Err("run again".to_owned()));
        assert_eq!(again, Ok(Race { cached_in: Some(file.clone()), ..race }));
        assert!(cached(Some(file.clone()), "another", || Err("run".to_owned())).is_err());
        std::fs::write(&file, "no JSON").unwrap();
        assert!(cached(Some(file), "an adapter", || Err("run".to_owned())).is_err());
    }
}
