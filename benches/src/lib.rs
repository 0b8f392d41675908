//! What the measurements share: shapes, timing, and the peer made of Burn's own layers.
//!
//! | program | measures |
//! |---|---|
//! | `cargo xtask bench` | all of the below and the scripts of `peers/`, in turn, as one set of tables |
//! | bin `layers` | our layers: inference, and how the cost of a step grows; the machine's matrix product |
//! | bin `burn_nn_stock` | the stock job with Burn's own layers |
//! | bin `panel` | windows of thousands of series: how fast they are read and cut, in how much memory |
//! | bench `layers` (Criterion) | one layer forward and backward, ours and Burn's own |
//!
//! The bins print JSON lines, as the scripts of `peers/` do.

mod burn_nn;
mod device;
mod timing;

pub use burn_nn::{NnRecurrent, NnStockModel};
pub use device::{Backend, cell};
use mimalloc::MiMalloc;
pub use timing::{Timing, report, time};

// That of rnn-train: a peer shall not lose for its allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Days in a window of the stock job.
pub const WINDOW: usize = 60;
/// Samples a step of the stock job.
pub const BATCH: usize = 64;
/// Hidden units of the stock model's layers.
pub const UNITS: [usize; 2] = [80, 100];
