/// Target of log messages that are lines of progress.
pub(crate) const PROGRESS: &str = "rnn_fetch::progress";

/// Formats a count and its noun.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
