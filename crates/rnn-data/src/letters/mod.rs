//! The next-letter task: windows of consecutive letters and the letter that follows.

mod alphabet;
mod windows;

pub use alphabet::Alphabet;
pub use windows::{LetterBatch, LetterBatcher, LetterSample, LetterWindows};
