//! Which of two devices trains faster: at the sizes of the course, a CPU may well be faster than a
//! small GPU.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::tensor::{Device, Distribution, Tensor};
use rnn_files::{MAX_TEXT_BYTES, read_text};
use rnn_models::LstmConfig;
use serde::{Deserialize, Serialize};

use super::{device::STOCK_LAYER, fault::root, random::lock_generator};
use crate::panics::caught;

/// Timed runs; the fastest counts. One more comes first, which compiles kernels.
const RUNS: usize = 3;

/// Milliseconds of one forward and backward pass on both devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Race {
    gpu_ms: f64,
    cpu_ms: f64,
    /// The file that the times of an earlier start are from.
    #[serde(skip)]
    remembered: Option<PathBuf>,
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
            "an LSTM trains on {batch} windows of {time} days in {:.1} ms on the GPU and {:.1} ms \
             on the CPU",
            self.gpu_ms, self.cpu_ms
        )?;
        match &self.remembered {
            Some(file) => write!(f, ", as measured before ({})", file.display()),
            None => Ok(()),
        }
    }
}

/// Times both devices, or remembers what they took: the result is kept for the adapter of this
/// name.
pub(super) fn run(name: &str, gpu: &Device, cpu: &Device) -> Result<Race, String> {
    remembered(memory(), name, || {
        Ok(Race { gpu_ms: milliseconds(gpu)?, cpu_ms: milliseconds(cpu)?, remembered: None })
    })
}

fn remembered(
    file: Option<PathBuf>,
    name: &str,
    race: impl FnOnce() -> Result<Race, String>,
) -> Result<Race, String> {
    let Some(file) = file else { return race() };
    let races: Option<BTreeMap<String, Race>> =
        read_text(&file, MAX_TEXT_BYTES).ok().and_then(|text| serde_json::from_str(&text).ok());
    let (mut races, key) = (races.unwrap_or_default(), key(name));
    if let Some(race) = races.remove(&key) {
        return Ok(Race { remembered: Some(file), ..race });
    }
    let race = race()?;
    races.insert(key, race.clone());
    if let Ok(text) = serde_json::to_vec_pretty(&races) {
        // A memory that cannot be written costs a second at the next start, nothing else.
        let _ = remember(&file, &text);
    }
    Ok(race)
}

/// What a race depends on: another program may have other kernels, another processor or number of
/// threads is another competitor.
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

fn remember(file: &Path, text: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, text)?;
    fs::rename(&temporary, file)
}

/// Where the races of this machine are kept.
fn memory() -> Option<PathBuf> {
    let folder =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("rnn-train").join("devices.json"))
}

/// Milliseconds of one training pass of a layer.
fn milliseconds(device: &Device) -> Result<f64, String> {
    let pass = || {
        let _generator = lock_generator();
        let [batch, time, input, hidden] = STOCK_LAYER;
        let device = device.clone().autodiff();
        let layer = LstmConfig::new(input, hidden).init(&device);
        let input = Tensor::random([batch, time, input], Distribution::Uniform(-1.0, 1.0), &device);
        let started = Instant::now();
        let gradients = layer.forward(input, None).last().sum().backward();
        // Reading a number waits for all that was asked for before it.
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
    fn the_faster_device_is_taken_and_the_line_gives_both_times() {
        let race = Race { gpu_ms: 1.25, cpu_ms: 20.0, remembered: None };
        assert!(race.gpu_wins() && !Race { gpu_ms: 21.0, ..race.clone() }.gpu_wins());
        assert_eq!(
            race.to_string(),
            "an LSTM trains on 64 windows of 60 days in 1.2 ms on the GPU and 20.0 ms on the CPU"
        );
        assert!(
            Race { remembered: Some("devices.json".into()), ..race }
                .to_string()
                .ends_with(", as measured before (devices.json)")
        );
    }

    #[test]
    fn a_race_is_run_once_for_an_adapter() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rnn-train").join("devices.json");
        let race = Race { gpu_ms: 1.0, cpu_ms: 2.0, remembered: None };
        let first = remembered(Some(file.clone()), "an adapter", || Ok(race.clone()));
        assert_eq!(first, Ok(race.clone()));
        let again = remembered(Some(file.clone()), "an adapter", || Err("run again".to_owned()));
        assert_eq!(again, Ok(Race { remembered: Some(file.clone()), ..race }));
        assert!(remembered(Some(file.clone()), "another", || Err("run".to_owned())).is_err());
        fs::write(&file, "no JSON").unwrap();
        assert!(remembered(Some(file), "an adapter", || Err("run".to_owned())).is_err());
    }
}
