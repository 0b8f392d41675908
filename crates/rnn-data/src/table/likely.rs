//! The likely target of a table, by the names of its columns.

use super::{
    Columns,
    columns::{is_called, matching},
};

/// Names of columns to predict.
const TARGETS: [&str; 2] = ["target", "y"];
/// Prices of a bar.
const BAR: [&str; 4] = ["open", "close", "high", "low"];
/// Words in the names of quantities that are usually predicted.
const QUANTITIES: [&str; 14] = [
    "sales",
    "sold",
    "demand",
    "load",
    "consumption",
    "quantity",
    "qty",
    "count",
    "cnt",
    "orders",
    "visitors",
    "passengers",
    "销量",
    "需求",
];

impl Columns {
    /// Returns the likely target; `None` if several columns could be meant, or none holds numbers.
    ///
    /// The only measurement is always the target. Otherwise the first of these decides:
    ///
    /// - a column called `target` or `y`
    /// - the opening, else the closing price of bars
    /// - a column called `value`
    /// - a quantity such as `sales`, `units_sold` or `count`
    /// - a column called `close`, `open` or `price`
    ///
    /// # Examples
    ///
    /// ```
    /// let text = "date,sales,price,promo\n2020-01-02,5,1,0\n";
    /// let file = rnn_data::CsvFile::from_bytes("shop.csv".as_ref(), text.as_bytes(), None)?;
    /// assert_eq!(file.columns().likely_target(), Some("sales"));
    /// let text = "time,temperature,humidity\n2020-01-02,5,1\n";
    /// let file = rnn_data::CsvFile::from_bytes("sensor.csv".as_ref(), text.as_bytes(), None)?;
    /// assert_eq!(file.columns().likely_target(), None);
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn likely_target(&self) -> Option<&str> {
        let measurements = self.measurements();
        if let [only] = measurements.as_slice() {
            return Some(only);
        }
        let called = |name: &str| {
            let (index, count) = matching(&measurements, name)?;
            (count == 1).then_some(measurements[index])
        };
        let bar = || {
            let prices = BAR.iter().filter(|price| called(price).is_some()).count();
            if prices > 1 { called("open").or_else(|| called("close")) } else { None }
        };
        let quantity = || {
            let is_exact = |name: &&&str| QUANTITIES.contains(&name.to_lowercase().as_str());
            one(measurements.iter().filter(is_exact))
                .or_else(|| one(measurements.iter().filter(|name| is_quantity(name))))
                .copied()
        };
        let first = TARGETS.iter().find_map(|name| called(name));
        first
            .or_else(bar)
            .or_else(|| called("value"))
            .or_else(quantity)
            .or_else(|| ["close", "open", "price"].iter().find_map(|name| called(name)))
    }
}

/// Returns whether a name is that of a price.
///
/// These are `open`, `close`, `high`, `low` and their synonyms, and names with the word `price` or
/// `close`.
///
/// # Examples
///
/// ```
/// use rnn_data::is_price;
///
/// assert!(is_price("Open") && is_price("Adj Close") && is_price("开盘价") && is_price("unit_price"));
/// assert!(!is_price("volume"));
/// ```
pub fn is_price(name: &str) -> bool {
    let is_word = |word: &str| ["price", "close"].contains(&word);
    BAR.iter().any(|price| is_called(name, price)) || words(&name.to_lowercase()).any(is_word)
}

/// Returns the item of an iterator with only one.
fn one<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

/// Returns whether a word of a name is a quantity, as in `units_sold`.
fn is_quantity(name: &str) -> bool {
    words(&name.to_lowercase()).any(|word| QUANTITIES.contains(&word))
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_alphanumeric())
}
