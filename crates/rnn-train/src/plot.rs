//! Pictures of a run, as SVG and PNG.

use jiff::civil::Date;
use kuva::{
    backend::{png::PngBackend, svg::SvgBackend},
    plot::{legend::LegendPosition, line::LinePlot, scatter::ScatterPlot},
    prelude::{DateTimeAxis, Figure, Layout, Plot, Theme, render_multiple, ymd},
    render::render::Scene,
};

use crate::{Error, Result, evaluation::StockEvaluation, history::Epoch};

const TRAIN: &str = "#2563eb";
const VALID: &str = "#ea580c";
const ACTUAL: &str = "#1f2937";
const PREDICTED: &str = "#ea580c";
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 440.0;
/// Pixels of the PNG for each unit of the picture.
const PNG_SCALE: f32 = 2.0;

/// A picture in both formats.
pub(crate) struct Picture {
    pub(crate) svg: String,
    pub(crate) png: Vec<u8>,
}

impl Picture {
    fn render(scene: &Scene) -> Result<Self> {
        let png = PngBackend::new().with_scale(PNG_SCALE).render_scene(scene).map_err(Error::Internal)?;
        Ok(Self { svg: SvgBackend.render_scene(scene), png })
    }
}

/// Loss of every epoch, and accuracy where it was measured.
pub(crate) fn losses(title: &str, epochs: &[Epoch]) -> Result<Picture> {
    let curve = |name: &str, color: &str, value: fn(&Epoch) -> Option<f64>| -> Option<Plot> {
        let points: Vec<(f64, f64)> = epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect();
        match points.len() {
            0 => None,
            // A line through one point cannot be seen.
            1 => Some(ScatterPlot::new().with_data(points).with_color(color).with_size(5.0).with_legend(name).into()),
            _ => Some(LinePlot::new().with_data(points).with_color(color).with_stroke_width(2.0).with_legend(name).into()),
        }
    };
    let loss: Vec<Plot> = [
        curve("training loss", TRAIN, |epoch| epoch.train_loss.filter(|loss| *loss > 0.0)),
        curve("validation loss", VALID, |epoch| epoch.valid_loss.filter(|loss| *loss > 0.0)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let last = epochs.last().map_or(0, |epoch| epoch.epoch);
    let whole = |layout: Layout| if last <= 10 { layout.with_x_tick_step(1.0) } else { layout };
    let accuracy: Vec<Plot> = curve("training accuracy", TRAIN, |epoch| epoch.train_accuracy).into_iter().collect();

    let loss_layout = whole(layout(&loss, title, "epoch", "loss (log scale)").with_log_y());
    if accuracy.is_empty() {
        return Picture::render(&render_multiple(loss, loss_layout.with_width(WIDTH).with_height(HEIGHT)));
    }
    let accuracy_layout = whole(layout(&accuracy, title, "epoch", "accuracy").with_y_axis_min(0.0).with_y_axis_max(1.02));
    let accuracy_layout = accuracy_layout.with_legend_position(LegendPosition::InsideBottomRight);
    let figure = Figure::new(1, 2).with_plots(vec![loss, accuracy]).with_layouts(vec![loss_layout, accuracy_layout]);
    Picture::render(&figure.with_cell_size(WIDTH / 2.0, HEIGHT).render())
}

/// Actual and predicted opening prices of the test days.
pub(crate) fn predictions(evaluation: &StockEvaluation) -> Result<Picture> {
    let line = |name: &str, color: &str, value: fn(&crate::evaluation::Day) -> f64| -> Plot {
        let points: Vec<(f64, f64)> = evaluation.days.iter().map(|day| (timestamp(day.date), value(day))).collect();
        LinePlot::new().with_data(points).with_color(color).with_stroke_width(2.0).with_legend(name).into()
    };
    let plots = vec![line("actual open", ACTUAL, |day| day.actual), line("predicted open", PREDICTED, |day| day.predicted)];
    let synthetic = if evaluation.data.synthetic { " (SYNTHETIC data)" } else { "" };
    let title = format!(
        "{}: {} test days of {}{synthetic}, RMSE {:.2} (yesterday's open: {:.2})",
        evaluation.experiment, evaluation.windows, evaluation.data.file, evaluation.model.rmse, evaluation.naive.naive_rmse
    );
    let layout = layout(&plots, &title, "", "opening price")
        .with_x_axis_min(evaluation.days.first().map_or(0.0, |day| timestamp(day.date)))
        .with_x_axis_max(evaluation.days.last().map_or(1.0, |day| timestamp(day.date)))
        .with_x_datetime(DateTimeAxis::months("%b %Y").with_step(2))
        .with_legend_position(LegendPosition::InsideTopLeft)
        .with_width(WIDTH)
        .with_height(HEIGHT);
    Picture::render(&render_multiple(plots, layout))
}

fn layout(plots: &[Plot], title: &str, x: &str, y: &str) -> Layout {
    let theme = Theme { grid_color: "#e5e7eb".into(), legend_border: "#d1d5db".into(), ..Theme::light() };
    let layout = Layout::auto_from_plots(plots).with_theme(theme).with_legend_position(LegendPosition::InsideTopRight);
    layout.with_title(title).with_title_size(15).with_x_label(x).with_y_label(y).with_font_family("DejaVu Sans, sans-serif")
}

fn timestamp(date: Date) -> f64 {
    ymd(i32::from(date.year()), date.month().unsigned_abs().into(), date.day().unsigned_abs().into())
}
