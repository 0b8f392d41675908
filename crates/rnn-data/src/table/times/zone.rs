//! Offsets and zones behind a time of day: `Z`, `+01:00`, `CET`, `Europe/Berlin`.

/// Usual abbreviations of zones with their offset from UTC in minutes.
const ABBREVIATIONS: [(&str, i32); 38] = [
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("SAST", 120),
    ("MSK", 180),
    ("TRT", 180),
    ("GST", 240),
    ("PKT", 300),
    ("IST", 330),
    ("ICT", 420),
    ("WIB", 420),
    ("HKT", 480),
    ("SGT", 480),
    ("AWST", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("ACDT", 630),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("BRT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
];
/// Summer time of the last one.
const PACIFIC_SUMMER: (&str, i32) = ("PDT", -420);

/// A text without its zone, and what the zone says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Zoned<'a> {
    /// Date and time of day on a local clock.
    pub(super) local: &'a str,
    /// Seconds that the local clock is ahead of UTC.
    pub(super) offset: Option<i32>,
    /// Name of the zone in the time zone database.
    pub(super) zone: Option<&'a str>,
}

/// Splits a text into its local time and its zone.
///
/// Only a time of day has a zone: a text without a colon, a `T` or a bracket stays whole.
pub(super) fn split(text: &str) -> Zoned<'_> {
    let whole = Zoned { local: text, offset: None, zone: None };
    if !text.contains([':', 'T', '[']) {
        // `2020-04-24Z` is a date in UTC.
        return match text.strip_suffix('Z') {
            Some(local) => Zoned { local, offset: Some(0), zone: None },
            None => whole,
        };
    }
    let bracket = text.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    let (rest, zone) = match bracket {
        Some((rest, zone)) => (rest.trim_end(), Some(zone)),
        None => (text, None),
    };
    if let Some((local, word)) = rest.rsplit_once(' ')
        && local.contains(':')
        && let Some(named) = named(local.trim_end(), word)
    {
        return Zoned { zone: named.zone.or(zone), ..named };
    }
    match offset_at_end(rest) {
        Some((local, offset)) => Zoned { local: local.trim_end(), offset: Some(offset), zone },
        None => Zoned { local: rest, offset: None, zone },
    }
}

/// Splits off a word behind a space: an abbreviation or the name of a zone.
fn named<'a>(local: &'a str, word: &'a str) -> Option<Zoned<'a>> {
    let known = ABBREVIATIONS.iter().chain([&PACIFIC_SUMMER]);
    if let Some((_, minutes)) = known.into_iter().find(|(name, _)| *name == word) {
        return Some(Zoned { local, offset: Some(minutes * 60), zone: None });
    }
    let hours = word.strip_prefix("UTC").or(word.strip_prefix("GMT"));
    if let Some(offset) = hours.and_then(offset) {
        return Some(Zoned { local, offset: Some(offset), zone: None });
    }
    let is_name = word.contains('/')
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.chars().all(|one| one.is_ascii_alphanumeric() || "/_-+".contains(one));
    is_name.then_some(Zoned { local, offset: None, zone: Some(word) })
}

/// Splits off `Z`, `+01:00`, `+0100` or `+01`.
fn offset_at_end(text: &str) -> Option<(&str, i32)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local, 0));
    }
    // A sign before the time of day belongs to the date.
    let sign = text.rfind(['+', '-', '−'])?;
    let (local, behind) = text.split_at(sign);
    local.contains(':').then_some(())?;
    Some((local, offset(behind)?))
}

/// Reads a signed offset in seconds.
fn offset(text: &str) -> Option<i32> {
    let sign = text.chars().next()?;
    let ahead = match sign {
        '+' => 1,
        '-' | '−' => -1,
        _ => return None,
    };
    let digits = &text[sign.len_utf8()..];
    if !digits.chars().all(|one| one.is_ascii_digit() || one == ':') {
        return None;
    }
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 => digits.split_at(2),
        None => (digits, "00"),
    };
    if hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    (hours <= 18 && minutes < 60).then_some(ahead * (hours * 60 + minutes) * 60)
}
