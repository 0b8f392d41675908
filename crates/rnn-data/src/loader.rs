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

/// In which order a loader goes through its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they come.
    Sequential,
    /// Shuffled anew every epoch, from this seed and the number of the epoch alone.
    Shuffled {
        /// Seed of the run.
        seed: u64,
    },
}

/// A data loader whose epochs can be repeated one by one.
///
/// Burn's own loaders draw every epoch's order from one running generator, so what epoch 7 sees depends on epochs 1 to 6
/// having been run by the same process, and with several workers on a thread race. Here each call of `iter` starts the next epoch:
/// a shuffled loader derives the order from (seed, epoch), and seeds the device and the ndarray backend before each batch from (seed, epoch, step), so
/// dropout masks, too, depend on nothing else. A run that goes on, be it inside an epoch, sees what an uninterrupted one would have seen.
pub struct EpochLoader<I, O> {
    dataset: Arc<dyn Dataset<I>>,
    batcher: Arc<dyn Batcher<I, O>>,
    batch_size: usize,
    device: Device,
    order: Order,
    samples: Option<usize>,
    next_epoch: AtomicU64,
    /// Batches that the next epoch leaves out at its start.
    skipped: AtomicUsize,
}

impl<I, O> EpochLoader<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    /// Creates a loader whose first call of `iter` is epoch `first_epoch` (counted from 1).
    ///
    /// # Panics
    ///
    /// When `batch_size` is zero.
    pub fn new(
        dataset: impl Dataset<I> + 'static,
        batcher: impl Batcher<I, O> + 'static,
        batch_size: usize,
        order: Order,
        first_epoch: usize,
        device: &Device,
    ) -> Self {
        assert!(batch_size > 0, "the batch size must be at least 1");
        Self {
            dataset: Arc::new(dataset),
            batcher: Arc::new(batcher),
            batch_size,
            device: device.clone(),
            order,
            samples: None,
            next_epoch: AtomicU64::new(first_epoch as u64),
            skipped: AtomicUsize::new(0),
        }
    }

    /// Lets the first epoch begin after so many of its batches: where a run was interrupted inside an epoch, it goes on there.
    #[must_use]
    pub fn starting_after(mut self, batches: usize) -> Self {
        self.skipped = AtomicUsize::new(batches);
        self
    }

    /// Lets each epoch of a shuffled loader be a random choice of so many samples, without repetition: of many series, an epoch need not be all windows.
    #[must_use]
    pub fn with_samples(mut self, samples: Option<usize>) -> Self {
        self.samples = samples.filter(|samples| *samples < self.dataset.len());
        self
    }

    fn with(&self, dataset: Arc<dyn Dataset<I>>, device: &Device) -> Arc<dyn DataLoader<O>> {
        Arc::new(Self {
            dataset,
            batcher: self.batcher.clone(),
            batch_size: self.batch_size,
            device: device.clone(),
            order: self.order,
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
        let (dataset, seed): (Arc<dyn Dataset<I>>, _) = match self.order {
            Order::Sequential => (self.dataset.clone(), None),
            Order::Shuffled { seed } => {
                let seed = mix(seed, epoch);
                let dataset: Arc<dyn Dataset<I>> = match self.samples {
                    None => Arc::new(ShuffledDataset::new(self.dataset.clone(), seed)),
                    Some(samples) => Arc::new(Chosen { dataset: self.dataset.clone(), samples, seed }),
                };
                (dataset, Some(seed))
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

/// A random choice of a dataset's samples: the first of a permutation of them all. The permutation is computed, not stored, so that an epoch over many
/// series costs no memory a window.
struct Chosen<I> {
    dataset: Arc<dyn Dataset<I>>,
    samples: usize,
    seed: u64,
}

impl<I: Send + Sync> Dataset<I> for Chosen<I> {
    fn get(&self, index: usize) -> Result<I, DatasetError> {
        self.dataset.get(permuted(index as u64, self.dataset.len() as u64, self.seed) as usize)
    }

    fn len(&self) -> usize {
        self.samples
    }
}

/// Where a pseudorandom permutation of `0..count` takes an index: a Feistel network over the next even power of two (Luby and Rackoff, "How to construct
/// pseudorandom permutations", SIAM J. Comput. 17, 1988), followed until it is back in range (Black and Rogaway, "Ciphers with arbitrary finite domains",
/// CT-RSA 2002).
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
    /// Of the epoch, where anything in it is random.
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
            // What a GPU is to have in common with the CPU is drawn by this backend.
            #[allow(deprecated, reason = "the CPU backend this project was asked for")]
            Device::ndarray().seed(seed);
        }
        let indices = (self.position..end).collect();
        (self.position, self.step) = (end, self.step + 1);
        Some(self.dataset.get_many(indices).map(|items| self.loader.batcher.batch(items, &self.loader.device)))
    }
}

impl<I, O> DataLoaderIterator<O> for Batches<'_, I, O> {
    fn progress(&self) -> Progress {
        Progress::new(self.position, self.dataset.len(), Some("samples".to_owned()))
    }
}

/// One well-mixed number from two (the finaliser of SplitMix64), so that neighbouring seeds, epochs and steps share nothing.
fn mix(seed: u64, index: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index.wrapping_mul(0xD1B5_4A32_D192_ED03));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LetterBatch, LetterBatcher, LetterWindows};

    fn epoch_targets(seed: u64, first_epoch: usize, epochs: usize) -> Vec<Vec<i64>> {
        let device = Device::flex();
        let dataset = LetterWindows::new(26, 4, false);
        let loader = EpochLoader::new(dataset, LetterBatcher, 8, Order::Shuffled { seed }, first_epoch, &device);
        let one_epoch = || {
            let batches: Vec<LetterBatch> = loader.iter().map(Result::unwrap).collect();
            batches.iter().flat_map(|batch| batch.targets.to_data().iter::<i64>().collect::<Vec<_>>()).collect()
        };
        (0..epochs).map(|_| one_epoch()).collect()
    }

    #[test]
    fn order_depends_on_seed_and_epoch_alone() {
        let straight = epoch_targets(1, 1, 3);
        assert_eq!(straight[2], epoch_targets(1, 3, 1)[0], "epoch 3 is the same when the run starts there");
        assert_ne!(straight[0], straight[1]);
        assert_ne!(straight[0], epoch_targets(2, 1, 1)[0]);
    }

    #[test]
    fn an_epoch_that_starts_inside_sees_the_rest_of_the_whole_one() {
        let device = Device::flex();
        let epochs = |first_step| {
            let order = Order::Shuffled { seed: 3 };
            let loader = EpochLoader::new(LetterWindows::new(26, 4, false), LetterBatcher, 8, order, 2, &device).starting_after(first_step);
            // Training takes a copy for its device.
            let loader = loader.to_device(&device);
            [(), ()].map(|()| loader.iter().map(|batch| batch.unwrap().targets.to_data().iter::<i64>().collect()).collect::<Vec<Vec<_>>>())
        };
        let [first, second] = epochs(0);
        assert_eq!(first.len(), 3);
        assert_eq!(epochs(1), [first[1..].to_vec(), second.clone()]);
        assert_eq!(epochs(3), [Vec::new(), second]);
    }

    #[test]
    fn a_permutation_visits_every_place_once_and_follows_from_its_seed() {
        for count in [1, 2, 3, 5, 17, 64, 1000] {
            let order = |seed| (0..count).map(|index| permuted(index, count, seed)).collect::<Vec<_>>();
            let mut places = order(7);
            assert_eq!(places, order(7));
            assert!(count < 17 || (places != order(8) && !places.is_sorted()), "{places:?}");
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_epoch_of_some_samples_has_none_twice() {
        let device = Device::flex();
        let order = Order::Shuffled { seed: 1 };
        let loader = EpochLoader::new(LetterWindows::new(26, 4, false), LetterBatcher, 8, order, 1, &device).with_samples(Some(10));
        let epoch = || {
            let batches: Vec<LetterBatch> = loader.iter().map(Result::unwrap).collect();
            batches.iter().flat_map(|batch| batch.targets.to_data().iter::<i64>().collect::<Vec<_>>()).collect::<Vec<_>>()
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
