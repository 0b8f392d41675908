use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress, batcher::Batcher},
        dataset::{
            Dataset, DatasetError,
            transform::{PartialDataset, ShuffledDataset},
        },
    },
    tensor::Device,
};

/// Builds data loaders whose epochs are reproducible one by one.
///
/// It replaces Burn's `DataLoaderBuilder`, whose loaders draw the order of all epochs from one
/// generator. There, epoch 7 depends on epochs 1 to 6 of the same process, and with several workers
/// on thread timing.
///
/// Here, each call of `iter` starts the next epoch. A shuffled loader derives the order of samples
/// from (seed, epoch). Before each batch it seeds the device and the flex backend from (seed,
/// epoch, step), which makes dropout masks reproducible. A resumed run therefore gets the
/// batches of an uninterrupted run, also within an epoch.
///
/// # Examples
///
/// Epoch 3 of a run, without its first two batches.
///
/// ```
/// use rnn_data::{EpochLoaderBuilder, LetterBatcher, LetterWindows};
///
/// let loader = EpochLoaderBuilder::new(LetterBatcher)
///     .batch_size(8)
///     .shuffle(42)
///     .first_epoch(3)
///     .skip_batches(2)
///     .build(LetterWindows::new(26, 4));
/// let batches = loader.iter().collect::<Result<Vec<_>, _>>().unwrap();
/// assert_eq!(batches.len(), 1);
/// assert_eq!(batches[0].letters.dims(), [6, 4]);
/// ```
pub struct EpochLoaderBuilder<I, O> {
    batcher: Arc<dyn Batcher<I, O>>,
    batch_size: usize,
    seed: Option<u64>,
    samples: Option<usize>,
    first_epoch: usize,
    skip_batches: usize,
    device: Option<Device>,
}

impl<I, O> EpochLoaderBuilder<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    /// Creates a builder with the defaults.
    ///
    /// They are batches of one sample, no shuffling, epoch 1, and the default device.
    pub fn new(batcher: impl Batcher<I, O> + 'static) -> Self {
        let batcher = Arc::new(batcher);
        Self {
            batcher,
            batch_size: 1,
            seed: None,
            samples: None,
            first_epoch: 1,
            skip_batches: 0,
            device: None,
        }
    }

    /// Sets the number of samples in a batch; the last batch of an epoch may have fewer.
    #[must_use]
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Shuffles every epoch by this seed and the number of the epoch.
    #[must_use]
    pub fn shuffle(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Sets the number of samples in each shuffled epoch, drawn without replacement.
    ///
    /// `None`, the default, uses all samples.
    #[must_use]
    pub fn samples(self, samples: Option<usize>) -> Self {
        Self { samples, ..self }
    }

    /// Sets the number of the first epoch, counted from 1.
    #[must_use]
    pub fn first_epoch(self, first_epoch: usize) -> Self {
        Self { first_epoch, ..self }
    }

    /// Sets the number of batches to skip at the start of the first epoch.
    ///
    /// Use it to resume a run that was interrupted within an epoch.
    #[must_use]
    pub fn skip_batches(self, skip_batches: usize) -> Self {
        Self { skip_batches, ..self }
    }

    /// Sets the device of the batches.
    #[must_use]
    pub fn set_device(self, device: Device) -> Self {
        Self { device: Some(device), ..self }
    }

    /// Builds a loader of a dataset.
    ///
    /// # Panics
    ///
    /// If the batch size is zero.
    pub fn build(self, dataset: impl Dataset<I> + 'static) -> Arc<dyn DataLoader<O>> {
        assert!(self.batch_size > 0, "the batch size must be at least 1");
        Arc::new(EpochLoader {
            samples: self.samples.filter(|samples| *samples < dataset.len()),
            dataset: Arc::new(dataset),
            batcher: self.batcher,
            batch_size: self.batch_size,
            device: self.device.unwrap_or_default(),
            seed: self.seed,
            next_epoch: AtomicU64::new(self.first_epoch as u64),
            skipped: AtomicUsize::new(self.skip_batches),
        })
    }
}

