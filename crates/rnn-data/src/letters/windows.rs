use burn::{
    data::{
        dataloader::batcher::Batcher,
        dataset::{Dataset, DatasetError},
    },
    tensor::{Device, Int, Tensor, TensorData},
};

/// Dataset of all windows of consecutive letters, each with the next letter as target.
///
/// # Examples
///
/// ```
/// use burn::data::dataset::Dataset;
/// use rnn_data::LetterWindows;
///
/// let windows = LetterWindows::new(26, 4);
/// assert_eq!(windows.len(), 22);
/// let sample = windows.get(0).unwrap();
/// assert_eq!((sample.letters, sample.next), (vec![0, 1, 2, 3], 4));
/// ```
#[derive(Debug, Clone)]
pub struct LetterWindows {
    alphabet: usize,
    window: usize,
    cyclic: bool,
}

/// One window of letter ids and the id of the next letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterSample {
    /// Ids of the letters, oldest first, `[T]`.
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
    /// Creates windows of `window` letters over the first `alphabet` letters.
    ///
    /// # Panics
    ///
    /// If the window is empty or leaves no letter to predict.
    pub fn new(alphabet: usize, window: usize) -> Self {
        assert!(
            window > 0 && window < alphabet,
            "expected a window of 1 to {} letters, got {window}",
            alphabet.saturating_sub(1)
        );
        Self { alphabet, window, cyclic: false }
    }

    /// Sets whether the first letter follows the last; false by default.
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
    fn cyclic_windows_equal_the_five_of_the_course() {
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
    fn the_alphabet_has_22_windows_of_four_letters() {
        let all = pairs(&LetterWindows::new(26, 4));
        assert_eq!(all.len(), 22);
        assert_eq!((all[0].as_str(), all[21].as_str()), ("abcd->e", "vwxy->z"));
    }

    #[test]
    fn errors_of_letters_have_the_count_or_the_range() {
        let problem = |text: &str, expected| {
            crate::Alphabet::new(5).encode(text, expected).unwrap_err().to_string()
        };
        assert_eq!(problem("ab", 1), "expected 1 letter, got 2: `ab`");
        assert_eq!(problem("abc", 4), "expected 4 letters, got 3: `abc`");
        assert_eq!(problem("abz", 3), "`z` is not in the alphabet (use letters from `a` to `e`)");
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
