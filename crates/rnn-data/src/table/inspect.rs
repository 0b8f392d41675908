//! Finds out how a file is written, from its first rows.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

use csv::StringRecord;

use super::{
    Columns, CsvFile, CsvOptions, Decimal,
    bytes::Source,
    columns::{BINANCE, is_called, is_label},
    date_parts::{DateParts, Sample, is_part},
    encoding::{Text, TextFormat},
    layout::{DELIMITERS, Head, Kind, Layout, fit, is_plain},
    note,
    number_column::Style,
    numbers::{Evidence, Signs, is_missing},
    records::{Records, is_total, unreadable},
    times::Times,
    units::Endings,
};
use crate::DataError;

/// Number of first rows that decide which columns hold numbers.
const LOOKED_AT: usize = 100;
/// Number of lines that may be before them.
const MOST_BEFORE: usize = 40;
/// Largest number of bytes of these rows.
const LOOKED_BYTES: u64 = 16 << 20;
/// Largest number of columns.
const MOST_COLUMNS: usize = 200_000;

impl CsvFile {
    /// Opens a file and finds its header and columns.
    pub(super) fn inspect(
        path: &Path,
        source: Source,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let open = || source.open(path).map_err(|error| unreadable(path, error));
        let format = match source {
            Source::Sample(_) => TextFormat::PLAIN,
            _ => TextFormat::find(open()?, options.encoding)
                .map_err(|error| unreadable(path, error))?,
        };
        let head_with = |delimiter| head(Records::new(path, Text::new(open()?, format), delimiter));
        let mut delimiter = match format.is_written_here() {
            true => b',',
            false => guess_delimiter(path, Text::new(open()?, format))?,
        };
        let mut rows = head_with(delimiter)?;
        if !format.is_written_here() && !is_plain(&rows) {
            let first = delimiter;
            for other in DELIMITERS.into_iter().filter(|one| *one != first) {
                let others = head_with(other)?;
                if fit(&others) > fit(&rows) {
                    (delimiter, rows) = (other, others);
                }
            }
        }
        let Some((first_line, _)) = rows.first() else {
            let problem = "the file is empty (write a header, then one row per date)".to_owned();
            return Err(DataError::Malformed { path: path.to_owned(), line: 1, problem });
        };
        let layout = match options.no_header {
            true => Layout::find_rows(&rows),
            false => Layout::find(&rows).ok_or_else(|| no_header(path, *first_line))?,
        };
        check_columns(path, layout.width)?;
        let decimal = match format.is_written_here() {
            true => Some(Decimal::Point),
            false => options.decimal,
        };
        let mut tickers = Vec::new();
        let names = match &layout.kind {
            Kind::Names(names) | Kind::Ticker(names, _) => names.clone(),
            Kind::Tickers(names, all) => {
                tickers = all.clone();
                names.clone()
            }
            Kind::Binance => BINANCE.map(str::to_owned).to_vec(),
            Kind::None => (1..=layout.width).map(|column| format!("column_{column}")).collect(),
        };
        let line = (layout.header_rows > 0).then_some(layout.line);
        let count = names.len();
        let mut file = Self {
            source: source.clone(),
            format,
            delimiter,
            before: layout.before,
            width: layout.width,
            columns: Columns::header(path, names, line),
            parts: DateParts::default(),
            styles: vec![Style { decimal, ..Style::default() }; count],
            tickers,
            note: None,
        };
        // A malformed row is reported when the file is read.
        let data = rows.split_off(layout.before.min(rows.len()));
        let mut data: Head =
            data.into_iter().take_while(|(_, record)| record.len() == layout.width).collect();
        if let [.., (_, before), (_, last)] = data.as_slice()
            && is_total(&last[0])
            && !is_total(&before[0])
        {
            data.pop();
        }
        data.truncate(LOOKED_AT);
        file.find_dates(&data, options)?;
        file.columns.series = match (&options.series_column, file.columns.date) {
            (Some(name), _) => Some(file.columns.index(name)?),
            (None, Some(date)) if file.tickers.is_empty() => file.guessed_series_column(date)?,
            _ => None,
        };
        let signs = file.find_numbers(&data, decimal)?;
        file.note = note::describe(&file, &layout, signs);
        Ok(file)
    }

