use jiff::{ToSpan, civil::date};
use rnn_data::{Series, SeriesConfig, SetSize, Split, Table, Transform};

use super::*;

/// A series of daily opens with closes 0.5 higher. The last `test` rows are the test set; the
/// `test / 2` rows before them are the validation set.
pub(crate) fn series(values: Vec<f64>, test: usize, horizon: usize) -> Series {
    let times = (0..values.len())
        .map(|row| date(2020, 1, 1).checked_add((row as i64).days()).unwrap().into())
        .collect();
    let close = values.iter().map(|open| open + 0.5).collect();
    let table =
        Table::from_columns("prices.csv", times, [("open", values), ("close", close)]).unwrap();
    let config = SeriesConfig::new("open".to_owned())
        .with_close(Some("close".to_owned()))
        .with_window(3)
        .with_horizon(horizon)
        .with_transform(Transform::MinMax)
        .with_split(Split::holdout(SetSize::Rows(test / 2), SetSize::Rows(test)));
    let panel = config.init(table).unwrap();
    panel.series[0].as_ref().clone()
}

fn scored(name: &str, rmse: f64) -> BaselineScores {
    let scores = Scores {
        mse: rmse * rmse,
        rmse,
        mae: rmse,
        mape: None,
        smape: 1.0,
        mase: Some(1.0),
        rmsse: None,
        bias: None,
        directional_accuracy: None,
        directions: 0,
    };
    BaselineScores { name: name.to_owned(), scores }
}

#[test]
fn the_verdict_names_the_best_baseline() {
    let baselines = [scored("last open", 3.0), scored("last close", 2.0)];
    let losing = skill(&scored("model", 5.0).scores, &baselines);
    assert_eq!(
        verdict("The model", losing, &baselines),
        "The model loses to a baseline: its RMSE is 2.50 times that of `last close`."
    );
    let hopeless = skill(&scored("model", 201.0).scores, &baselines);
    assert!(
        verdict("The model", hopeless, &baselines)
            .ends_with("its RMSE is more than 100 times that of `last close`.")
    );
    let behind = skill(&scored("model", 2.02).scores, &baselines);
    assert!(
        verdict("The model", behind, &baselines)
            .ends_with("its RMSE is 1.0% above that of `last close`.")
    );
    let tied = skill(&scored("model", 1.999).scores, &baselines);
    assert!(
        verdict("The model", tied, &baselines)
            .starts_with("The model is no better than the baseline `last close`")
    );
    let winning = skill(&scored("model", 1.5).scores, &baselines);
    assert_eq!(
        verdict("The mean forecast", winning, &baselines),
        "The mean forecast beats every baseline: its RMSE is 25.0% below that of `last close`, \
         the best one."
    );
}
