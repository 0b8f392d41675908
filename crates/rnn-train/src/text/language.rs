use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

static CHINESE: AtomicBool = AtomicBool::new(false);

/// Language of the headings of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Chinese, with the course's terms
    Zh,
}

/// Sets the language of this process.
pub(crate) fn set_language(language: Language) {
    CHINESE.store(language == Language::Zh, Ordering::Relaxed);
}

/// A text in the language of this process.
pub(crate) fn either<'a>(english: &'a str, chinese: &'a str) -> &'a str {
    if CHINESE.load(Ordering::Relaxed) { chinese } else { english }
}
