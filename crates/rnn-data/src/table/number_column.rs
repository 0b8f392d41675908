use super::{
    in_memory::{NUMBER_ADVICE, unusable},
    numbers::{Decimal, Number, Signs, is_missing, is_number, is_unclear, is_whole, parse},
};

/// Advice for numbers whose separator is unclear.
const DECIMAL_ADVICE: &str = "set `decimal` to `point` or `comma`, or correct the value";

/// A column of numbers, read with one decimal separator and one unit.
///
/// Without a known separator, both readings are kept until a number decides.
#[derive(Debug)]
pub(super) struct NumberColumn {
    decimal: Option<Decimal>,
    values: Vec<f64>,
    /// The values with a decimal comma, if they differ and the separator is unknown.
    with_comma: Option<Vec<f64>>,
    /// First number that has two readings: line and text.
    unclear: Option<(u64, Box<str>)>,
    /// Whether the numbers, other than zero, have percent signs.
    percent: Option<bool>,
    currency: Option<&'static str>,
}

/// A value that does not fit its column: expected content and advice.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub(super) expected: String,
    pub(super) fix: &'static str,
}

/// A column whose decimal separator is unknown: its first unclear number.
#[derive(Debug, PartialEq)]
pub(super) struct Unclear {
    pub(super) line: u64,
    pub(super) text: Box<str>,
    pub(super) refused: Refused,
}

impl NumberColumn {
    pub(super) fn new(decimal: Option<Decimal>) -> Self {
        Self {
            decimal,
            values: Vec::new(),
            with_comma: None,
            unclear: None,
            percent: None,
            currency: None,
        }
    }

    /// Parses the next value; a missing one is NaN.
    pub(super) fn push(&mut self, text: &str, line: u64) -> Result<(), Refused> {
        let number = match self.decimal {
            Some(decimal) => parse(text, decimal),
            None => self.decide(text, line),
        };
        match number {
            Some(Number { value, signs }) => {
                if let Some(expected) = unusable(value) {
                    return Err(Refused { expected, fix: NUMBER_ADVICE });
                }
                self.check(value, signs)?;
                self.values.push(value);
            }
            None if is_missing(text) => {
                self.values.push(f64::NAN);
                if let Some(values) = &mut self.with_comma {
                    values.push(f64::NAN);
                }
            }
            None => return Err(self.refuse(text)),
        }
        Ok(())
    }

    /// Returns the values.
    pub(super) fn finish(self) -> Result<Vec<f64>, Unclear> {
        match self.unclear {
            Some((line, text)) if self.decimal.is_none() => {
                let expected = "a number whose comma is clear from any row".to_owned();
                let fix = "set `decimal` to `point` or `comma`";
                Err(Unclear { line, text, refused: Refused { expected, fix } })
            }
            _ => Ok(self.values),
        }
    }

    /// Parses a number whose separator is unknown, and decides if it can.
    fn decide(&mut self, text: &str, line: u64) -> Option<Number> {
        let [point, comma] = if is_whole(text) {
            [parse(text, Decimal::Point); 2]
        } else {
            [Decimal::Point, Decimal::Comma].map(|one| parse(text, one))
        };
        match (point, comma) {
            (Some(_), None) => {
                self.decimal = Some(Decimal::Point);
                self.with_comma = None;
            }
            (None, Some(_)) => {
                self.decimal = Some(Decimal::Comma);
                self.values =
                    self.with_comma.take().unwrap_or_else(|| std::mem::take(&mut self.values));
            }
            (Some(one), Some(other)) => {
                if one.value != other.value && self.with_comma.is_none() {
                    self.with_comma = Some(self.values.clone());
                }
                if let Some(values) = &mut self.with_comma {
                    values.push(other.value);
                }
                if one.value != other.value && is_unclear(text) && self.unclear.is_none() {
                    self.unclear = Some((line, text.into()));
                }
            }
            (None, None) => {}
        }
        point.or(comma)
    }

    /// Checks that the unit is that of the values before.
    fn check(&mut self, value: f64, signs: Signs) -> Result<(), Refused> {
        let refused = |expected: String| Err(Refused { expected, fix: NUMBER_ADVICE });
        if value != 0.0 && *self.percent.get_or_insert(signs.percent) != signs.percent {
            let sign = if signs.percent { "without a percent sign" } else { "in percent" };
            return refused(format!("a number {sign}, as in the rows before"));
        }
        match (self.currency, signs.currency) {
            (Some(one), Some(other)) if one != other => {
                refused(format!("a number in {one}, as in the rows before"))
            }
            (None, currency) => {
                self.currency = currency;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, text: &str) -> Refused {
        match self.decimal {
            Some(decimal) if is_number(text) => {
                let example = match decimal {
                    Decimal::Point => "1,234.5",
                    Decimal::Comma => "1.234,5",
                };
                let expected = format!("a number with a decimal {decimal}, as in {example}");
                Refused { expected, fix: DECIMAL_ADVICE }
            }
            _ => Refused { expected: "a finite number".to_owned(), fix: NUMBER_ADVICE },
        }
    }
}
