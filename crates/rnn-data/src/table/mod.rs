//! Tables with times and columns of numbers, from CSV files or from memory.

mod ahead;
mod bytes;
mod columns;
mod csv_file;
mod csv_options;
mod date_parts;
mod encoding;
mod fill;
mod gaps;
mod in_memory;
mod inspect;
mod later;
mod layout;
mod level_shifts;
mod likely;
mod note;
mod number_column;
mod numbers;
#[cfg(feature = "parquet")]
mod parquet_file;
mod read_options;
mod records;
mod rows;
mod series_column;
mod static_values;
mod step;
mod table_source;
#[cfg(test)]
pub(crate) mod tests;
mod times;
mod units;
mod warnings;

pub use columns::Columns;
pub use csv_file::CsvFile;
pub use csv_options::CsvOptions;
pub use encoding::TextEncoding;
pub use fill::Fill;
pub use gaps::MaxGap;
pub use in_memory::Table;
pub use level_shifts::{LevelShift, late_split, level_shifts};
pub use likely::is_price;
pub use numbers::Decimal;
pub use read_options::ReadOptions;
pub use static_values::StaticValues;
pub(crate) use step::Step;
pub use table_source::TableSource;
pub(crate) use times::Clock;
pub use times::{first_from, format_time};
pub use warnings::Warning;
pub(crate) use warnings::impossible_prices;
