//! A plot as SVG and PNG.

use kuva::{
    backend::{png::PngBackend, svg::SvgBackend},
    prelude::{Layout, Plot, render_multiple},
    render::render::Scene,
};

use super::style::{HEIGHT, WIDTH};
use crate::{
    error::{Error, Result},
    run::RunFolder,
};

/// PNG pixels per unit of the plot.
const PNG_SCALE: f32 = 2.0;

/// A plot as SVG and PNG.
pub struct Picture {
    /// SVG text.
    pub svg: String,
    /// PNG bytes.
    pub png: Vec<u8>,
}

impl Picture {
    /// Draws a single panel of the default size.
    pub(crate) fn of(plots: Vec<Plot>, layout: Layout) -> Result<Self> {
        Self::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
    }

    pub(crate) fn render(scene: &Scene) -> Result<Self> {
        let png =
            PngBackend::new().with_scale(PNG_SCALE).render_scene(scene).map_err(Error::Internal)?;
        Ok(Self { svg: SvgBackend.render_scene(scene), png })
    }

    /// Writes both formats into a run folder.
    pub(crate) fn write_to(&self, folder: &RunFolder, name: &str) -> Result<()> {
        folder.write(&format!("{name}.svg"), &self.svg)?;
        folder.write(&format!("{name}.png"), &self.png)
    }
}
