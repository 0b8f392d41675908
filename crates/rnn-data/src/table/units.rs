//! Units after the numbers of a column, such as `°C`, and letters that may be multiples.

use super::numbers::{CURRENCIES, is_missing};

/// Longest unit in characters.
const LONGEST: usize = 16;
/// Multiples that are no units.
const MULTIPLES: [&str; 5] = ["万亿", "百万", "亿", "万", "千"];
/// Letters that are a multiple or a unit: kelvin, metre, byte, tesla.
const LETTERS: [&str; 4] = ["K", "M", "B", "T"];
/// Words in the names of columns whose letters are multiples.
const AMOUNTS: [&str; 14] = [
    "vol",
    "volume",
    "amount",
    "turnover",
    "cap",
    "marketcap",
    "revenue",
    "sales",
    "income",
    "profit",
    "supply",
    "shares",
    "population",
    "users",
];
/// Likewise in Chinese.
const CHINESE_AMOUNTS: [&str; 4] = ["成交", "市值", "金额", "营收"];

/// What follows the numbers of a column.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// Unit of the first number with one.
    unit: Option<Box<str>>,
    /// Whether another number has another unit.
    differ: bool,
    /// Whether a number other than zero has no unit.
    bare: bool,
    /// Which letters follow numbers, in any case.
    letters: [bool; 4],
    /// Whether a letter stands beside a currency.
    money: bool,
}

impl Endings {
    /// Adds a cell.
    pub(super) fn add(&mut self, text: &str) {
        if is_missing(text) {
            return;
        }
        let Some((_, tail)) = split(text) else {
            self.bare = true;
            return;
        };
        let tail = without_multiple(tail);
        let letter = tail.get(..1).and_then(letter);
        // `5M`, `5M €`, `(5M)`
        let after = tail.get(1..).unwrap_or_default().trim();
        let is_currency = CURRENCIES.contains(&after);
        if let Some(letter) = letter
            && (is_currency || matches!(after, "" | ")"))
        {
            self.letters[letter] = true;
            self.money |= is_currency || CURRENCIES.iter().any(|one| text.starts_with(one));
        }
        if is_unit(tail) {
            match &self.unit {
                Some(unit) => self.differ |= **unit != *tail,
                None => self.unit = Some(tail.into()),
            }
        } else {
            self.bare |= !is_zero(text);
        }
    }

    /// Returns the unit of all numbers, and whether letters are surely multiples.
    ///
    /// Two different letters are multiples. One letter is a unit, unless it is an amount.
    pub(super) fn finish(self, name: &str) -> (Option<Box<str>>, bool) {
        let letters = self.letters.iter().filter(|is_there| **is_there).count();
        let has_multiples = letters > 1 || letters == 1 && (self.money || is_amount(name));
        let unit = self.unit.filter(|_| !self.differ && !self.bare && !has_multiples);
        (unit, has_multiples)
    }
}

/// Splits a text with digits after its number.
fn split(text: &str) -> Option<(&str, &str)> {
    let start = text.find(is_digit)?;
    let inside =
        |letter: char| is_digit(letter) || ".,'’．， \u{a0}\u{202f}\u{2009}".contains(letter);
    let mut end =
        text[start..].find(|letter| !inside(letter)).map_or(text.len(), |count| start + count);
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if count > 0 {
            end = text.len() - digits.len() + count;
        }
    }
    Some((&text[..end], text[end..].trim()))
}

/// Returns whether the multiple of a number is sure: in capitals, directly after the digits.
pub(super) fn is_multiple(text: &str) -> bool {
    split(text).is_some_and(|(number, tail)| {
        let is_letter = tail.get(..1).is_some_and(|one| LETTERS.contains(&one));
        number.ends_with(is_digit) && is_letter || MULTIPLES.iter().any(|one| tail.starts_with(one))
    })
}

/// Returns whether the digits of a text are zeros.
pub(super) fn is_zero(text: &str) -> bool {
    !text.contains(|letter: char| is_digit(letter) && !"0０".contains(letter))
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit() || ('０'..='９').contains(&letter)
}

fn letter(text: &str) -> Option<usize> {
    LETTERS.iter().position(|one| one.eq_ignore_ascii_case(text))
}

fn without_multiple(tail: &str) -> &str {
    let rest = MULTIPLES.iter().find_map(|multiple| tail.strip_prefix(multiple));
    rest.map_or(tail, str::trim_start)
}

fn is_unit(tail: &str) -> bool {
    let is_sign = |letter: char| "°º℃℉µ′″".contains(letter);
    let is_inner = |letter: char| letter.is_alphabetic() || is_sign(letter);
    tail.starts_with(is_inner)
        && tail.chars().all(|letter| is_inner(letter) || "/·⋅²³23^. ".contains(letter))
        && tail.chars().nth(LONGEST).is_none()
        && !CURRENCIES.contains(&tail)
}

fn is_amount(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| AMOUNTS.contains(&word))
        || CHINESE_AMOUNTS.iter().any(|word| name.contains(word))
}
