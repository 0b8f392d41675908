use std::fmt;

/// Called with each line of progress, such as a finished window of years or a failed try.
pub type Note<'a> = &'a dyn Fn(fmt::Arguments<'_>);

/// A count and its noun.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
