//! Numbers as people write them: separators, currencies, percent signs and multiples.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Decimal separator of the numbers of a file.
///
/// # Examples
///
/// ```
/// use rnn_data::Decimal;
///
/// assert_eq!("comma".parse(), Ok(Decimal::Comma));
/// assert_eq!(Decimal::Point.to_string(), "point");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decimal {
    /// As in `1,234.5`.
    Point,
    /// As in `1.234,5`.
    Comma,
}

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "point" => Ok(Self::Point),
            "comma" => Ok(Self::Comma),
            _ => Err(format!("expected point or comma, got `{text}`")),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Point => "point",
            Self::Comma => "comma",
        })
    }
}

/// Longest number in bytes.
const LONGEST: usize = 100;
/// Currencies before or after a number; of two with the same start, the longer one first.
pub(super) const CURRENCIES: [&str; 32] = [
    "US$", "HK$", "NT$", "A$", "C$", "R$", "$", "€", "£", "¥", "₹", "₩", "₽", "元", "USDT", "USDC",
    "USD", "EUR", "GBP", "JPY", "CNY", "RMB", "HKD", "CHF", "CAD", "AUD", "INR", "KRW", "TWD",
    "SGD", "BTC", "ETH",
];
/// Multiples after a number with their powers of ten; of two with the same end, the longer first.
const MULTIPLES: [(&str, i32); 9] = [
    ("万亿", 12),
    ("百万", 6),
    ("亿", 8),
    ("万", 4),
    ("千", 3),
    ("K", 3),
    ("M", 6),
    ("B", 9),
    ("T", 12),
];
/// Values that mean that there is none, in lower case.
const MISSING: [&str; 29] = [
    "",
    ".",
    "..",
    "...",
    "…",
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "nan",
    "-nan",
    "null",
    "(null)",
    "none",
    "nil",
    "-",
    "--",
    "–",
    "—",
    "?",
    "\\n",
    "<na>",
    "#na",
    "#n/a",
    "#n/a n/a",
    "#div/0!",
    "#value!",
    "#num!",
    "unavailable",
];
/// Longest of them in bytes.
const LONGEST_MISSING: usize = 11;

/// A number with the signs around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) signs: Signs,
}

/// Signs of a number beside its digits and its decimal separator.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Signs {
    /// Currency, if any.
    pub(super) currency: Option<&'static str>,
    pub(super) percent: bool,
    /// A multiple such as `M`.
    pub(super) multiple: Option<&'static str>,
    /// True if there are separators between groups of digits.
    pub(super) groups: bool,
    /// True if parentheses mean a negative number.
    pub(super) parentheses: bool,
    /// True if letters are as wide as Chinese ones.
    pub(super) wide: bool,
}

impl Signs {
    /// Adds the signs of another number.
    pub(super) fn add(&mut self, other: Self) {
        self.currency = self.currency.or(other.currency);
        self.multiple = self.multiple.or(other.multiple);
        self.percent |= other.percent;
        self.groups |= other.groups;
        self.parentheses |= other.parentheses;
        self.wide |= other.wide;
    }
}

/// Returns whether a text marks a missing value.
pub(super) fn is_missing(text: &str) -> bool {
    text.is_empty()
        || (text.len() <= LONGEST_MISSING && MISSING.contains(&text.to_ascii_lowercase().as_str()))
}

/// Returns whether a text is a number with either decimal separator.
pub(super) fn is_number(text: &str) -> bool {
    [Decimal::Point, Decimal::Comma].iter().any(|decimal| parse(text, *decimal).is_some())
}

/// Parses a number; infinite and too large ones are numbers, too.
pub(super) fn parse(text: &str, decimal: Decimal) -> Option<Number> {
    if decimal == Decimal::Point
        && let Ok(value) = text.parse::<f64>()
    {
        // `nan` is a missing value.
        return (!value.is_nan()).then_some(Number { value, signs: Signs::default() });
    }
    if text.len() > LONGEST || !text.contains(|letter: char| letter.is_numeric()) {
        return None;
    }
    let narrow = narrow(text);
    let mut signs = Signs { wide: matches!(narrow, Cow::Owned(_)), ..Signs::default() };
    let mut rest = narrow.trim();
    if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        signs.parentheses = true;
        rest = inner.trim();
    }
    let mut minus = None;
    loop {
        let is_signed = minus.is_some();
        if let Some(after) = rest.strip_prefix(['-', '+']).filter(|_| !is_signed) {
            minus = Some(rest.starts_with('-'));
            rest = after.trim_start();
        } else if let Some(currency) =
            CURRENCIES.iter().find(|one| signs.currency.is_none() && rest.starts_with(**one))
        {
            signs.currency = Some(currency);
            rest = rest[currency.len()..].trim_start();
        } else {
            break;
        }
    }
    if signs.parentheses && minus.is_some() {
        return None;
    }
    // `$(1.5)`
    if minus.is_none()
        && !signs.parentheses
        && let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
    {
        signs.parentheses = true;
        rest = inner.trim();
    }
    let mut power = 0;
    loop {
        if let Some(before) = rest.strip_suffix('%').filter(|_| !signs.percent) {
            signs.percent = true;
            rest = before.trim_end();
        } else if let Some(currency) =
            CURRENCIES.iter().find(|one| signs.currency.is_none() && rest.ends_with(**one))
        {
            signs.currency = Some(currency);
            rest = rest[..rest.len() - currency.len()].trim_end();
        } else if let Some((sign, exponent)) =
            MULTIPLES.iter().find(|(sign, _)| signs.multiple.is_none() && ends_with(rest, sign))
        {
            signs.multiple = Some(sign);
            power = *exponent;
            rest = rest[..rest.len() - sign.len()].trim_end();
        } else {
            break;
        }
    }
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let digits = digits(mantissa, decimal, &mut signs.groups)?;
    let value = format!("{digits}e{}", exponent.checked_add(power)?).parse::<f64>().ok()?;
    let is_negative = minus == Some(true) || signs.parentheses;
    Some(Number { value: if is_negative { -value } else { value }, signs })
}

