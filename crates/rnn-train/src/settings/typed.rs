//! Option values as text, on the command line, in settings files and in `config.json`.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use rnn_data::{Decimal, Fill, MaxGap, Naive, SetSize, TextEncoding, Transform};
use rnn_models::Cell;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::{
    schedule::RateSchedule,
    values::{Progress, Seasons},
};
use crate::{backend::BackendChoice, error::Error};

/// A value with a text form, on the command line, in settings files (also as a number) and in
/// `config.json`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typed<T>(pub(crate) T);

/// The type of an option, which wraps a plain value.
pub(crate) trait Setting {
    /// The plain value.
    type Value;

    /// Unwraps the value.
    fn value(self) -> Self::Value;
}

/// Conversion of a value into the type of an option. Bounds are checked when options are resolved.
pub trait Accepts<V> {
    /// Wraps a value.
    fn accept(value: V) -> Self;
}

/// Implements the traits for types that need no wrapper.
macro_rules! plain_settings {
    ($($kind:ty)*) => {
        $(impl $crate::settings::typed::Setting for $kind {
            type Value = Self;

            fn value(self) -> Self {
                self
            }
        }

        impl $crate::settings::typed::Accepts<Self> for $kind {
            fn accept(value: Self) -> Self {
                value
            }
        })*
    };
}

pub(super) use plain_settings;

plain_settings!(bool u64 usize String PathBuf Cell SetSize Fill MaxGap Naive Transform);
plain_settings!(Seasons TextEncoding Decimal BackendChoice Progress RateSchedule);

impl Accepts<&str> for String {
    fn accept(value: &str) -> Self {
        value.to_owned()
    }
}

impl Accepts<&str> for PathBuf {
    fn accept(value: &str) -> Self {
        value.into()
    }
}

impl<T: Setting> Setting for Typed<T> {
    type Value = T::Value;

    fn value(self) -> T::Value {
        self.0.value()
    }
}

impl<T: Accepts<V>, V> Accepts<V> for Typed<T> {
    fn accept(value: V) -> Self {
        Self(T::accept(value))
    }
}

impl<T: Setting> Setting for Vec<T> {
    type Value = Vec<T::Value>;

    fn value(self) -> Vec<T::Value> {
        self.into_iter().map(T::value).collect()
    }
}

impl<T: Accepts<V>, V, const N: usize> Accepts<[V; N]> for Vec<T> {
    fn accept(values: [V; N]) -> Self {
        values.into_iter().map(T::accept).collect()
    }
}

impl<T: Accepts<V>, V> Accepts<Vec<V>> for Vec<T> {
    fn accept(values: Vec<V>) -> Self {
        values.into_iter().map(T::accept).collect()
    }
}

/// The value of an option. The recipe sets all options, so a missing one is a bug.
pub(crate) fn set<T: Setting>(option: Option<T>, name: &str) -> Result<T::Value, Error> {
    option.map(T::value).ok_or_else(|| Error::Internal(format!("no recipe sets `{name}`")))
}

/// Parses a comma-separated list. Items with a comma are quoted, as in a CSV file, or have it in
/// parentheses: `open,lag(close, 7)`.
pub(super) fn listed(text: &str) -> Result<Vec<String>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let records = reader.records().collect::<Result<Vec<_>, _>>()?;
    let mut items: Vec<String> = Vec::new();
    for part in records.iter().flatten() {
        match items.last_mut() {
            Some(last) if last.matches('(').count() > last.matches(')').count() => {
                last.push_str(", ");
                last.push_str(part);
            }
            _ => items.push(part.to_owned()),
        }
    }
    Ok(items)
}

pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("expected a whole number of at least 0, got `{text}`"))
}

/// A value as on the command line.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl<T: FromStr> FromStr for Typed<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<T: Display> Serialize for Typed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        match (text.parse::<u64>(), text.parse::<f64>()) {
            (Ok(number), _) => serializer.serialize_u64(number),
            (_, Ok(number)) if number.is_finite() => serializer.serialize_f64(number),
            _ => serializer.serialize_str(&text),
        }
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> de::Visitor<'de> for Text {
            type Value = String;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text in quotes or a number")
            }

            fn visit_str<E>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_i64<E>(self, number: i64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_u64<E>(self, number: u64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_f64<E>(self, number: f64) -> Result<String, E> {
                Ok(number.to_string())
            }

            /// A TOML date, without quotes.
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
                toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))
                    .map(|time| time.to_string())
                    .map_err(|_| de::Error::invalid_type(de::Unexpected::Map, &self))
            }
        }
        deserializer.deserialize_any(Text)?.parse().map(Self).map_err(de::Error::custom)
    }
}
