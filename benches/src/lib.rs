//! Code that the Criterion benches share with the peer program of Burn's own layers.
//!
//! | target | measures |
//! |---|---|
//! | bench `layers` | a layer, the stock model's inference, the matrix product |
//! | bench `panel` | reading and cutting windows of many series |
//! | bin `burn_nn_stock` | nothing itself: `cargo xtask bench` times it, like `peers/` |
//!
//! Criterion times functions. `cargo xtask bench` times whole processes and their peers, and adds
//! Criterion's medians to its tables.

mod burn_nn;
mod device;

pub use burn_nn::{NnRecurrent, NnStockModel};
pub use device::{Backend, CELLS, cell};
use mimalloc::MiMalloc;

// The allocator of rnn-train, so that the peer has no disadvantage.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Days in a window of the stock job.
pub const WINDOW: usize = 60;
/// Samples per step (batch size) of the stock job.
pub const BATCH: usize = 64;
/// Hidden units of the stock model's layers.
pub const UNITS: [usize; 2] = [80, 100];