struct EpochLoader<I, O> {
    dataset: Arc<dyn Dataset<I>>,
    batcher: Arc<dyn Batcher<I, O>>,
    batch_size: usize,
    device: Device,
    /// Seed of the shuffled order, if any.
    seed: Option<u64>,
    samples: Option<usize>,
    next_epoch: AtomicU64,
    /// Number of batches to skip at the start of the next epoch.
    skipped: AtomicUsize,
}

impl<I, O> EpochLoader<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    fn with(&self, dataset: Arc<dyn Dataset<I>>, device: &Device) -> Arc<dyn DataLoader<O>> {
        Arc::new(Self {
            dataset,
            batcher: self.batcher.clone(),
            batch_size: self.batch_size,
            device: device.clone(),
            seed: self.seed,
            samples: self.samples,
            next_epoch: AtomicU64::new(self.next_epoch.load(Ordering::Relaxed)),
            skipped: AtomicUsize::new(self.skipped.load(Ordering::Relaxed)),
        })
    }
}

impl<I, O> DataLoader<O> for EpochLoader<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<O> + 'a> {
        let epoch = self.next_epoch.fetch_add(1, Ordering::Relaxed);
        let step = self.skipped.swap(0, Ordering::Relaxed);
        let seed = self.seed.map(|seed| mix(seed, epoch));
        let dataset: Arc<dyn Dataset<I>> = match (seed, self.samples) {
            (None, _) => self.dataset.clone(),
            (Some(seed), None) => Arc::new(ShuffledDataset::new(self.dataset.clone(), seed)),
            (Some(seed), Some(samples)) => {
                Arc::new(RandomSubset { dataset: self.dataset.clone(), samples, seed })
            }
        };
        let position = step.saturating_mul(self.batch_size).min(dataset.len());
        Box::new(Batches { dataset, loader: self, seed, step, position })
    }

    fn num_items(&self) -> usize {
        self.samples.unwrap_or(self.dataset.len())
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<O>> {
        self.with(self.dataset.clone(), device)
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<O>> {
        self.with(Arc::new(PartialDataset::new(self.dataset.clone(), start, end)), &self.device)
    }
}

/// A random subset of a dataset: the first samples of a permutation.
///
/// The permutation is computed, not stored, so that an epoch over many series needs no memory per
/// window.
struct RandomSubset<I> {
    dataset: Arc<dyn Dataset<I>>,
    samples: usize,
    seed: u64,
}

impl<I: Send + Sync> Dataset<I> for RandomSubset<I> {
    fn get(&self, index: usize) -> Result<I, DatasetError> {
        self.dataset.get(permuted(index as u64, self.dataset.len() as u64, self.seed) as usize)
    }

    fn len(&self) -> usize {
        self.samples
    }
}

/// Maps an index by a pseudorandom permutation of `0..count`.
///
/// It is a Feistel network over the next even power of two (Luby and Rackoff, "How to construct
/// pseudorandom permutations", SIAM J. Comput. 17, 1988), repeated until the result is in range
/// (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
fn permuted(index: u64, count: u64, seed: u64) -> u64 {
    let half = (u64::BITS - count.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1 << half) - 1;
    let mut place = index;
    loop {
        let (mut left, mut right) = (place >> half, place & mask);
        for round in 0..4 {
            (left, right) = (right, left ^ (mix(seed.wrapping_add(round), right) & mask));
        }
        place = left << half | right;
        if place < count {
            return place;
        }
    }
}

struct Batches<'a, I, O> {
    dataset: Arc<dyn Dataset<I>>,
    loader: &'a EpochLoader<I, O>,
    /// Seed of the epoch, if it is shuffled.
    seed: Option<u64>,
    step: usize,
    position: usize,
}

impl<I, O> Iterator for Batches<'_, I, O> {
    type Item = Result<O, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.dataset.len().min(self.position.saturating_add(self.loader.batch_size));
        if self.position == end {
            return None;
        }
        if let Some(seed) = self.seed {
            let seed = if self.step == 0 { seed } else { mix(seed, self.step as u64) };
            self.loader.device.seed(seed);
            // Random numbers that must be equal on GPU and CPU are drawn by this backend.
            Device::flex().seed(seed);
        }
        let indices = (self.position..end).collect();
        (self.position, self.step) = (end, self.step + 1);
        Some(
            self.dataset
                .get_many(indices)
                .map(|items| self.loader.batcher.batch(items, &self.loader.device)),
        )
    }
}

