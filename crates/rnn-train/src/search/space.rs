//! The search space: lists or ranges of values for keys of a settings file.

use std::{collections::BTreeMap, path::Path};

use rnn_files::{MAX_TEXT_BYTES, read_text, toml_problem};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use crate::{
    error::{Error, Result},
    settings::{Options, searchable},
};

/// The settings of a trial: a value for each key of the space.
pub(crate) type Point = Map<String, Value>;

/// A parsed value, or an error message.
type Parsed<T> = std::result::Result<T, String>;

/// The dimensions of the space, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Space {
    pub(crate) dimensions: Vec<Dimension>,
}

/// A key and its values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dimension {
    pub(crate) key: String,
    /// Line of the file, counted from 1.
    pub(super) line: usize,
    pub(crate) values: Values,
}

/// The values of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// A list.
    Choice(Vec<Value>),
    /// A range of numbers.
    Range(Range),
}

/// `{ min = 1e-4, max = 1e-2, log = true, steps = 5 }`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    min: f64,
    max: f64,
    /// True for uniform draws of the logarithm.
    pub(crate) log: bool,
    /// Number of values in a grid.
    steps: Option<usize>,
    whole: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeTable {
    min: toml::Value,
    max: toml::Value,
    #[serde(default)]
    log: bool,
    steps: Option<usize>,
}

/// Most points of a grid.
pub(super) const MOST_POINTS: usize = 100_000;

impl Space {
    /// Reads a space from a TOML file.
    ///
    /// # Errors
    ///
    /// If a key is unknown, not searchable, or without valid values; the message has its line.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let problem = |problem: String| Error::Settings { path: path.to_owned(), problem };
        let text = read_text(path, MAX_TEXT_BYTES)
            .map_err(|error| problem(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(problem)
    }

    /// The space of the experiment `series` without a file.
    pub(crate) fn built_in() -> Result<Self> {
        Self::parse(include_str!("series.toml")).map_err(Error::Internal)
    }

    pub(crate) fn parse(text: &str) -> Parsed<Self> {
        let table: BTreeMap<Spanned<String>, Spanned<toml::Value>> =
            toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let dimension = |(key, value): (Spanned<String>, Spanned<toml::Value>)| {
            let line = 1 + text[..key.span().start].matches('\n').count();
            let key = key.into_inner();
            let values = searchable::<Options>(&key)
                .and_then(|()| Values::new(&key, value.into_inner()))
                .map_err(|problem| format!("line {line}: {problem}"))?;
            Ok(Dimension { key, line, values })
        };
        let dimensions = entries.into_iter().map(dimension).collect::<Parsed<Vec<_>>>()?;
        if dimensions.is_empty() {
            return Err("no keys; expected lines like learning_rate = { min = 1e-4, \
                        max = 1e-2, log = true } and units = [[32], [64]]"
                .to_owned());
        }
        Ok(Self { dimensions })
    }

    /// Checks that every value is valid for its setting.
    pub(crate) fn check(&self, path: &Path, fits: impl Fn(&Options) -> Result<()>) -> Result<()> {
        for Dimension { key, line, values } in &self.dimensions {
            for value in values.ends() {
                let point = Point::from_iter([(key.clone(), value)]);
                let problem = match overlay(&point).map(|options| fits(&options)) {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => format!("line {line}: `{key} = {}`: {error}", point[key]),
                    Err(problem) => match list_of_lists(key) {
                        Some(example) => format!(
                            "line {line}: `{key}`: {problem} (use a list of lists like {example})"
                        ),
                        None => format!("line {line}: `{key}`: {problem}"),
                    },
                };
                return Err(Error::Settings { path: path.to_owned(), problem });
            }
        }
        Ok(())
    }

    /// The largest value of a numeric key.
    pub(crate) fn largest(&self, key: &str) -> Option<u64> {
        let dimension = self.dimensions.iter().find(|dimension| dimension.key == key)?;
        dimension.values.ends().iter().filter_map(Value::as_u64).max()
    }

    /// A JSON value that identifies the space.
    pub(crate) fn fingerprint(&self) -> Value {
        let entry = |one: &Dimension| {
            let values = match &one.values {
                Values::Choice(values) => Value::Array(values.clone()),
                Values::Range(Range { min, max, log, steps, whole }) => {
                    serde_json::json!({
                        "min": min, "max": max, "log": log, "steps": steps, "whole": whole
                    })
                }
            };
            (one.key.clone(), values)
        };
        Value::Object(self.dimensions.iter().map(entry).collect())
    }
}

/// Converts a point into options.
pub(crate) fn overlay(point: &Point) -> Parsed<Options> {
    serde_json::from_value(Value::Object(point.clone())).map_err(|error| error.to_string())
}

impl Values {
    fn new(key: &str, value: toml::Value) -> Parsed<Self> {
        let expected = match list_of_lists(key) {
            Some(example) => format!("`{key}`: expected a list of lists like {example}"),
            None => format!(
                "`{key}`: expected a list like [1, 2, 3], or a range like {{ min = 1, max = 3 }}"
            ),
        };
        match value {
            toml::Value::Array(items) if items.is_empty() => {
                Err(format!("{expected}, got an empty list"))
            }
            toml::Value::Array(items) => {
                let value = |item: &toml::Value| match serde_json::to_value(item) {
                    // JSON has no NaN: it becomes null, which sets nothing.
                    Ok(value) if !has_null(&value) => Ok(value),
                    _ => Err(format!("{expected}, got {item} in it")),
                };
                items.iter().map(value).collect::<Parsed<_>>().map(Self::Choice)
            }
            toml::Value::Table(table) => {
                let table: RangeTable = table
                    .try_into()
                    .map_err(|error: toml::de::Error| format!("{expected}: {}", error.message()))?;
                Range::new(key, &table).map(Self::Range)
            }
            other => Err(format!("{expected}, got {other}")),
        }
    }

