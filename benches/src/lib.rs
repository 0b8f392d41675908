//! What the Criterion benches and the peer made of Burn's own layers share.
//!
//! | target | measures |
//! |---|---|
//! | bench `layers` | one layer, the stock model's inference, the matrix product; ours and Burn's own |
//! | bench `panel` | windows of many series: how fast they are read and cut |
//! | bin `burn_nn_stock` | nothing: it does the stock job for `cargo xtask bench`, as `peers/` do |
//!
//! Criterion times functions. `cargo xtask bench` times whole processes beside their peers, and
//! puts Criterion's medians into its tables.

mod burn_nn;
mod device;

pub use burn_nn::{NnRecurrent, NnStockModel};
pub use device::{Backend, CELLS, cell};
use mimalloc::MiMalloc;

// That of rnn-train: a peer shall not lose for its allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Days in a window of the stock job.
pub const WINDOW: usize = 60;
/// Samples a step of the stock job.
pub const BATCH: usize = 64;
/// Hidden units of the stock model's layers.
pub const UNITS: [usize; 2] = [80, 100];
