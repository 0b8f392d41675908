//! Whether a trial beats the baseline configuration by more than chance.

use super::{
    Searching, TrialRun,
    board::{Board, Scored},
    trials::BASELINE,
};
use crate::{
    error::{Error, Result},
    run::PREDICTIONS,
    settings::Ranking,
    training::checked_report,
};

/// Most blocks of successive values. Errors of neighbours are alike, those of blocks hardly.
const BLOCKS: usize = 10;
/// Fewest blocks that can be compared.
const FEWEST: usize = 4;
/// Mean gain of the blocks in standard errors, from which it counts.
const BEYOND: f64 = 2.0;

impl Searching<'_> {
    /// The run to use: the first of the ranking that beats the baseline configuration by more than
    /// chance, else the baseline configuration.
    ///
    /// The best of many trials on a small validation set is partly luck. Where predictions are
    /// missing, as in folders of early versions, the ranking alone decides.
    pub(crate) fn chosen<'a>(&self, board: &'a Board) -> Result<(&'a TrialRun, Scored)> {
        let best = board.best()?;
        self.beyond_noise(board, best).or_else(|error| {
            log::info!("chosen by its score alone: {error}");
            Ok(best)
        })
    }

    fn beyond_noise<'a>(
        &self,
        board: &'a Board,
        best: (&'a TrialRun, Scored),
    ) -> Result<(&'a TrialRun, Scored)> {
        let ranked = board.ranked();
        let Some(place) = ranked.iter().position(|(run, _)| run.trial == BASELINE) else {
            return Ok(best);
        };
        let known = self.losses(ranked[place].0)?;
        for (run, scored) in &ranked[..place] {
            if beats(&self.losses(run)?, &known) {
                return Ok((run, *scored));
            }
        }
        Ok(ranked[place])
    }

    /// The losses of a run on the validation set, in the order of time.
    fn losses(&self, run: &TrialRun) -> Result<Vec<f64>> {
        let path = checked_report(&run.root(&self.folder), self.experiment, PREDICTIONS)?;
        let problem = |problem: String| Error::Artifact { path: path.clone(), problem };
        let unreadable = |error: csv::Error| problem(format!("cannot be read: {error}"));
        let mut reader = csv::Reader::from_path(&path).map_err(unreadable)?;
        let header = reader.headers().map_err(unreadable)?.clone();
        let places =
            ["actual", "predicted"].map(|name| header.iter().position(|column| column == name));
        let loss = |record: std::result::Result<csv::StringRecord, csv::Error>| {
            let record = record.map_err(unreadable)?;
            let [actual, predicted] = places.map(|place| record.get(place?)?.parse::<f64>().ok());
            match actual.zip(predicted) {
                Some((actual, predicted)) => Ok(self.metric.loss(actual, predicted)),
                None => Err(problem("expected an actual and a predicted value".to_owned())),
            }
        };
        reader.records().map(loss).collect()
    }
}

impl Ranking {
    /// The loss of one value, whose mean ranks.
    fn loss(self, actual: f64, predicted: f64) -> f64 {
        let error = (predicted - actual).abs();
        match self {
            Self::Rmse => error * error,
            Self::Mae | Self::Mase => error,
            Self::Smape if error == 0.0 => 0.0,
            Self::Smape => error / (actual.abs() + predicted.abs()),
        }
    }
}

/// Whether losses are lower than others of the same values by more than chance.
///
/// The values are cut into blocks; the mean gain of the blocks is compared with its standard error.
/// See Diebold and Mariano, "Comparing predictive accuracy", Journal of Business and Economic
/// Statistics 13, 1995.
fn beats(losses: &[f64], others: &[f64]) -> bool {
    let blocks = BLOCKS.min(losses.len() / 2);
    if losses.len() != others.len() || blocks < FEWEST {
        return false;
    }
    let gain = |block: usize| {
        let rows = block * losses.len() / blocks..(block + 1) * losses.len() / blocks;
        let count = rows.len() as f64;
        rows.map(|row| others[row] - losses[row]).sum::<f64>() / count
    };
    let gains: Vec<f64> = (0..blocks).map(gain).collect();
    let count = blocks as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let square = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0);
    mean > BEYOND * (square / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise between 0 and 1.
    fn noise(row: usize, salt: u32) -> f64 {
        let mixed = (row as u32 + 1000 * salt).wrapping_mul(2_654_435_761);
        f64::from((mixed ^ mixed >> 15).wrapping_mul(2_246_822_519) >> 8) / f64::from(1 << 24)
    }

    #[test]
    fn a_lead_counts_if_it_is_larger_than_its_noise() {
        let losses = |salt: u32, scale: f64| -> Vec<f64> {
            (0..200).map(|row| scale * (0.5 + noise(row, salt))).collect()
        };
        let baseline = losses(0, 1.0);
        assert!(beats(&losses(1, 0.7), &baseline));
        assert!(!beats(&losses(1, 1.3), &baseline));
        assert!(!beats(&baseline, &baseline), "no lead at all");
        let lucky = (1..=20).filter(|salt| beats(&losses(*salt, 1.0), &baseline)).count();
        assert!(lucky <= 3, "{lucky} of 20 equal ones");
        // One large gain is no lead.
        let mut once = baseline.clone();
        once[7] = -100.0;
        assert!(!beats(&once, &baseline));
        assert!(!beats(&baseline[..5], &baseline[..5]) && !beats(&baseline[1..], &baseline));
    }
}