    /// The value at a position from 0 to below 1.
    pub(super) fn at(&self, place: f64) -> Value {
        match self {
            Self::Choice(values) => {
                values[((place * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
            // Every whole number has an equal interval of the range.
            Self::Range(range) if range.whole => {
                range.value(range.between(range.min, range.max + 1.0, place).floor())
            }
            Self::Range(range) => range.value(range.between(range.min, range.max, place)),
        }
    }

    /// The values nearest to another one, on both sides: those beside it in a list, and half way to
    /// the ends of a range.
    pub(super) fn neighbours(&self, value: &Value) -> Vec<Value> {
        let mut near = match self {
            Self::Choice(values) => match values.iter().position(|one| is_same(one, value)) {
                Some(place) => {
                    let before = place.checked_sub(1).and_then(|before| values.get(before));
                    values.get(place + 1).into_iter().chain(before).cloned().collect()
                }
                None => values.iter().take(2).cloned().collect(),
            },
            Self::Range(range) => match value.as_f64() {
                Some(number) if !range.log || number > 0.0 => [range.max, range.min]
                    .map(|end| range.value(range.between(number, end, 0.5)))
                    .to_vec(),
                _ => Vec::new(),
            },
        };
        near.retain(|one| !is_same(one, value));
        near.dedup();
        near
    }

    /// All values of a grid.
    pub(super) fn all(&self) -> Option<Vec<Value>> {
        let range = match self {
            Self::Choice(values) => return Some(values.clone()),
            Self::Range(range) => range,
        };
        let steps = range.steps?;
        let place = |step: usize| step as f64 / (steps - 1).max(1) as f64;
        let value = |step| range.value(range.between(range.min, range.max, place(step)));
        let mut values: Vec<Value> = (0..steps).map(value).collect();
        values.dedup();
        Some(values)
    }

    /// The extreme values, between which all others are.
    fn ends(&self) -> Vec<Value> {
        match self {
            Self::Choice(values) => values.clone(),
            Self::Range(range) if range.whole => {
                [range.min, range.max].map(|end| Value::from(end as i64)).to_vec()
            }
            Self::Range(range) => [range.min, range.max].map(Value::from).to_vec(),
        }
    }
}

impl Range {
    fn new(key: &str, table: &RangeTable) -> Parsed<Self> {
        let RangeTable { min, max, log, steps } = table;
        let number = |name: &str, value: &toml::Value| {
            let whole = value.as_integer().map(|whole| whole as f64);
            let number = value.as_float().or(whole).filter(|number| number.is_finite());
            number.ok_or_else(|| format!("`{key}`: expected a number for {name}, got {value}"))
        };
        let range = Self {
            min: number("min", min)?,
            max: number("max", max)?,
            log: *log,
            steps: *steps,
            whole: min.is_integer() && max.is_integer(),
        };
        if range.min >= range.max {
            return Err(format!("`{key}`: expected min below max, got min {min} and max {max}"));
        }
        if range.log && range.min <= 0.0 {
            return Err(format!("`{key}`: a logarithmic range needs min above 0, got {min}"));
        }
        if range.steps.is_some_and(|steps| !(2..=MOST_POINTS).contains(&steps)) {
            return Err(format!("`{key}`: expected from 2 to {MOST_POINTS} steps"));
        }
        Ok(range)
    }

    /// The value of the range nearest to a number.
    fn value(&self, number: f64) -> Value {
        if self.whole {
            Value::from(number.round().min(self.max) as i64)
        } else {
            Value::from(significant(number).clamp(self.min, self.max))
        }
    }

    /// True if all values are whole numbers.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    fn between(&self, min: f64, max: f64, place: f64) -> f64 {
        if self.log { min * (max / min).powf(place) } else { min + place * (max - min) }
    }
}

/// An example of the values of a key that takes lists.
fn list_of_lists(key: &str) -> Option<&'static str> {
    match key {
        "units" => Some("[[32], [64]]"),
        "features" => Some("[[\"open\"], [\"open\", \"close\"]]"),
        "quantiles" => Some("[[0.1, 0.5, 0.9], [0.05, 0.5, 0.95]]"),
        _ => None,
    }
}

/// Whether two values are equal, also a whole number and a fraction.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_null),
        other => other.is_null(),
    }
}

/// Rounds to four significant digits, which are easy to type.
fn significant(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests;
