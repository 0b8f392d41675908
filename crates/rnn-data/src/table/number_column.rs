use super::{
    in_memory::{NUMBER_ADVICE, unusable},
    numbers::{Decimal, Number, Signs, is_missing, is_number, is_unclear, is_whole, parse},
    units,
};

/// Advice for numbers whose separator is unclear.
const DECIMAL_ADVICE: &str = "set `decimal` to `point` or `comma`, or correct the value";

/// Advice for numbers of another unit.
const UNIT_ADVICE: &str = "write all values of the column in one unit, or choose other columns";

/// How the numbers of a column are written.
#[derive(Debug, Clone, Default)]
pub(super) struct Style {
    /// Decimal separator, if it is known.
    pub(super) decimal: Option<Decimal>,
    /// Unit after every number, such as `°C`.
    pub(super) unit: Option<Box<str>>,
    /// Whether letters such as `k` are surely multiples.
    pub(super) has_multiples: bool,
    /// Whether the point of `1.234` may separate thousands, as the file is written.
    pub(super) is_doubtful: bool,
}

/// A column of numbers, read with one decimal separator and one unit.
///
/// Without a known separator, both readings are kept until a number decides.
#[derive(Debug)]
pub(super) struct NumberColumn {
    style: Style,
    decimal: Option<Decimal>,
    values: Vec<f64>,
    /// The values with a decimal comma, if they differ and the separator is unknown.
    with_comma: Option<Vec<f64>>,
    /// First number that has two readings: line and text.
    unclear: Option<(u64, Box<str>)>,
    /// First number like `1.234`: line and text.
    point: Option<(u64, Box<str>)>,
    /// Whether there are whole numbers from 100 to 999.
    has_hundreds: bool,
    /// Whether there are whole numbers from 1000 on: a point is then no thousands separator.
    has_thousands: bool,
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
    pub(super) fn new(style: Style) -> Self {
        Self {
            decimal: style.decimal,
            style,
            values: Vec::new(),
            with_comma: None,
            unclear: None,
            point: None,
            has_hundreds: false,
            has_thousands: false,
            percent: None,
            currency: None,
        }
    }

    /// Parses the next value; a missing one is NaN.
    pub(super) fn push(&mut self, text: &str, line: u64) -> Result<(), Refused> {
        let text = self.without_unit(text)?;
        let number = match self.decimal {
            Some(decimal) => parse(text, decimal),
            None => self.decide(text, line),
        };
        match number {
            Some(Number { value, signs }) => {
                if let Some(expected) = unusable(value) {
                    return Err(Refused { expected, fix: NUMBER_ADVICE });
                }
                if signs.multiple.is_some()
                    && !self.style.has_multiples
                    && !units::is_multiple(text)
                {
                    let expected = "a finite number".to_owned();
                    return Err(Refused { expected, fix: UNIT_ADVICE });
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
        let is_doubtful = !self.has_thousands && (self.style.is_doubtful || self.has_hundreds);
        let comma = self.unclear.map(|found| ("comma", found));
        let point = self.point.filter(|_| is_doubtful).map(|found| ("point", found));
        match comma.or(point) {
            Some((sign, (line, text))) if self.decimal.is_none() => {
                let expected = format!("a number whose {sign} is clear from any row");
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
                if one.value != other.value {
                    let first = if is_unclear(text) { &mut self.unclear } else { &mut self.point };
                    first.get_or_insert_with(|| (line, text.into()));
                } else if one.signs.multiple.is_none() && one.value.fract() == 0.0 {
                    self.has_hundreds |= (100.0..1000.0).contains(&one.value.abs());
                    self.has_thousands |= one.value.abs() >= 1000.0;
                }
            }
            (None, None) => {}
        }
        point.or(comma)
    }

    /// Returns a number without the unit of the column.
    fn without_unit<'t>(&self, text: &'t str) -> Result<&'t str, Refused> {
        let Some(unit) = self.style.unit.as_deref() else { return Ok(text) };
        match text.strip_suffix(unit) {
            Some(number) => Ok(number.trim_end()),
            None if is_missing(text) || !is_number(text) || units::is_zero(text) => Ok(text),
            None => {
                let expected = format!("a number in {unit}, as in the rows before");
                Err(Refused { expected, fix: UNIT_ADVICE })
            }
        }
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