    /// Finds the column of dates by its name or content.
    fn find_dates(&mut self, data: &Head, options: &CsvOptions) -> Result<(), DataError> {
        let is_dates = |column: &usize| {
            let mut cells = self.cells(data, *column).peekable();
            cells.peek().is_some() && cells.all(|(_, text)| Times::is_time(text))
        };
        let names = self.columns.names();
        let are_numbers = |column: &usize| {
            let texts: Vec<&str> = self.cells(data, *column).map(|(_, text)| text).collect();
            Times::are_numbers(&names[*column], &texts)
        };
        // Names of dates come first, those of labels last.
        let rank = |column: usize| match names[column].as_str() {
            name if Times::is_named(name) => 0,
            name if !is_label(name) => 1,
            _ => 2,
        };
        let ranked =
            |wanted: u8| (0..names.len()).filter(move |one| rank(*one) == wanted).find(are_numbers);
        let by_content = || (0..names.len()).find(is_dates).or_else(|| (0..3).find_map(ranked));
        let name = options.date_column.as_deref();
        let samples = |date: Option<usize>| -> Vec<Sample<'_>> {
            let texts = |column| match Some(column) == date || is_part(&names[column]) {
                true => self.cells(data, column).map(|(_, text)| text).collect(),
                false => Vec::new(),
            };
            let all = (0..names.len()).filter(|_| self.tickers.is_empty());
            all.map(|column| Sample { name: &names[column], texts: texts(column) }).collect()
        };
        let is_whole = |column: &String| {
            is_called(column, "date") && !["day", "time"].contains(&column.to_lowercase().as_str())
        };
        if name.is_none()
            && !names.iter().any(is_whole)
            && let Some((year, parts)) = DateParts::of_years(&samples(None))
        {
            (self.columns.date, self.parts) = (Some(year), parts);
            return Ok(());
        }
        let date = match self.columns.index(name.unwrap_or("date")) {
            Err(DataError::MissingColumn { path, line, .. }) if name.is_none() => {
                let names = self.columns.listed();
                by_content().ok_or(DataError::NoDates { path, line, names })?
            }
            found => found?,
        };
        // A date in place of its name: the first row is data.
        if let Some(line) = self.columns.line()
            && name.is_none()
            && Times::is_time(&self.columns.names()[date])
        {
            return Err(no_header(self.path(), line));
        }
        let parts = match self.tickers.is_empty() {
            true => DateParts::of_days(date, &samples(Some(date))),
            false => DateParts::default(),
        };
        (self.columns.date, self.parts) = (Some(date), parts);
        Ok(())
    }

    /// Finds the columns of numbers, and their decimal separators; returns their signs.
    fn find_numbers(&mut self, data: &Head, decimal: Option<Decimal>) -> Result<Signs, DataError> {
        let (mut mostly, mut evidence, mut other) = (Vec::new(), Vec::new(), Vec::new());
        let is_doubtful = matches!(self.delimiter, b';' | b'\t')
            || self
                .columns
                .date
                .and_then(|date| self.cells(data, date).next())
                .is_some_and(|(_, text)| is_day_first(text));
        let is_date = |one: usize| Some(one) == self.columns.date || self.parts.has(one);
        for column in (0..self.columns.names().len()).filter(|one| !is_date(*one)) {
            let (mut numbers, mut missing, mut rows) = (0, 0, 0);
            let (mut found, mut word) = (Evidence::default(), None);
            let mut endings = Endings::default();
            self.cells(data, column).for_each(|(_, text)| endings.add(text));
            let (unit, has_multiples) = endings.finish(&self.columns.names()[column]);
            for (line, cell) in self.cells(data, column) {
                rows += 1;
                let text = unit.as_deref().and_then(|unit| cell.strip_suffix(unit));
                let text = text.map_or(cell, str::trim_end);
                if found.add(text) {
                    numbers += 1;
                } else if is_missing(text) {
                    missing += 1;
                } else if word.is_none() {
                    word = Some((
                        line,
                        text.chars().take(60).collect::<Box<str>>(),
                        text.contains(['\n', '\r']),
                    ));
                }
            }
            // A series of several may begin late. Else a column that is mostly empty (dividends,
            // notes) is not a measurement.
            let is_filled = !self.tickers.is_empty() || 2 * numbers >= rows;
            if numbers > 0 && is_filled {
                let decimal = self.styles[column].decimal;
                self.styles[column] = Style { decimal, unit, has_multiples, is_doubtful };
                evidence.push((column, found, numbers + missing == rows));
                mostly.push((column, word));
            } else if let Some((line, _, true)) = word
                && rows == 1
            {
                return Err(open_quote(self.path(), line, &self.columns.names()[column]));
            } else if let Some((line, text, _)) = word
                && Some(column) != self.columns.series
            {
                other.push((column, line, text));
            }
        }
        let decided: Vec<Decimal> =
            evidence.iter().filter_map(|(_, found, _)| found.decimal()).collect();
        let others = decided.first().copied();
        let others = others.filter(|one| decided.iter().all(|other| other == one));
        let mut all = Signs::default();
        for (column, found, is_numeric) in evidence {
            let decimal = decimal.or_else(|| found.decimal().or(others));
            self.styles[column].decimal = decimal;
            if is_numeric {
                all.add(found.signs(decimal));
            }
        }
        self.columns.numeric =
            mostly.iter().filter(|(_, word)| word.is_none()).map(|(column, _)| *column).collect();
        if self.columns.measurements().is_empty() {
            self.columns.other = other.into_iter().find(|(_, _, text)| has_digit(text));
            // Reading such a column reports the line of its first text.
            self.columns.numeric = mostly.into_iter().map(|(column, _)| column).collect();
            return Ok(all);
        }
        let words = mostly.into_iter().filter_map(|(column, word)| Some((column, word?)));
        let words = words.map(|(column, (line, text, _))| (column, line, text));
        // Texts that start with a digit may be numbers in an unknown form.
        let other = other.into_iter().filter(|(_, _, text)| is_like_number(text));
        self.columns.words = words.chain(other).collect();
        self.columns.words.sort_by_key(|(column, ..)| *column);
        Ok(all)
    }

    /// Returns the cells of a column in the first rows, of all series, with their lines.
    fn cells<'a>(
        &'a self,
        data: &'a Head,
        column: usize,
    ) -> impl Iterator<Item = (u64, &'a str)> + 'a {
        let place = move |series: usize| match self.tickers.get(series) {
            None => Some(column),
            // The dates are of all series.
            Some(_) if column == 0 => Some(0).filter(|_| series == 0),
            Some((_, cells)) => cells[column],
        };
        let count = self.tickers.len().max(1);
        data.iter().flat_map(move |(line, record)| {
            let places = (0..count).filter_map(place);
            places.map(move |place| (*line, record.get(place).unwrap_or_default().trim()))
        })
    }
}

