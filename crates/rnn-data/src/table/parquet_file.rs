//! Parquet files as the text of a CSV file: a header, and a line per row.
//!
//! Only columns of plain values are read; lists and groups are left out. A block of rows is decoded
//! at a time.

use std::{
    fmt::Write as _,
    io::{self, BufReader, Read},
    panic::{self, AssertUnwindSafe},
};

use bytes::Bytes;
use jiff::{Timestamp, civil, tz::Offset};
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::reader::{ChunkReader, FileReader, Length, SerializedFileReader},
    schema::types::ColumnDescriptor,
};

use super::bytes::Input;

/// Number of rows that are decoded at once.
const BLOCK: usize = 256;
/// Most digits of a decimal number, as in the format's own limit for 16 bytes.
const DIGITS: i32 = 38;
/// Cell of bytes that are not text.
const BINARY: &str = "(binary)";

/// A reader of the text.
pub(super) struct ParquetText {
    file: SerializedFileReader<Chunks>,
    /// Columns of plain values, by their place among all.
    columns: Vec<usize>,
    /// Next group of rows.
    group: usize,
    /// Decoders of the columns in the current group.
    cells: Vec<Box<dyn Cells>>,
    /// Rows of the current group that are not decoded yet.
    left: u64,
    text: Vec<u8>,
    /// Number of bytes of the text that are read.
    read: usize,
}

impl ParquetText {
    /// Reads the schema, and writes the header.
    ///
    /// # Errors
    ///
    /// Describes a damaged file, or one without columns of plain values.
    pub(super) fn new(input: Input) -> Result<Self, String> {
        let file = guarded(|| SerializedFileReader::new(Chunks(input)).map_err(damaged))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let is_plain =
            |one: &ColumnDescriptor| one.max_rep_level() == 0 && one.path().parts().len() == 1;
        let columns: Vec<usize> =
            (0..schema.num_columns()).filter(|&column| is_plain(&schema.column(column))).collect();
        if columns.is_empty() {
            return Err("expected columns of plain values, got none".to_owned());
        }
        let mut header = csv::Writer::from_writer(Vec::new());
        let names = columns.iter().map(|&column| schema.column(column).name().to_owned());
        header.write_record(names).map_err(|error| error.to_string())?;
        let text = header.into_inner().map_err(|error| error.to_string())?;
        Ok(Self { file, columns, group: 0, cells: Vec::new(), left: 0, text, read: 0 })
    }

    /// Writes the text of the next rows; false after the last one.
    fn next_block(&mut self) -> Result<bool, String> {
        while self.left == 0 {
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.group).map_err(damaged)?;
            self.left = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
            self.cells.clear();
            for &column in &self.columns {
                let reader = group.get_column_reader(column).map_err(damaged)?;
                let about = self.file.metadata().file_metadata().schema_descr().column(column);
                self.cells.push(cells(reader, &about)?);
            }
            self.group += 1;
        }
        let rows = usize::try_from(self.left).map_or(BLOCK, |left| left.min(BLOCK));
        for cells in &mut self.cells {
            cells.decode(rows)?;
        }
        self.left -= rows as u64;
        self.text.clear();
        self.read = 0;
        let mut lines = csv::Writer::from_writer(&mut self.text);
        let mut cell = String::new();
        for row in 0..rows {
            for cells in &mut self.cells {
                cell.clear();
                cells.write(row, &mut cell)?;
                lines.write_field(&cell).map_err(|error| error.to_string())?;
            }
            lines.write_record(None::<&[u8]>).map_err(|error| error.to_string())?;
        }
        lines.flush().map_err(|error| error.to_string())?;
        Ok(true)
    }
}

impl Read for ParquetText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.text.len() {
            if !guarded(|| self.next_block()).map_err(super::encoding::damage)? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.text.len() - self.read);
        buffer[..count].copy_from_slice(&self.text[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

/// Reads a part of a file. On some damaged files the library panics, e.g. if a page of a dictionary
/// is missing (parquet 60.1, `column/reader/decoder.rs`).
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let damage = |_| Err("damaged Parquet data: it contradicts itself".to_owned());
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damage)
}

fn damaged(error: ParquetError) -> String {
    format!("damaged Parquet data: {error}")
}

