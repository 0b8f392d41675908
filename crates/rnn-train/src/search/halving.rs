//! Successive halving (Jamieson and Talwalkar, "Non-stochastic best arm identification and
//! hyperparameter optimization", AISTATS 2016): many trials for a few epochs, the best third of
//! them for three times as many, and so on.

/// One of so many trials goes on.
const KEPT: usize = 3;

/// Trials and epochs of each rung: the last has all epochs. Each trains anew, so that its
/// learning-rate schedule and its early stopping are its own.
pub(crate) fn rungs(trials: usize, epochs: usize) -> Vec<(usize, usize)> {
    let mut rungs = vec![(trials, epochs)];
    while rungs[0].1 >= KEPT && rungs[rungs.len() - 1].0 > 1 {
        // One more rung: fewer epochs at first, fewer trials at last.
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
    fn each_rung_has_a_third_of_the_trials_and_thrice_the_epochs() {
        assert_eq!(rungs(40, 100), [(40, 2), (14, 4), (5, 12), (2, 34), (1, 100)]);
        assert_eq!(rungs(9, 9), [(9, 1), (3, 3), (1, 9)]);
        assert_eq!(rungs(100, 4), [(100, 2), (34, 4)]);
        assert_eq!(rungs(1, 100), [(1, 100)]);
        assert_eq!(rungs(5, 1), [(5, 1)]);
    }
}
