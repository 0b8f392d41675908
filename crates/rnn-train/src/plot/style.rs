//! Colours, sizes and layouts of plots.

use kuva::{
    plot::{legend::LegendPosition, line::LinePlot},
    prelude::{Layout, Plot, Theme},
};

use super::thin::thinned;

pub(crate) const TRAIN: &str = "#2563eb";
pub(crate) const VALID: &str = "#ea580c";
pub(crate) const ACTUAL: &str = "#1f2937";
pub(crate) const WIDTH: f64 = 960.0;
pub(crate) const HEIGHT: f64 = 440.0;

/// A line. A long one is thinned to what the picture can show.
pub(crate) fn curve(points: Vec<(f64, f64)>, color: &str) -> LinePlot {
    let points = thinned(points, |x| x);
    LinePlot::new().with_data(points).with_color(color).with_stroke_width(2.0)
}

pub(crate) fn layout(plots: &[Plot], title: &str, x: &str, y: &str) -> Layout {
    let theme =
        Theme { grid_color: "#e5e7eb".into(), legend_border: "#d1d5db".into(), ..Theme::light() };
    let layout = Layout::auto_from_plots(plots)
        .with_theme(theme)
        .with_legend_position(LegendPosition::InsideTopRight);
    layout
        .with_title(title)
        .with_title_size(15)
        .with_x_label(x)
        .with_y_label(y)
        .with_font_family("DejaVu Sans, sans-serif")
}

/// Sets the range of the y axis, which is logarithmic if the values span more than a factor of 10.
/// The legend goes into the corner with the fewest points.
pub(crate) fn scaled(
    plots: &[Plot],
    title: &str,
    x: &str,
    y: &str,
    points: &[(f64, f64)],
) -> Layout {
    let bounds = |of: fn(&(f64, f64)) -> f64| extent(points.iter().map(of));
    let ((first, last), (low, high)) = (bounds(|point| point.0), bounds(|point| point.1));
    let log = low > 0.0 && high > 10.0 * low;
    let height = |value: f64| {
        if log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) }
    };
    let places = points.iter().map(|&(x, value)| ((x - first) / (last - first), height(value)));
    let y = if log { format!("{y} (log scale)") } else { y.to_owned() };
    let layout = layout(plots, title, x, &y).with_legend_position(corner(places));
    let margin = 0.05 * (high - low);
    match log {
        true => layout.with_log_y(),
        false if margin > 0.0 => {
            layout.with_y_axis_min(low - margin).with_y_axis_max(high + margin)
        }
        false => layout,
    }
}

/// The smallest and the largest number.
pub(crate) fn extent(numbers: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let wider = |(low, high): (f64, f64), number: f64| (low.min(number), high.max(number));
    numbers.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), wider)
}

/// The corner with the fewest points; coordinates are from 0 to 1.
pub(crate) fn corner(places: impl Iterator<Item = (f64, f64)> + Clone) -> LegendPosition {
    freest(places).1
}

/// A corner without points, if there is one; coordinates are from 0 to 1.
pub(crate) fn free_corner(
    places: impl Iterator<Item = (f64, f64)> + Clone,
) -> Option<LegendPosition> {
    Some(freest(places)).filter(|(count, _)| *count == 0).map(|(_, corner)| corner)
}

/// The corner with the fewest points, and their number.
fn freest(places: impl Iterator<Item = (f64, f64)> + Clone) -> (usize, LegendPosition) {
    let near = |place: f64, far: bool, size: f64| {
        if far { place > 1.0 - size } else { place < size }
    };
    let inside = |right: bool, top: bool| {
        let is_inside = |&(x, y): &(f64, f64)| near(x, right, LEGEND[0]) && near(y, top, LEGEND[1]);
        places.clone().filter(is_inside).count()
    };
    let corners = [
        (inside(true, true), LegendPosition::InsideTopRight),
        (inside(false, false), LegendPosition::InsideBottomLeft),
        (inside(false, true), LegendPosition::InsideTopLeft),
        (inside(true, false), LegendPosition::InsideBottomRight),
    ];
    let freest = corners.into_iter().min_by_key(|(count, _)| *count);
    freest.unwrap_or((0, LegendPosition::InsideTopRight))
}

/// Size of a legend as a fraction of width and height.
pub(crate) const LEGEND: [f64; 2] = [0.33, 0.3];

/// A number with three significant digits.
pub(crate) fn short(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if !(0.001..100_000.0).contains(&size) => format!("{number:.1e}"),
        size => {
            let digits = (2 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{number:.digits$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn axis_numbers_have_three_significant_digits() {
        assert_eq!(
            [0.0, 0.372_91, 40.0, 33.5, 7.2194, 12_345.0, 0.000_433_1, 0.002].map(short),
            ["0", "0.373", "40", "33.5", "7.22", "12345", "4.3e-4", "0.002"]
        );
    }
}
