use serde_json::Value;

use crate::{
    Result,
    cli::ConfigArgs,
    console::out,
    options::{Options, plain},
    recipe::Task,
    settings::GlobalSettings,
};

/// Columns of the comments.
const WIDTH: usize = 100;

/// Prints every setting of an experiment as a settings file that `--config` takes: what is set as it is, what is not as a comment.
pub(super) fn run(global: &GlobalSettings, args: &ConfigArgs) -> Result<()> {
    let options = global.layered(args.experiment, &Options::default(), None)?;
    let entries = options.entries()?;
    let recipe = args.experiment.0;
    out(format_args!("# {}: {}", recipe.name, recipe.about));
    out("#");
    out(format_args!("#   rnn-train config {} > run.toml", recipe.name));
    out(format_args!("#   rnn-train --config run.toml train {}", recipe.name));
    out("#");
    out("# Flags override this file, this file overrides the recipe. Lines that begin with #~ are settings that have no value here.");
    out("");
    out("# Folder of all experiments' results, and where to compute (auto, wgpu, ndarray or flex)");
    out(format_args!("artifacts = {}", toml::Value::from(global.artifacts.display().to_string())));
    out("#~ backend = \"auto\"");
    let mut group = String::new();
    for (name, text, heading) in Options::described() {
        if matches!(recipe.task, Task::Letters(_)) && heading == Options::SERIES {
            continue;
        }
        if heading != group {
            out(format_args!("\n# ---- {heading}"));
            group = heading;
        }
        out("");
        wrapped(&text).iter().for_each(|line| out(format_args!("# {line}")));
        match entries.get(&name) {
            Some(value) => out(format_args!("{name} = {}", written(value))),
            None => out(format_args!("#~ {name} =")),
        }
    }
    Ok(())
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
