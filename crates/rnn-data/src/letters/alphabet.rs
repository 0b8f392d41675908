use crate::DataError;

/// The first `size` letters of the Latin alphabet, with ids from 0.
///
/// # Examples
///
/// ```
/// use rnn_data::Alphabet;
///
/// let alphabet = Alphabet::new(5);
/// assert_eq!(alphabet.encode("bcde", 4).unwrap(), [1, 2, 3, 4]);
/// assert_eq!(alphabet.letter(0), 'a');
/// assert!(alphabet.encode("f", 1).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alphabet {
    size: u8,
}

impl Alphabet {
    /// Creates the alphabet of the first `size` letters.
    ///
    /// # Panics
    ///
    /// If `size` is not in 1..=26.
    pub fn new(size: usize) -> Self {
        assert!((1..=26).contains(&size), "expected an alphabet of 1 to 26 letters, got {size}");
        Self { size: size as u8 }
    }

    /// Returns the ids of the letters of `text`, `[expected]`.
    ///
    /// # Errors
    ///
    /// [`DataError::UnknownLetter`] for a character outside the alphabet,
    /// [`DataError::LetterCount`] if the number of letters is not `expected`.
    pub fn encode(&self, text: &str, expected: usize) -> Result<Vec<usize>, DataError> {
        let ids = text.chars().map(|letter| self.id(letter)).collect::<Result<Vec<_>, _>>()?;
        if ids.len() == expected {
            Ok(ids)
        } else {
            Err(DataError::LetterCount { text: text.to_owned(), got: ids.len(), expected })
        }
    }

    /// Returns the letter with this id.
    ///
    /// # Panics
    ///
    /// If the id is outside the alphabet.
    pub fn letter(&self, id: usize) -> char {
        assert!(id < usize::from(self.size), "id {id} is outside an alphabet of {}", self.size);
        char::from(b'a' + id as u8)
    }

    fn id(&self, letter: char) -> Result<usize, DataError> {
        let (first, last) = ('a', self.letter(usize::from(self.size) - 1));
        if (first..=last).contains(&letter) {
            Ok(letter as usize - first as usize)
        } else {
            Err(DataError::UnknownLetter { letter, first, last })
        }
    }
}
