use std::path::Path;

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use crate::{
    console::out,
    error::Result,
    settings::{Experiment, Options, TaskRecipe, plain},
};

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
}

/// Columns of the comments.
const WIDTH: usize = 100;

/// Prints every setting of an experiment as a settings file that `--config` takes.
pub(super) fn run(context: &Context, args: &ConfigArgs) -> Result<()> {
    let options = context.settings.layered(args.experiment, &Options::default(), None)?;
    let recipe = args.experiment.0;
    let about = format!("{}: {}", recipe.name, recipe.about);
    out(settings_file(args.experiment, Some(&context.settings.artifacts), &options.entries()?, &about).trim_end());
    Ok(())
}

/// A settings file: what is set as it is, what is not as a comment.
pub(super) fn settings_file(experiment: Experiment, artifacts: Option<&Path>, entries: &Map<String, Value>, about: &str) -> String {
    let mut lines = vec![format!("# {about}"), "#".to_owned()];
    if artifacts.is_some() {
        lines.push(format!("#   rnn-train config {experiment} > run.toml"));
    }
    let name = if artifacts.is_some() { "run.toml" } else { "best.toml" };
    lines.extend([
        format!("#   rnn-train --config {name} train {experiment}"),
        "#".to_owned(),
        "# Flags override this file, this file overrides the recipe. Lines that begin with #~ are settings that have no value here."
            .to_owned(),
        String::new(),
        "# Folder of all experiments' results, and where to compute (auto, wgpu, ndarray or flex)".to_owned(),
        artifacts
            .map_or_else(|| "#~ artifacts =".to_owned(), |path| format!("artifacts = {}", toml::Value::from(path.display().to_string()))),
        "#~ backend = \"auto\"".to_owned(),
    ]);
    let mut group = String::new();
    for (name, text, heading) in Options::described() {
        if matches!(experiment.0.task, TaskRecipe::Letters(_)) && heading == Options::SERIES {
            continue;
        }
        if heading != group {
            lines.push(format!("\n# ---- {heading}"));
            group = heading;
        }
        lines.push(String::new());
        lines.extend(wrapped(&text).iter().map(|line| format!("# {line}")));
        lines.push(entries.get(&name).map_or_else(|| format!("#~ {name} ="), |value| format!("{name} = {}", written(value))));
    }
    lines.join("\n") + "\n"
}

fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::String(_) => toml::Value::from(plain(value)).to_string(),
        other => other.to_string(),
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() && line.len() + word.len() >= WIDTH {
                lines.push(word.to_owned());
            } else {
                let space = if line.is_empty() { "" } else { " " };
                line.push_str(space);
                line.push_str(word);
            }
        }
    }
    lines
}