/// Access to any part of the bytes. A part beyond their end is an error, whatever its length.
struct Chunks(Input);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Input>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(self.0.at(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(format!(
                "expected {length} bytes at {start}, got a file of {} bytes",
                self.len()
            )));
        }
        let mut bytes = vec![0; length];
        self.0.at(start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// The cells of a column.
trait Cells {
    /// Decodes the next rows.
    fn decode(&mut self, rows: usize) -> Result<(), String>;

    /// Writes the cell of a decoded row, each row once and in order. A missing value is empty.
    fn write(&mut self, row: usize, cell: &mut String) -> Result<(), String>;
}

struct Typed<T: DataType, F> {
    name: String,
    reader: ColumnReaderImpl<T>,
    /// True if values may be missing; then the levels are 0 for a missing value.
    is_optional: bool,
    levels: Vec<i16>,
    values: Vec<T::T>,
    /// Next value.
    next: usize,
    write: F,
}

impl<T, F> Cells for Typed<T, F>
where
    T: DataType,
    F: Fn(&T::T, &mut String) -> Result<(), String>,
{
    fn decode(&mut self, rows: usize) -> Result<(), String> {
        self.levels.clear();
        self.values.clear();
        self.next = 0;
        let (read, ..) = self
            .reader
            .read_records(rows, Some(&mut self.levels), None, &mut self.values)
            .map_err(damaged)?;
        if read == rows {
            return Ok(());
        }
        Err(format!("damaged Parquet data: column `{}` has too few rows", self.name))
    }

    fn write(&mut self, row: usize, cell: &mut String) -> Result<(), String> {
        if self.is_optional && self.levels.get(row).is_none_or(|level| *level == 0) {
            return Ok(());
        }
        let value = self.values.get(self.next);
        self.next += 1;
        let value = value.ok_or_else(|| "a value is missing".to_owned());
        value
            .and_then(|value| (self.write)(value, cell))
            .map_err(|problem| format!("column `{}`: {problem}", self.name))
    }
}

/// What the numbers of a column mean.
#[derive(Clone, Copy)]
enum Meaning {
    Plain,
    Unsigned,
    /// Days since 1970.
    Date,
    /// Time of day; the number is that of units in a second.
    Time(i64),
    /// Time since 1970; the number is that of units in a second.
    Timestamp(i64, Zone),
    /// Number with a fixed number of decimal digits.
    Decimal(i32),
    Half,
}

#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Utc,
    Unknown,
}

const fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

fn meaning(about: &ColumnDescriptor) -> Meaning {
    let zone = |is_utc| if is_utc { Zone::Utc } else { Zone::Unknown };
    match about.logical_type_ref() {
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Time(time)) => return Meaning::Time(per_second(time.unit)),
        Some(LogicalType::Timestamp(time)) => {
            return Meaning::Timestamp(per_second(time.unit), zone(time.is_adjusted_to_u_t_c));
        }
        Some(LogicalType::Integer(integer)) if !integer.is_signed => return Meaning::Unsigned,
        Some(LogicalType::Decimal(decimal)) => return Meaning::Decimal(decimal.scale),
        Some(LogicalType::Float16) => return Meaning::Half,
        _ => {}
    }
    match about.converted_type() {
        ConvertedType::DATE => Meaning::Date,
        ConvertedType::TIME_MILLIS => Meaning::Time(1_000),
        ConvertedType::TIME_MICROS => Meaning::Time(1_000_000),
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1_000, Zone::Utc),
        ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000, Zone::Utc),
        ConvertedType::DECIMAL => Meaning::Decimal(about.type_scale()),
        ConvertedType::UINT_8
        | ConvertedType::UINT_16
        | ConvertedType::UINT_32
        | ConvertedType::UINT_64 => Meaning::Unsigned,
        _ => Meaning::Plain,
    }
}

