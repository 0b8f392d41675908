//! Error messages of a readable length.

/// Shortens a text to about `longest` characters, keeping its beginning and its end.
///
/// Parsers may quote a whole file in their messages.
pub fn shortened(said: &str, longest: usize) -> String {
    let (letters, end) = (said.chars().count(), longest / 4);
    if letters <= longest {
        return said.to_owned();
    }
    let start: String = said.chars().take(longest - end).collect();
    let end: String = said.chars().skip(letters - end).collect();
    format!("{start} … {end}")
}

/// Returns the message of a TOML error, without the line it quotes if that is too long to show.
pub fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    const LONGEST: usize = 300;
    let said = error.to_string();
    if said.lines().all(|line| line.len() <= LONGEST) {
        return said.trim_end().to_owned();
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
    fn problems_of_toml_are_shown_with_their_line_if_it_is_short() {
        let said =
            |text: &str| toml_problem(text, &toml::from_str::<toml::Table>(text).unwrap_err());
        assert!(said("a = 1\nb = x").contains("line 2, column 5\n  |\n2 | b = x\n"));
        let long = said(&format!("a = 1\nb = \"{}\nc = 2", "茅".repeat(100_000)));
        assert!(
            long.starts_with("TOML parse error at line 2, column ") && long.len() < 400,
            "{long}"
        );
    }
}
