//! Bounded length for error messages.

/// Shortens a text to about `longest` characters and keeps its beginning and its end.
///
/// Some parsers quote a whole file in their messages.
pub fn shortened(text: &str, longest: usize) -> String {
    let (letters, end) = (text.chars().count(), longest / 4);
    if letters <= longest {
        return text.to_owned();
    }
    let start: String = text.chars().take(longest - end).collect();
    let end: String = text.chars().skip(letters - end).collect();
    format!("{start} … {end}")
}

/// Returns the message of a TOML error; a quoted line of more than 300 bytes is left out.
pub fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    const LONGEST: usize = 300;
    let message = error.to_string();
    if message.lines().all(|line| line.len() <= LONGEST) {
        return message.trim_end().to_owned();
    }
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) = (
        1 + before.matches('\n').count(),
        1 + before.rsplit('\n').next().map_or(0, |line| line.chars().count()),
    );
    format!(
        "TOML parse error at line {line}, column {column}: {}",
        shortened(error.message(), LONGEST)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_keep_their_beginning_and_their_end() {
        assert_eq!(shortened("short", 600), "short");
        let long =
            shortened(&format!("expected a number, got `{}` at line 7", "茅".repeat(100_000)), 600);
        assert!(
            long.starts_with("expected a number, got `茅") && long.ends_with("茅` at line 7"),
            "{long}"
        );
        assert!(long.chars().count() < 620);
    }

    #[test]
    fn toml_errors_quote_a_short_line_only() {
        let problem =
            |text: &str| toml_problem(text, &toml::from_str::<toml::Table>(text).unwrap_err());
        assert!(problem("a = 1\nb = x").contains("line 2, column 5\n  |\n2 | b = x\n"));
        let long = problem(&format!("a = 1\nb = \"{}\nc = 2", "茅".repeat(100_000)));
        assert!(
            long.starts_with("TOML parse error at line 2, column ") && long.len() < 400,
            "{long}"
        );
    }
}