impl<I, O> DataLoaderIterator<O> for Batches<'_, I, O> {
    fn progress(&self) -> Progress {
        Progress::new(self.position, self.dataset.len(), Some("samples".to_owned()))
    }
}

/// Mixes two numbers into one (the finaliser of SplitMix64), so that neighbouring seeds, epochs and
/// steps are unrelated.
fn mix(seed: u64, index: u64) -> u64 {
    let mut bits = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(index.wrapping_mul(0xD1B5_4A32_D192_ED03));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LetterBatch, LetterBatcher, LetterSample, LetterWindows};

    fn builder(seed: u64) -> EpochLoaderBuilder<LetterSample, LetterBatch> {
        EpochLoaderBuilder::new(LetterBatcher).batch_size(8).shuffle(seed)
    }

    fn epoch_targets(seed: u64, first_epoch: usize, epochs: usize) -> Vec<Vec<i64>> {
        let device = Device::flex();
        let loader = builder(seed)
            .first_epoch(first_epoch)
            .set_device(device)
            .build(LetterWindows::new(26, 4));
        let one_epoch = || {
            let batches: Vec<LetterBatch> = loader.iter().map(Result::unwrap).collect();
            batches
                .iter()
                .flat_map(|batch| batch.targets.to_data().iter::<i64>().collect::<Vec<_>>())
                .collect()
        };
        (0..epochs).map(|_| one_epoch()).collect()
    }

    #[test]
    fn order_depends_only_on_seed_and_epoch() {
        let straight = epoch_targets(1, 1, 3);
        assert_eq!(
            straight[2],
            epoch_targets(1, 3, 1)[0],
            "epoch 3 is the same if the run starts there"
        );
        assert_ne!(straight[0], straight[1]);
        assert_ne!(straight[0], epoch_targets(2, 1, 1)[0]);
    }

    #[test]
    fn an_epoch_with_skipped_batches_equals_the_rest_of_a_whole_epoch() {
        let device = Device::flex();
        let epochs = |first_step| {
            let loader = builder(3)
                .first_epoch(2)
                .skip_batches(first_step)
                .set_device(device.clone())
                .build(LetterWindows::new(26, 4));
            // Training copies the loader to its device.
            let loader = loader.to_device(&device);
            [(), ()].map(|()| {
                loader
                    .iter()
                    .map(|batch| batch.unwrap().targets.to_data().iter::<i64>().collect())
                    .collect::<Vec<Vec<_>>>()
            })
        };
        let [first, second] = epochs(0);
        assert_eq!(first.len(), 3);
        assert_eq!(epochs(1), [first[1..].to_vec(), second.clone()]);
        assert_eq!(epochs(3), [Vec::new(), second]);
    }

    #[test]
    fn a_permutation_is_a_bijection_that_depends_on_its_seed() {
        for count in [1, 2, 3, 5, 17, 64, 1000] {
            let order =
                |seed| (0..count).map(|index| permuted(index, count, seed)).collect::<Vec<_>>();
            let mut places = order(7);
            assert_eq!(places, order(7));
            assert!(count < 17 || (places != order(8) && !places.is_sorted()), "{places:?}");
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_subset_of_samples_has_no_duplicates() {
        let loader = builder(1)
            .samples(Some(10))
            .set_device(Device::flex())
            .build(LetterWindows::new(26, 4));
        let epoch = || {
            let batches: Vec<LetterBatch> = loader.iter().map(Result::unwrap).collect();
            batches
                .iter()
                .flat_map(|batch| batch.targets.to_data().iter::<i64>().collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let (mut first, second) = (epoch(), epoch());
        assert_ne!(first, second);
        first.sort_unstable();
        first.dedup();
        assert_eq!((first.len(), second.len(), loader.num_items()), (10, 10, 10));
    }

    #[test]
    fn an_epoch_visits_every_sample_once() {
        let mut targets = epoch_targets(1, 1, 1).remove(0);
        targets.sort_unstable();
        assert_eq!(targets, (4..26).collect::<Vec<_>>());
    }
}
