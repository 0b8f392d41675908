use std::path::Path;

use burn::{
    data::{dataloader::batcher::Batcher, dataset::Dataset},
    tensor::Device,
};

use super::*;
use crate::DataError;

fn rows(count: usize, open: impl Fn(usize) -> f64) -> String {
    let start = jiff::civil::date(2020, 1, 1);
    let mut text = ",date,open,close,high,low,volume,code\n".to_owned();
    for index in 0..count {
        let date = start.checked_add(jiff::Span::new().days(index as i64)).unwrap();
        text += &format!("{index},{date},{},2.0,3.0,1.0,100,600519\n", open(index));
    }
    text
}

fn read(text: &str) -> Result<PriceFile, DataError> {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("rnn-data-{}-{count}.csv", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let result = PriceFile::read(&path);
    std::fs::remove_file(&path).unwrap();
    result
}

fn message(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn columns_are_found_by_name_whatever_their_order() {
    let file = read("code,low,high,date,volume,close,open\n600519,1,4,2020-01-02,5,2,3\n").unwrap();
    let bar = &file.bars[0];
    assert_eq!((bar.open, bar.close, bar.high, bar.low, bar.volume), (3.0, 2.0, 4.0, 1.0, 5.0));
    assert_eq!(bar.date, jiff::civil::date(2020, 1, 2));
}

#[test]
fn errors_name_line_and_column_and_what_was_there() {
    let header = "date,open,close,high,low,volume\n";
    let good = "2020-01-02,3,2,4,1,5\n";
    for (row, expected) in [
        ("2020-01-03,abc,2,4,1,5", "line 3, column `open`: expected a finite number, got `abc`"),
        ("2020-01-03,3,NaN,4,1,5", "line 3, column `close`: expected a finite number, got `NaN`"),
        ("2020-01-03,3,2,inf,1,5", "line 3, column `high`: expected a finite number, got `inf`"),
        ("2020-01-03,3,2,4,,5", "line 3, column `low`: expected a finite number, got ``"),
        ("03.01.2020,3,2,4,1,5", "line 3, column `date`: expected a date like 2020-04-24, got `03.01.2020`"),
        ("2020-01-02,3,2,4,1,5", "line 3, column `date`: expected a date after 2020-01-02, the row before, got `2020-01-02`"),
        ("2020-01-01,3,2,4,1,5", "line 3, column `date`: expected a date after 2020-01-02, the row before, got `2020-01-01`"),
        ("2020-01-03,3,2,4,1", "line 3: expected 6 values as in the header, got 5"),
    ] {
        let text = message(&format!("{header}{good}{row}\n"));
        assert!(text.ends_with(expected), "{text}\nshould end with\n{expected}");
    }
}

#[test]
fn a_missing_or_repeated_column_is_named() {
    assert!(message("date,close,high,low,volume\n").contains("column `open` is missing; the header, split at commas, has `date`, `close`"));
    assert!(message("date,open,open,close,high,low,volume\n").contains("column `open` appears 2 times, expected once"));
    assert!(message("").contains("column `date` is missing"));
}

#[test]
fn numbers_no_price_can_be_are_refused() {
    let text = message("date,open,close,high,low,volume\n2020-01-02,1e300,2,4,1,5\n");
    assert!(text.ends_with("line 2, column `open`: expected a number below 1e15, got `1e300`"), "{text}");
}

#[test]
fn byte_order_marks_line_ends_and_quotes_do_not_matter() {
    let file = read("\u{feff}date,open,close,high,low,volume\r\n\"2020-01-02\",\"3\",2,4,1,5\r\n\r\n").unwrap();
    assert_eq!((file.bars.len(), file.bars[0].open), (1, 3.0));
}

#[test]
fn a_given_scaler_is_used_instead_of_a_fitted_one() {
    let scaler = crate::MinMaxScaler { min: 0.0, max: 10.0 };
    let data = StockData::course_scaled(&read(&rows(500, |index| index as f64)).unwrap(), 60, scaler).unwrap();
    assert_eq!(data.train.get(0).unwrap().values()[1], 0.1);
}

#[test]
fn a_missing_file_is_named() {
    let text = PriceFile::read(Path::new("no-such-file.csv")).unwrap_err().to_string();
    assert!(text.starts_with("no-such-file.csv: cannot be read"), "{text}");
}

#[test]
fn prices_at_or_below_zero_are_a_warning() {
    let file = read("date,open,close,high,low,volume\n2020-01-02,-3,2,4,1,5\n2020-01-03,3,2,4,0,5\n").unwrap();
    assert_eq!(file.warnings, [Warning::NonPositivePrices { rows: 2, first_line: 2 }]);
}

#[test]
fn the_course_split_has_240_test_windows_and_scales_by_the_training_part() {
    let file = read(&rows(500, |index| index as f64)).unwrap();
    let data = StockData::course(&file, 60).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (140, 240));
    assert_eq!((data.scaler.min, data.scaler.max), (0.0, 199.0), "rows after the split are not seen");
    assert_eq!((data.test_opens[0], data.test_previous_opens[0]), (260.0, 259.0));
    assert_eq!((data.test_opens.len(), data.test_previous_opens.len(), data.test_dates.len()), (240, 240, 240));
    assert_eq!(data.test_dates[0], file.bars[260].date);
    let first = data.test.get(0).unwrap();
    assert_eq!(first.values()[0], (200.0f64 / 199.0) as f32, "test windows are cut inside the test part");
    assert_eq!(first.target(), (260.0f64 / 199.0) as f32);
}

#[test]
fn too_few_rows_and_constant_prices_are_errors() {
    assert_eq!(StockData::course(&read(&rows(361, |index| index as f64)).unwrap(), 60).unwrap().train.len(), 1);
    let text = StockData::course(&read(&rows(360, |index| index as f64)).unwrap(), 60).unwrap_err().to_string();
    assert!(text.contains("360 rows are too few: 361 are needed"), "{text}");
    let text = StockData::course(&read(&rows(500, |_| 7.0)).unwrap(), 60).unwrap_err().to_string();
    assert!(text.contains("column `open`: every training value is 7: a constant series"), "{text}");
}

#[test]
fn the_sample_is_as_long_as_the_course_file_and_labelled_synthetic() {
    let file = PriceFile::sample().unwrap();
    assert!(file.synthetic && file.warnings.is_empty());
    assert_eq!(file.bars.len(), 2426);
    let data = StockData::course(&file, 60).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (2066, 240));
    for bar in &file.bars {
        assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close), "{bar:?}");
    }
}

#[test]
fn a_batch_holds_windows_and_targets() {
    let windows = Windows::new(vec![1.0, 2.0, 3.0, 4.0].into(), 2);
    let items = windows.iter().map(Result::unwrap).collect();
    let batch = WindowBatcher.batch(items, &Device::flex());
    assert_eq!((batch.windows.dims(), batch.targets.dims()), ([2, 2, 1], [2, 1]));
    assert_eq!(batch.windows.to_data().iter::<f32>().collect::<Vec<_>>(), [1.0, 2.0, 2.0, 3.0]);
    assert_eq!(batch.targets.to_data().iter::<f32>().collect::<Vec<_>>(), [3.0, 4.0]);
}
