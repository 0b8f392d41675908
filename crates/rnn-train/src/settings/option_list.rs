//! Lists of options: each option is declared once; flags, files and checks follow from it.

use clap::Args;
use rnn_files::sha256;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::typed::plain;
use crate::error::Error;

/// The role of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Output folder, backend, progress display and saving.
    Program,
    /// The input files and their format.
    Data,
    /// The values that are predicted and scored.
    Scored,
    /// Baselines and intervals of the report.
    Report,
    /// The loss and its units.
    Loss,
    /// The model and its inputs.
    Model,
    /// The training of the weights.
    Training,
}

/// Whether an option may differ from the previous run when its training continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It may.
    Free,
    /// It may, and a note reports the change.
    Noted,
    /// It may not: the weights or their loss would change their meaning.
    Same,
}

/// An option of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Key in settings files; the flag has hyphens.
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) resume: Resume,
    /// Heading in the help; none for options without a flag.
    pub(crate) heading: Option<&'static str>,
    /// True if the value is a path, which differs between machines.
    pub(crate) is_path: bool,
}

impl Field {
    /// The flag of the option.
    pub(crate) fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// True if the option is part of the fingerprint of a run. Data is identified by its content,
    /// not by its path.
    fn is_fingerprinted(&self) -> bool {
        self.role != Role::Program && !self.is_path
    }
}

/// Differences between the options of a run and those of the previous run in its folder.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// The first difference that is not allowed.
    pub(crate) refused: Option<String>,
    /// Allowed differences to report.
    pub(crate) noted: Vec<String>,
}

/// A list of options, declared with [`options!`].
pub(crate) trait OptionList: Args + Serialize + DeserializeOwned {
    /// All options, in the order of the declaration.
    const FIELDS: &'static [Field];

    /// Fills unset options from a lower layer.
    #[must_use]
    fn over(self, below: Self) -> Self;

    /// Keeps some of the options and unsets the others.
    #[must_use]
    fn only(self, keeps: impl Fn(&Field) -> bool) -> Self;

    /// The option with a name.
    fn field(name: &str) -> Option<&'static Field> {
        Self::FIELDS.iter().find(|field| field.name == name)
    }

    /// The values of all set options, by name.
    ///
    /// # Errors
    ///
    /// If a path is not UTF-8 text.
    fn entries(&self) -> Result<Map<String, Value>, Error> {
        match serde_json::to_value(self) {
            Ok(Value::Object(entries)) => {
                Ok(entries.into_iter().filter(|(_, value)| !value.is_null()).collect())
            }
            _ => Err(Error::Usage(
                "options: a path is not UTF-8 text (rename the file or folder)".to_owned(),
            )),
        }
    }

    /// The values of all set options except paths; the same on every machine.
    fn portable_entries(&self) -> Result<Map<String, Value>, Error> {
        let mut entries = self.entries()?;
        entries.retain(|name, _| Self::field(name).is_some_and(|field| !field.is_path));
        Ok(entries)
    }

    /// Hash of all options that define the results of a run.
    fn fingerprint(&self) -> Result<String, Error> {
        let mut entries = self.entries()?;
        entries.retain(|name, _| Self::field(name).is_some_and(Field::is_fingerprinted));
        Ok(sha256(Value::Object(entries).to_string().as_bytes()))
    }

    /// Compares these options with those of the previous run, whose training continues.
    fn changes_from(&self, before: &Self) -> Result<Changes, Error> {
        let (before, now) = (before.entries()?, self.entries()?);
        let written = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), plain);
        let mut changes = Changes::default();
        for Field { name, resume, .. } in
            Self::FIELDS.iter().filter(|field| before.get(field.name) != now.get(field.name))
        {
            let (was, is) = (written(before.get(*name)), written(now.get(*name)));
            match resume {
                Resume::Free => {}
                Resume::Noted => changes.noted.push(format!("{name} {is} (before: {was})")),
                Resume::Same => {
                    changes.refused =
                        changes.refused.or_else(|| Some(format!("{name} = {was}, not {is}")))
                }
            }
        }
        Ok(changes)
    }

    /// Checks all values against the bounds of their options.
    ///
    /// # Errors
    ///
    /// If a value is out of bounds.
    fn checked(self) -> Result<Self, Error> {
        for (name, value) in self.entries()? {
            let one = Map::from_iter([(name.clone(), value)]);
            serde_json::from_value::<Self>(Value::Object(one))
                .map_err(|error| Error::Usage(format!("{name}: {error}")))?;
        }
        Ok(self)
    }

    /// All flags with their help texts, in the order of the list.
    fn described() -> Vec<(&'static Field, String)> {
        let command = Self::augment_args(clap::Command::new("options"));
        let described = |argument: &clap::Arg| {
            Some((
                Self::field(argument.get_id().as_str())?,
                argument.get_help().map(ToString::to_string).unwrap_or_default(),
            ))
        };
        command.get_arguments().filter_map(described).collect()
    }

    /// The flags that set these options, for a worker process.
    fn as_flags(&self) -> Result<Vec<String>, Error> {
        let quoted = |item: &Value| match plain(item) {
            text if text.contains([',', '"']) => format!("\"{}\"", text.replace('"', "\"\"")),
            text => text,
        };
        let flag = |(name, value): (String, Value)| {
            let text = match value {
                Value::Array(items) => items.iter().map(quoted).collect::<Vec<_>>().join(","),
                other => plain(&other),
            };
            format!("--{}={text}", name.replace('_', "-"))
        };
        Ok(self.entries()?.into_iter().map(flag).collect())
    }
}

