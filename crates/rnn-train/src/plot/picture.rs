//! A picture in both formats.

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

/// Pixels of the PNG for each unit of the picture.
const PNG_SCALE: f32 = 2.0;

/// A picture in both formats.
pub struct Picture {
    /// As SVG text.
    pub svg: String,
    /// As PNG bytes.
    pub png: Vec<u8>,
}

impl Picture {
    /// Draws one panel of the usual size.
    pub(crate) fn of(plots: Vec<Plot>, layout: Layout) -> Result<Self> {
        Self::render(&render_multiple(plots, layout.with_width(WIDTH).with_height(HEIGHT)))
    }

    pub(crate) fn render(scene: &Scene) -> Result<Self> {
        let png =
            PngBackend::new().with_scale(PNG_SCALE).render_scene(scene).map_err(Error::Internal)?;
        Ok(Self { svg: SvgBackend.render_scene(scene), png })
    }

    /// Writes both formats into a run's folder.
    pub(crate) fn write_to(&self, folder: &RunFolder, name: &str) -> Result<()> {
        folder.write(&format!("{name}.svg"), &self.svg)?;
        folder.write(&format!("{name}.png"), &self.png)
    }
}
