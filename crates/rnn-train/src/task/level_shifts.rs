//! Lasting changes of level of the target: a warning, a correction or a refusal.

use std::path::Path;

use rnn_data::{
    LevelShift, SeriesConfig, Split, Table, first_from, format_time, is_price, late_split,
    level_shifts,
};

use super::automatic::split_times;
use crate::{
    error::{Error, Result},
    settings::{LevelShifts, SeriesSettings},
    text::number,
};

/// Largest difference between a factor and that of a split, as a fraction: a day's change.
const TOLERANCE: f64 = 0.1;
/// Largest number of shares for one in a split.
const MOST_SHARES: f64 = 100.0;

impl SeriesSettings {
    /// Finds level shifts of the target, and treats them as asked. They are always reported.
    ///
    /// # Errors
    ///
    /// If a new model (`is_new`) would learn from prices with a level shift in the training set.
    pub(super) fn treat_level_shifts(
        &self,
        config: &SeriesConfig,
        path: &Path,
        tables: &mut [Table],
        is_new: bool,
    ) -> Result<()> {
        let starts = split_times(config, path, tables);
        let (many, mut found) = (tables.len() > 1, Vec::new());
        for table in tables {
            let training = starts.map_or(table.rows(), |starts| {
                first_from(&table.times, starts.valid.unwrap_or(starts.test))
            });
            let values = table.column(&config.target).unwrap_or_default();
            let mut shifts = level_shifts(values, training);
            if is_price(&config.target) {
                shifts.extend(late_split(values, training));
            }
            for shift in &shifts {
                let name = if many { format!("{}: ", table.name()) } else { String::new() };
                let text = format!("{name}{}", described(table, &config.target, shift));
                found.push((text, shift.factor, shift.row + LevelShift::SIDE <= training));
            }
            if self.level_shifts == LevelShifts::Adjust {
                table.adjust(&config.target, &shifts);
            }
        }
        let Some((text, factor, _)) = found.first() else { return Ok(()) };
        let path = path.display();
        let more = match found.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let scale =
            format!("use --level-shifts adjust to multiply the rows before by {}", number(*factor));
        match self.level_shifts {
            LevelShifts::Adjust => {
                let done = format!(
                    "{path}: {text}{more}; the rows before are multiplied by {}",
                    number(*factor)
                );
                // Scalers of a model that was trained before the shift are in other units.
                match found.iter().any(|(_, _, is_learned)| !*is_learned) && !is_new {
                    true => log::warn!(
                        "{done} (a model that was trained before is in other units: train it with \
                         --fresh)"
                    ),
                    false => log::info!("{done}"),
                }
            }
            LevelShifts::Keep => log::info!("{path}: {text}{more}; the values are kept"),
            LevelShifts::Refuse => {
                // Rows after the training set refuse no model.
                let is_learned = found.iter().any(|(_, _, is_learned)| *is_learned);
                let is_refused = is_new && is_learned && !many && config.split != Split::Course;
                if is_refused && is_price(&config.target) {
                    return Err(Error::Usage(format!(
                        "{path}: {text}{more} ({scale}, or --level-shifts keep to train on the \
                         values as they are)"
                    )));
                }
                log::warn!("{path}: {text}{more} ({scale}, or --from to leave them out)");
            }
        }
        Ok(())
    }
}

fn described(table: &Table, target: &str, shift: &LevelShift) -> String {
    let verb = if shift.factor < 1.0 { "falls" } else { "rises" };
    let (factor, time) = (number(shift.factor), format_time(table.times[shift.row]));
    let of_prices = |split| format!("as prices do after an unadjusted {split} split");
    let other = "a level shift, as by other units or another source";
    let cause = match split(shift.factor).map(of_prices) {
        Some(split) if is_price(target) => split,
        Some(split) => format!("{other}, or {split}"),
        None => other.to_owned(),
    };
    format!("`{target}` {verb} to {factor} times its level on {time} and stays there, {cause}")
}

/// The split with a factor, such as 10:1 for 0.1.
fn split(factor: f64) -> Option<String> {
    let shares = if factor < 1.0 { 1.0 / factor } else { factor };
    let is_near = |whole: f64| (shares / whole - 1.0).abs() < TOLERANCE;
    let whole = shares.round();
    let [new, old] = match whole {
        2.0..=MOST_SHARES if is_near(whole) => [format!("{whole}"), "1".to_owned()],
        _ if is_near(1.5) => ["3".to_owned(), "2".to_owned()],
        _ => return None,
    };
    Some(if factor < 1.0 { format!("{new}:{old}") } else { format!("{old}:{new} reverse") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_have_the_names_of_splits() {
        for (factor, expected) in [
            (0.1, Some("10:1")),
            (0.103, Some("10:1")),
            (0.49, Some("2:1")),
            (0.66, Some("3:2")),
            (9.8, Some("1:10 reverse")),
            (0.4, None),
            (1e-4, None),
        ] {
            assert_eq!(split(factor).as_deref(), expected, "{factor}");
        }
    }
}
