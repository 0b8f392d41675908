//! Prices whose ratios are wrong, because their provider subtracted or added dividends.

use std::path::Path;

use rnn_data::{Feature, SeriesConfig, Table};
use rnn_fetch::{Adjust, Method, Sidecar};

use crate::error::{Error, Result};

/// Columns of fetched files that are prices.
const PRICES: [&str; 4] = ["open", "close", "high", "low"];

/// Returns a warning if a fetched file has such prices.
///
/// # Errors
///
/// If the series takes logarithms or ratios of them.
pub(super) fn check(
    path: &Path,
    table: &Table,
    config: &SeriesConfig,
) -> Result<Option<&'static str>> {
    let sidecar = Sidecar::describing(path, &table.sha256);
    let Some(sidecar) = sidecar.filter(|sidecar| sidecar.method() == Method::Additive) else {
        return Ok(None);
    };
    let dividends = match sidecar.adjust {
        Adjust::Hfq => "dividends are added to its prices, so their ratios are wrong",
        _ => "dividends are subtracted from its prices, so their ratios are wrong",
    };
    match first_ratio(config) {
        None => Ok(Some(dividends)),
        Some(what) => Err(Error::Usage(format!(
            "{}: cannot take {what}: {dividends} (use `rnn-train fetch {} --out {} --force` to \
             fetch it again, adjusted by ratios)",
            path.display(),
            sidecar.symbol,
            path.display()
        ))),
    }
}

/// The first use of a ratio of prices.
fn first_ratio(config: &SeriesConfig) -> Option<String> {
    let is_price = |column: &str| PRICES.iter().any(|price| price.eq_ignore_ascii_case(column));
    fn takes_ratio(feature: &Feature) -> bool {
        match feature {
            Feature::Return(_)
            | Feature::LogReturn(_)
            | Feature::LogRatio(..)
            | Feature::Gap { .. } => true,
            Feature::Lag(inner, _) | Feature::Change(inner, _) | Feature::RollingMean(inner, _) => {
                takes_ratio(inner)
            }
            _ => false,
        }
    }
    let takes_logarithm = |feature: &Feature| match feature {
        Feature::Column(_) => config.transform.is_logarithmic(),
        other => takes_ratio(other),
    };
    if config.transform.is_logarithmic() && is_price(&config.target) {
        return Some(format!("--transform {} of `{}`", config.transform, config.target));
    }
    let mut features = config.features.iter();
    let of_prices = |feature: &&Feature| feature.columns().into_iter().any(is_price);
    let feature = features.find(|feature| takes_logarithm(feature) && of_prices(feature))?;
    Some(format!("the feature `{feature}`"))
}

#[cfg(test)]
mod tests {
    use rnn_data::Transform;

    use super::*;

    #[test]
    fn ratios_of_prices_are_found() {
        let config = |target: &str, transform, features: &[Feature]| {
            let config = SeriesConfig::new(target.to_owned()).with_transform(transform);
            first_ratio(&config.with_features(features.to_vec()))
        };
        let name = |name: &str| name.to_owned();
        let plain = Feature::Column(name("close"));
        for (target, transform, features, expected) in [
            ("open", Transform::MinMax, vec![plain.clone()], None),
            ("open", Transform::Difference, vec![Feature::Difference(name("low"))], None),
            ("open", Transform::MinMax, vec![Feature::LogReturn(name("volume"))], None),
            ("volume", Transform::LogReturn, vec![Feature::Column(name("volume"))], None),
            ("open", Transform::LogResidual, vec![], Some("--transform log-residual of `open`")),
            ("volume", Transform::LogReturn, vec![plain], Some("the feature `close`")),
            (
                "open",
                Transform::MinMax,
                vec![Feature::Weekday, Feature::LogRatio(name("High"), name("low"))],
                Some("the feature `log(High/low)`"),
            ),
            (
                "open",
                Transform::MinMax,
                vec![Feature::Return(name("close"))],
                Some("the feature `return(close)`"),
            ),
        ] {
            assert_eq!(config(target, transform, &features).as_deref(), expected);
        }
    }
}