fn cells(reader: ColumnReader, about: &ColumnDescriptor) -> Result<Box<dyn Cells>, String> {
    let meaning = meaning(about);
    if let Meaning::Decimal(scale) = meaning
        && !(0..=DIGITS).contains(&scale)
    {
        return Err(format!("expected at most {DIGITS} decimal digits, got {scale}"));
    }
    Ok(match reader {
        ColumnReader::BoolColumnReader(reader) => {
            typed(reader, about, |value, cell| show(cell, u8::from(*value)))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            typed(reader, about, move |value, cell| match meaning {
                Meaning::Unsigned => show(cell, value.cast_unsigned()),
                _ => integer(cell, (*value).into(), meaning),
            })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            typed(reader, about, move |value, cell| match meaning {
                Meaning::Unsigned => show(cell, value.cast_unsigned()),
                _ => integer(cell, *value, meaning),
            })
        }
        // Old files of Spark and Impala.
        ColumnReader::Int96ColumnReader(reader) => typed(reader, about, |value, cell| {
            integer(cell, value.to_micros(), Meaning::Timestamp(1_000_000, Zone::Unknown))
        }),
        ColumnReader::FloatColumnReader(reader) => typed(reader, about, |value, cell| {
            if value.is_nan() { Ok(()) } else { show(cell, format_args!("{value:?}")) }
        }),
        ColumnReader::DoubleColumnReader(reader) => typed(reader, about, |value, cell| {
            if value.is_nan() { Ok(()) } else { show(cell, format_args!("{value:?}")) }
        }),
        ColumnReader::ByteArrayColumnReader(reader) => {
            typed(reader, about, move |value, cell| bytes(cell, value.data(), meaning))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            typed(reader, about, move |value, cell| bytes(cell, value.data(), meaning))
        }
    })
}

fn typed<T: DataType>(
    reader: ColumnReaderImpl<T>,
    about: &ColumnDescriptor,
    write: impl Fn(&T::T, &mut String) -> Result<(), String> + 'static,
) -> Box<dyn Cells> {
    Box::new(Typed {
        name: about.name().to_owned(),
        reader,
        is_optional: about.max_def_level() > 0,
        levels: Vec::new(),
        values: Vec::new(),
        next: 0,
        write,
    })
}

fn show(cell: &mut String, value: impl std::fmt::Display) -> Result<(), String> {
    write!(cell, "{value}").map_err(|error| error.to_string())
}

fn integer(cell: &mut String, value: i64, meaning: Meaning) -> Result<(), String> {
    const DAY: i64 = 86_400;
    let outside = |what: &str| format!("{what} {value} is outside of the calendar");
    match meaning {
        Meaning::Date => {
            let date = value.checked_mul(DAY).and_then(|second| civil_time(second, 0));
            show(cell, date.ok_or_else(|| outside("day"))?.date())
        }
        Meaning::Time(per_second) => {
            let (second, nanosecond) = split(value, per_second);
            let time = civil_time(second, nanosecond).filter(|_| (0..DAY).contains(&second));
            show(cell, time.ok_or_else(|| outside("time of day"))?.time())
        }
        Meaning::Timestamp(per_second, zone) => {
            let (second, nanosecond) = split(value, per_second);
            let time = civil_time(second, nanosecond).ok_or_else(|| outside("time"))?;
            show(cell, time)?;
            if zone == Zone::Utc { show(cell, 'Z') } else { Ok(()) }
        }
        Meaning::Decimal(scale) => decimal(cell, value.into(), scale),
        Meaning::Plain | Meaning::Unsigned | Meaning::Half => show(cell, value),
    }
}

/// Returns seconds and nanoseconds.
fn split(value: i64, per_second: i64) -> (i64, i32) {
    let nanoseconds = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    (value.div_euclid(per_second), i32::try_from(nanoseconds).unwrap_or(0))
}

fn civil_time(second: i64, nanosecond: i32) -> Option<civil::DateTime> {
    Timestamp::new(second, nanosecond).ok().map(|time| Offset::UTC.to_datetime(time))
}

fn decimal(cell: &mut String, value: i128, scale: i32) -> Result<(), String> {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    show(cell, format_args!("{sign}{whole}{point}{fraction}"))
}

fn bytes(cell: &mut String, bytes: &[u8], meaning: Meaning) -> Result<(), String> {
    match (meaning, bytes) {
        (Meaning::Decimal(scale), [first, ..]) if bytes.len() <= size_of::<i128>() => {
            // Two's complement, the highest byte first.
            let mut value = [if first & 0x80 == 0 { 0 } else { 0xff }; size_of::<i128>()];
            value[size_of::<i128>() - bytes.len()..].copy_from_slice(bytes);
            decimal(cell, i128::from_be_bytes(value), scale)
        }
        (Meaning::Decimal(_), _) => {
            Err(format!("expected a number of 1 to 16 bytes, got {} bytes", bytes.len()))
        }
        (Meaning::Half, &[low, high]) => {
            let value = burn::tensor::f16::from_le_bytes([low, high]).to_f32();
            if value.is_nan() { Ok(()) } else { show(cell, format_args!("{value:?}")) }
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => show(cell, text),
            _ => show(cell, BINARY),
        },
    }
}
