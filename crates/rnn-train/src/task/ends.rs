//! Warnings on unusual last rows: the rows that a forecast continues.

use rnn_data::{Series, UnusualEnd, format_time, is_price, late_split};

use super::series::SeriesTask;
use crate::text::number;

impl SeriesTask {
    /// Warns of last rows that are far from their forecasts, or all equal. The values stay.
    pub(crate) fn warn_of_ends(&self) {
        let all = &self.data.panel.series;
        let mut found = all.iter().filter_map(|series| {
            let text = self.described(series, &series.unusual_end())?;
            Some(if all.len() > 1 { format!("{}: {text}", series.name) } else { text })
        });
        let Some(first) = found.next() else { return };
        let more = match found.count() {
            0 => String::new(),
            1 => "; so has 1 more series".to_owned(),
            more => format!("; so have {more} more series"),
        };
        log::warn!("{}: {first}{more}", self.data.source.file);
    }

    fn described(&self, series: &Series, ends: &[UnusualEnd]) -> Option<String> {
        let target = &self.data.config.target;
        let time = |row: usize| format_time(series.times[row]);
        let until = |row: usize| time(row.saturating_sub(1));
        // A split has its own warning.
        let split = late_split(&series.target, series.target.len());
        let split = split.filter(|_| is_price(target)).map_or(usize::MAX, |shift| shift.row);
        let is_new =
            |end: &&UnusualEnd| !matches!(end, UnusualEnd::Outlier { row, .. } if *row >= split);
        let ends: Vec<&UnusualEnd> = ends.iter().filter(is_new).collect();
        let outliers = ends.iter().filter_map(|end| match end {
            UnusualEnd::Outlier { row, forecast, .. } => Some((*row, *forecast)),
            _ => None,
        });
        match ends.first()? {
            UnusualEnd::Constant { first } => {
                let (count, value) = (series.target.len() - first, number(series.target[*first]));
                Some(format!(
                    "`{target}` is {value} in all of the last {count} rows, from {} on, as of a \
                     sensor that is stuck or a shop that is closed; the forecast expects the usual \
                     values again (use --until {} to leave these rows out)",
                    time(*first),
                    until(*first)
                ))
            }
            UnusualEnd::Outlier { row: first, .. } => {
                let rows = outliers.map(|(row, forecast)| {
                    let (value, forecast) = (number(series.target[row]), number(forecast));
                    format!("{value} on {}, where {forecast} was expected", time(row))
                });
                Some(format!(
                    "`{target}` has unusual last values: {}; the forecast continues from them \
                     (correct a typing error, or use --until {} to leave them out)",
                    rows.collect::<Vec<_>>().join("; "),
                    until(*first)
                ))
            }
            _ => None,
        }
    }
}