/// Letters of half the width for full-width ones, and a plain minus.
fn narrow(text: &str) -> Cow<'_, str> {
    let plain = |letter: char| match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        '￥' => '¥',
        '￡' => '£',
        '\u{2212}' => '-',
        _ => letter,
    };
    if text.chars().any(|letter| plain(letter) != letter) {
        Cow::Owned(text.chars().map(plain).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn ends_with(text: &str, sign: &str) -> bool {
    text.ends_with(sign)
        || text
            .len()
            .checked_sub(sign.len())
            .and_then(|start| text.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(sign))
}

/// Returns digits and a decimal point without separators between groups.
///
/// Groups have three digits; between commas those before the last may have two, as in India.
fn digits(text: &str, decimal: Decimal, has_groups: &mut bool) -> Option<String> {
    let (point, separator) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let (whole, fraction) = text.split_once(point).unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if is_digits(whole) {
        return Some(format!("{whole}.{fraction}"));
    }
    let between = whole.chars().find(|letter| !letter.is_ascii_digit())?;
    if between != separator && !"'’ \u{a0}\u{202f}\u{2009}".contains(between) {
        return None;
    }
    let groups: Vec<&str> = whole.split(between).collect();
    let (first, last) = (groups[0], groups[groups.len() - 1]);
    let smallest = if between == ',' && groups.len() > 2 { 2 } else { 3 };
    let is_good = (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && last.len() == 3
        && groups[1..].iter().all(|group| (smallest..=3).contains(&group.len()))
        && groups.iter().all(|group| is_digits(group));
    *has_groups = true;
    is_good.then(|| format!("{}.{fraction}", groups.concat()))
}

/// What the numbers of a column say about their decimal separator.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    /// Numbers that are only possible with a decimal point.
    pub(super) point: bool,
    /// Numbers that are only possible with a decimal comma.
    pub(super) comma: bool,
    /// Signs of the numbers with a decimal point, and with a decimal comma.
    signs: [Signs; 2],
}

impl Evidence {
    /// Adds a cell; returns whether it is a number.
    pub(super) fn add(&mut self, text: &str) -> bool {
        if let Some((whole, fraction)) = simple(text) {
            match fraction {
                None => {}
                Some(fraction)
                    if fraction.len() == 3
                        && (1..=3).contains(&whole.len())
                        && !whole.starts_with('0') =>
                {
                    self.signs[1].groups = true;
                }
                Some(_) => self.point = true,
            }
            return true;
        }
        let [point, comma] = [Decimal::Point, Decimal::Comma].map(|one| parse(text, one));
        match (point, comma) {
            (Some(one), None) => self.point |= has_separator(text, one.value),
            (None, Some(_)) => self.comma = true,
            _ => {}
        }
        for (signs, number) in self.signs.iter_mut().zip([point, comma]) {
            signs.add(number.map_or_else(Signs::default, |number| number.signs));
        }
        point.or(comma).is_some()
    }

    /// Returns the signs of the numbers, read with this separator.
    pub(super) fn signs(self, decimal: Option<Decimal>) -> Signs {
        self.signs[usize::from(decimal == Some(Decimal::Comma))]
    }

    /// Returns the separator, if the numbers leave no doubt.
    pub(super) fn decimal(self) -> Option<Decimal> {
        match (self.point, self.comma) {
            (true, false) => Some(Decimal::Point),
            (false, true) => Some(Decimal::Comma),
            _ => None,
        }
    }
}

/// Splits a number of digits, perhaps with a sign and a decimal point, at the point.
fn simple(text: &str) -> Option<(&str, Option<&str>)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let parts = [whole, fraction.unwrap_or_default()];
    let are_digits = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    (are_digits && parts.iter().any(|part| !part.is_empty())).then_some((whole, fraction))
}

/// Returns whether a number has digits and a sign only, so that all readings are equal.
pub(super) fn is_whole(text: &str) -> bool {
    simple(text).is_some_and(|(_, fraction)| fraction.is_none())
}

/// Returns whether a number that has two readings is written with a comma.
pub(super) fn is_unclear(text: &str) -> bool {
    text.contains([',', '，'])
}

/// Returns whether a number has a sign that a decimal comma excludes; `inf` has none.
fn has_separator(text: &str, value: f64) -> bool {
    value.is_finite() && text.contains(['.', ',', '．', '，'])
}
