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

/// Returns the message of a TOML error as `line N: KEY: ...`, shortened to about 300 characters.
///
/// The key is missing if the error is not in a value.
pub fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    const LONGEST: usize = 300;
    const LONGEST_KEY: usize = 60;
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let message = shortened(&message, LONGEST);
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return message;
    };
    let line = 1 + before.matches('\n').count();
    let start = before.rsplit('\n').next().unwrap_or_default().trim_start();
    match start.split_once('=') {
        Some((key, _)) if !start.starts_with('#') => {
            format!("line {line}: `{}`: {message}", shortened(key.trim_end(), LONGEST_KEY))
        }
        _ => format!("line {line}: {message}"),
    }
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
    fn toml_errors_have_their_line_and_key() {
        let problem =
            |text: &str| toml_problem(text, &toml::from_str::<toml::Table>(text).unwrap_err());
        for (text, expected) in [
            ("a = 1\nb = x", "line 2: `b`: string values must be quoted, expected literal string"),
            ("a = 1\na = 2", "line 2: duplicate key"),
            ("a 1", "line 1: key with no value, expected `=`"),
            ("a = [[5", "line 1: `a`: unclosed array, expected `]`"),
            ("# a = \u{1}", "line 1: invalid comment character, expected printable characters"),
        ] {
            assert_eq!(problem(text), expected);
        }
        let long = problem(&format!("a = 1\nb = \"{}\nc = 2", "茅".repeat(100_000)));
        assert!(long.starts_with("line 2: `b`: ") && long.len() < 400, "{long}");
    }
}
