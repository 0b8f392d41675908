//! Successive halving (Jamieson and Talwalkar, "Non-stochastic best arm identification and
//! hyperparameter optimization", AISTATS 2016). Many trials train for a few epochs, the best third
//! for three times as many, and so on.

/// One of `KEPT` trials is kept for the next rung, with `KEPT` times the epochs.
const KEPT: usize = 3;

/// Trials and epochs of each rung; the last rung has all epochs. Each rung trains from scratch with
/// its own learning-rate schedule and early stopping.
pub(crate) fn rungs(trials: usize, epochs: usize) -> Vec<(usize, usize)> {
    let mut rungs = vec![(trials, epochs)];
    while rungs[0].1 >= KEPT && rungs[rungs.len() - 1].0 > 1 {
        // One more rung: fewer epochs in the first, fewer trials in the last.
        rungs.insert(0, (trials, rungs[0].1.div_ceil(KEPT)));
        let mut left = trials;
        for (trials, _) in &mut rungs {
            *trials = left;
            left = left.div_ceil(KEPT);
        }
    }
    rungs
}

#[cfg(test)]
mod tests {
    use super::rungs;

    #[test]
    fn each_rung_has_a_third_of_the_trials_and_three_times_the_epochs() {
        assert_eq!(rungs(40, 100), [(40, 2), (14, 4), (5, 12), (2, 34), (1, 100)]);
        assert_eq!(rungs(9, 9), [(9, 1), (3, 3), (1, 9)]);
        assert_eq!(rungs(100, 4), [(100, 2), (34, 4)]);
        assert_eq!(rungs(1, 100), [(1, 100)]);
        assert_eq!(rungs(5, 1), [(5, 1)]);
    }
}
