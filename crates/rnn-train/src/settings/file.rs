//! Settings files: parsing, writing, and the messages of their errors.

use rnn_data::nearest_name;
use rnn_files::toml_problem;
use serde_json::{Map, Value};

use super::{
    option_list::{Field, OptionList, Role},
    typed::plain,
};

/// Width of the comments.
const WIDTH: usize = 100;

/// Parses the options of a settings file.
pub(crate) fn parse_settings<O: OptionList>(text: &str) -> Result<O, String> {
    toml::from_str(text).map_err(|error| {
        let problem = toml_problem(text, &error);
        // Drop the list of all keys that serde appends: `config` prints it with comments.
        let Some((place, rest)) = problem.split_once("unknown field `") else { return problem };
        format!("{place}{}", unknown_key::<O>(rest.split('`').next().unwrap_or_default()))
    })
}

fn unknown_key<O: OptionList>(key: &str) -> String {
    let nearest = nearest_name(key, O::FIELDS.iter().map(|field| field.name));
    let nearest =
        nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
    format!("unknown key `{key}`{nearest} (`rnn-train config EXPERIMENT` prints all keys)")
}

/// Checks that a search may vary an option.
///
/// # Errors
///
/// If it may not; the message tells why.
pub(crate) fn searchable<O: OptionList>(key: &str) -> Result<(), String> {
    match O::field(key).ok_or_else(|| unknown_key::<O>(key))?.role {
        Role::Data | Role::Scored => Err(format!(
            "`{key}`: selects which values are predicted and scored, so trials would not be \
             comparable (use the flag instead)"
        )),
        Role::Program | Role::Report => Err(format!(
            "`{key}`: not a training setting, so it cannot be searched (use the flag instead)"
        )),
        Role::Loss | Role::Model | Role::Training => Ok(()),
    }
}

/// Writes options as a settings file; unset options become comments.
pub(crate) fn settings_text<O: OptionList>(
    entries: &Map<String, Value>,
    shows: impl Fn(&Field) -> bool,
) -> String {
    let (mut lines, mut group) = (Vec::new(), None);
    for (field, text) in O::described().into_iter().filter(|(field, _)| shows(field)) {
        if field.heading != group {
            lines.push(format!("\n# ---- {}", field.heading.unwrap_or_default()));
            group = field.heading;
        }
        lines.push(String::new());
        lines.extend(wrapped(&text).iter().map(|line| format!("# {line}")));
        let value = entries.get(field.name).map(written);
        lines.push(value.map_or_else(
            || format!("#~ {} =", field.name),
            |value| format!("{} = {value}", field.name),
        ));
    }
    lines.join("\n") + "\n"
}

fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
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