/// Reads the first rows; an error only if there is no row before it.
fn head(mut rows: Records<'_>) -> Result<Head, DataError> {
    let mut head = Head::new();
    let mut record = StringRecord::new();
    while head.len() < LOOKED_AT + MOST_BEFORE && rows.bytes() < LOOKED_BYTES {
        match rows.next(&mut record) {
            Ok(Some(line)) => head.push((line, record.clone())),
            Ok(None) => break,
            Err(error) if head.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    cut_empty_ends(&mut head);
    Ok(head)
}

/// Removes an empty cell at the end of every row, if the header lacks it.
fn cut_empty_ends(head: &mut Head) {
    let Some(width) = head.iter().map(|(_, record)| record.len()).max() else { return };
    let is_wide = |(_, record): &&(u64, StringRecord)| record.len() == width;
    let first = head.iter().position(|row| is_wide(&row)).unwrap_or(0);
    let is_lacking = first > 0 && width > 2 && head[first - 1].1.len() == width - 1;
    if is_lacking && head.iter().filter(is_wide).all(|(_, row)| row[width - 1].trim().is_empty()) {
        head.iter_mut().for_each(|(_, record)| record.truncate(width - 1));
    }
}

/// Returns whether a text is a date like `24.04.2020`, of places with a decimal comma.
fn is_day_first(text: &str) -> bool {
    text.split('.').count() == 3 && matches!(text.find('.'), Some(1 | 2))
}

fn has_digit(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_digit())
}

/// Returns whether a text starts like a number, and is no time of day or date.
fn is_like_number(text: &str) -> bool {
    text.trim_start_matches(['-', '+']).starts_with(|letter: char| letter.is_ascii_digit())
        && !text.contains(':')
        && !Times::is_time(text)
}

/// Returns the separator of which the first line has most.
pub(super) fn guess_delimiter(path: &Path, text: Text) -> Result<u8, DataError> {
    let mut line = Vec::new();
    // A longer first line is not a header. A damaged one is reported with its line later.
    let _ = BufReader::new(text).take(1 << 20).read_until(b'\n', &mut line);
    let line = line.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
    let delimiter =
        DELIMITERS.into_iter().max_by_key(|&separator| count(separator)).unwrap_or(b',');
    check_columns(path, 1 + count(delimiter)).map(|()| delimiter)
}

fn check_columns(path: &Path, columns: usize) -> Result<(), DataError> {
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    let problem = format!("expected at most {MOST_COLUMNS} columns, got {columns} or more");
    Err(DataError::Malformed { path: path.to_owned(), line: 1, problem })
}

fn no_header(path: &Path, line: u64) -> DataError {
    let problem = "expected a header, got a row of values (set `no-header`: the columns are then \
                   called `column_1`, `column_2` and so on)";
    DataError::Malformed { path: path.to_owned(), line, problem: problem.to_owned() }
}

fn open_quote(path: &Path, line: u64, column: &str) -> DataError {
    let problem =
        format!("expected a number in column `{column}`, got several lines (close an open quote)");
    DataError::Malformed { path: path.to_owned(), line, problem }
}
