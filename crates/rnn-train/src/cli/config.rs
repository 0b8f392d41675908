use std::path::Path;

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::output::out;
use crate::{
    error::Result,
    settings::{Experiment, OptionList, Options, settings_text},
};

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Name of the experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
}

/// Prints every setting of an experiment as a settings file that `--config` takes.
pub(super) fn run(context: &Context, args: &ConfigArgs) -> Result<()> {
    let options = context.settings.layered(args.experiment, &Options::default(), None)?;
    let about = format!("{}: {}", args.experiment, args.experiment.about());
    let (artifacts, entries) = (Some(&*context.settings.artifacts), options.entries()?);
    out(settings_file(args.experiment, artifacts, &entries, &about).trim_end());
    Ok(())
}

/// File with the best settings of a search.
pub(super) const BEST: &str = "best.toml";

/// A settings file for `--config`.
pub(super) fn settings_file(
    experiment: Experiment,
    artifacts: Option<&Path>,
    entries: &Map<String, Value>,
    about: &str,
) -> String {
    let name = if artifacts.is_some() { "run.toml" } else { BEST };
    let made_by = artifacts
        .map_or_else(String::new, |_| format!("#   rnn-train config {experiment} > run.toml\n"));
    let folder = artifacts.map_or_else(
        || "#~ artifacts =".to_owned(),
        |path| format!("artifacts = {}", toml::Value::from(path.display().to_string())),
    );
    let options = settings_text::<Options>(entries, |field| {
        experiment.is_series() || field.heading != Some(Options::SERIES)
    });
    format!(
        "# {about}\n#\n{made_by}#   rnn-train --config {name} train {experiment}\n#\n\
         # Flags override this file, and this file overrides the recipe. Lines that begin with #~ \
         are settings without a value.\n\n\
         # Folder of all results, and the compute backend (auto, wgpu, ndarray or flex)\n\
         {folder}\n#~ backend = \"auto\"\n{options}"
    )
}
