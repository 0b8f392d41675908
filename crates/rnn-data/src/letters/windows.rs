use burn::{
    data::{
        dataloader::batcher::Batcher,
        dataset::{Dataset, DatasetError},
    },
    tensor::{Device, Int, Tensor, TensorData},
};

/// Every window of consecutive letters of an alphabet, with the letter that follows.
#[derive(Debug, Clone)]
pub struct LetterWindows {
    alphabet: usize,
    window: usize,
    cyclic: bool,
}

/// One window of letter ids and the id that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterSample {
    /// Ids of the letters, oldest first.
    pub letters: Vec<usize>,
    /// Id of the next letter.
    pub next: usize,
}

/// A batch of letter windows.
#[derive(Debug, Clone)]
pub struct LetterBatch {
    /// Letter ids, `[B, T]`.
    pub letters: Tensor<2, Int>,
    /// Ids of the next letters, `[B]`.
    pub targets: Tensor<1, Int>,
}

/// Batches [`LetterSample`]s.
#[derive(Debug, Clone, Copy)]
pub struct LetterBatcher;

impl LetterWindows {
    /// Windows of `window` letters over the first `alphabet` letters.
    ///
    /// # Panics
    ///
    /// When the window is empty or leaves no letter to predict.
    pub fn new(alphabet: usize, window: usize) -> Self {
        assert!(
            window > 0 && window < alphabet,
            "a window of {window} letters does not fit an alphabet of {alphabet}"
        );
        Self { alphabet, window, cyclic: false }
    }

    /// Whether the first letter follows the last; by default it does not.
    #[must_use]
    pub fn with_cyclic(self, cyclic: bool) -> Self {
        Self { cyclic, ..self }
    }
}

impl Dataset<LetterSample> for LetterWindows {
    fn get(&self, index: usize) -> Result<LetterSample, DatasetError> {
        assert!(index < self.len(), "sample {index} of {}", self.len());
        let id = |offset: usize| (index + offset) % self.alphabet;
        Ok(LetterSample { letters: (0..self.window).map(id).collect(), next: id(self.window) })
    }

    fn len(&self) -> usize {
        if self.cyclic { self.alphabet } else { self.alphabet - self.window }
    }
}

impl Batcher<LetterSample, LetterBatch> for LetterBatcher {
    fn batch(&self, samples: Vec<LetterSample>, device: &Device) -> LetterBatch {
        let (count, window) = (samples.len(), samples[0].letters.len());
        let letters = samples
            .iter()
            .flat_map(|sample| &sample.letters)
            .map(|&id| id as i64)
            .collect::<Vec<_>>();
        let targets = samples.iter().map(|sample| sample.next as i64).collect::<Vec<_>>();
        LetterBatch {
            letters: Tensor::from_data(TensorData::new(letters, [count, window]), device),
            targets: Tensor::from_data(TensorData::new(targets, [count]), device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(windows: &LetterWindows) -> Vec<String> {
        let text =
            |ids: &[usize]| ids.iter().map(|&id| char::from(b'a' + id as u8)).collect::<String>();
        windows
            .iter()
            .map(Result::unwrap)
            .map(|sample| format!("{}->{}", text(&sample.letters), text(&[sample.next])))
            .collect()
    }

    #[test]
    fn cyclic_windows_are_the_course_five() {
        assert_eq!(
            pairs(&LetterWindows::new(5, 1).with_cyclic(true)),
            ["a->b", "b->c", "c->d", "d->e", "e->a"]
        );
        assert_eq!(
            pairs(&LetterWindows::new(5, 4).with_cyclic(true)),
            ["abcd->e", "bcde->a", "cdea->b", "deab->c", "eabc->d"]
        );
    }

    #[test]
    fn the_alphabet_gives_22_windows_of_four_that_do_not_wrap() {
        let all = pairs(&LetterWindows::new(26, 4));
        assert_eq!(all.len(), 22);
        assert_eq!((all[0].as_str(), all[21].as_str()), ("abcd->e", "vwxy->z"));
    }

    #[test]
    fn a_batch_holds_ids_and_targets() {
        let samples =
            LetterWindows::new(5, 4).with_cyclic(true).iter().map(Result::unwrap).collect();
        let batch = LetterBatcher.batch(samples, &Device::flex());
        assert_eq!(batch.letters.dims(), [5, 4]);
        assert_eq!(batch.targets.to_data().iter::<i64>().collect::<Vec<_>>(), [4, 0, 1, 2, 3]);
    }
}