/// Declares a list of options in groups with headings. Each option has a help text, a role, a
/// resume rule, a name and a type. Options of the group `program` have no flag in this list.
macro_rules! options {
    (
        $(#[$docs:meta])*
        $vis:vis struct $list:ident {
            program {
                $($(#[$program_doc:meta])* $(@[$program_attr:meta])*
                $program_role:ident $program_resume:ident $program:ident: $program_kind:ty,)*
            }
            $($heading:literal {
                $($(#[$doc:meta])* $(@[$attr:meta])*
                $role:ident $resume:ident $name:ident: $kind:ty $(= $default:expr)?,)*
            })*
        }
    ) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        $vis struct $list {
            $($(#[$program_doc])* $(#[$program_attr])*
            #[arg(skip)]
            pub(crate) $program: Option<$program_kind>,)*
            $($($(#[$doc])* $(#[$attr])*
            #[arg(long, allow_negative_numbers = true, help_heading = $heading)]
            pub(crate) $name: Option<$kind>,)*)*
        }

        impl OptionList for $list {
            const FIELDS: &'static [Field] = &[
                $(options!(@field None, $program_role $program_resume $program: $program_kind),)*
                $($(options!(@field Some($heading), $role $resume $name: $kind),)*)*
            ];

            fn over(self, below: Self) -> Self {
                Self {
                    $($program: self.$program.or(below.$program),)*
                    $($($name: self.$name.or(below.$name),)*)*
                }
            }

            fn only(self, keeps: impl Fn(&Field) -> bool) -> Self {
                let mut kept = Self::FIELDS.iter().map(keeps);
                let mut next = || kept.next().unwrap_or_default();
                Self {
                    $($program: if next() { self.$program } else { None },)*
                    $($($name: if next() { self.$name } else { None },)*)*
                }
            }
        }

        impl $list {
            /// The defaults of the list, the layer below the recipes.
            pub fn defaults() -> Self {
                Self::default()$($($(.$name($default))?)*)*
            }

            $($(options!(@setter $(#[$doc])* $name: $kind);)*)*
        }
    };
    (@field $heading:expr, $role:ident $resume:ident $name:ident: $kind:ty) => {
        Field {
            name: stringify!($name),
            role: Role::$role,
            resume: Resume::$resume,
            heading: $heading,
            is_path: matches!(stringify!($kind).as_bytes(), b"PathBuf"),
        }
    };
    (@setter $(#[$doc:meta])* $name:ident: $kind:ty) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name<V>(mut self, value: V) -> Self
        where
            $kind: Accepts<V>,
        {
            self.$name = Some(<$kind>::accept(value));
            self
        }
    };
}

pub(super) use options;
