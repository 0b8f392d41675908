use std::fmt;

/// Receives each line of progress, such as a finished window of years or a failed request.
pub type Note<'a> = &'a dyn Fn(fmt::Arguments<'_>);

/// Formats a count and its noun.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
