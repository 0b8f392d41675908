//! The course's data as Burn datasets and batchers: letters, and windows over daily bars.
//!
//! ```text
//! CSV -> PriceFile (typed, checked) -> split -> MinMaxScaler (fitted on the training part) -> Windows (lazy) -> WindowBatch
//! ```
//!
//! Nothing here knows a model. `B` is batch, `T` time (days or letters).

mod error;
mod letters;
mod loader;
mod scaler;
mod stock;

pub use error::DataError;
pub use letters::{Alphabet, LetterBatch, LetterBatcher, LetterSample, LetterWindows};
pub use loader::{EpochLoader, Order};
pub use scaler::MinMaxScaler;
pub use stock::{Bar, PriceFile, StockData, Warning, Window, WindowBatch, WindowBatcher, Windows};
