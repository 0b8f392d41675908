//! Generates the synthetic sample: daily bars in the format and length of the course's file.
//!
//! It is a random walk of log prices with slowly changing volatility, overnight gaps and intraday
//! moves, on weekdays. The seeded generator (ChaCha8) and the elementary functions (libm) give the
//! same bytes on every machine.

use std::fmt::Write;

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use jiff::{ToSpan, civil::Weekday};

use crate::shell::{Result, print, root};

const ROWS: usize = 2426;
const SEED: u64 = 600_519;
const FIRST_PRICE: f64 = 88.0;
const DAILY_DRIFT: f64 = 0.0008;
const PATH: &str = "assets/synthetic-daily-bars.csv";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only check that the file equals the generator's output
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (path, text) = (root().join(PATH), generate());
    if args.check {
        let is_same = fs_err::read_to_string(&path)? == text;
        return if is_same {
            Ok(())
        } else {
            Err(format!("{PATH}: differs from the generator's output (run `cargo xtask sample`)")
                .into())
        };
    }
    fs_err::write(&path, text)?;
    print(&format!("wrote {PATH}: {ROWS} synthetic bars"));
    Ok(())
}

fn generate() -> String {
    let mut noise = Noise(ChaCha8Rng::seed_from_u64(SEED));
    let mut text = ",date,open,close,high,low,volume,code\n".to_owned();
    let mut date = jiff::civil::date(2010, 4, 26);
    let (mut close, mut log_volatility) = (FIRST_PRICE, 0.0);
    for index in 0..ROWS {
        log_volatility = 0.97 * log_volatility + 0.12 * noise.normal();
        let volatility = 0.016 * libm::exp(log_volatility);
        let open = close * libm::exp(0.35 * volatility * noise.normal());
        close = open * libm::exp(DAILY_DRIFT + volatility * noise.normal());
        let high = open.max(close) * libm::exp(0.4 * volatility * noise.normal().abs());
        let low = open.min(close) * libm::exp(-0.4 * volatility * noise.normal().abs());
        let volume = 30_000.0 * libm::exp(0.6 * log_volatility + 0.35 * noise.normal());
        writeln!(
            text,
            "{index},{date},{open:.3},{close:.3},{high:.3},{low:.3},{volume:.2},SYNTHETIC"
        )
        .expect("writing to a String cannot fail");
        date = next_weekday(date);
    }
    text
}

fn next_weekday(date: jiff::civil::Date) -> jiff::civil::Date {
    date + if date.weekday() == Weekday::Friday { 3.days() } else { 1.day() }
}

struct Noise(ChaCha8Rng);

impl Noise {
    /// A standard normal value (Box-Muller).
    fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }

    /// A value in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_sample_equals_the_generator_output() {
        run(&Args { check: true }).unwrap();
    }
}
