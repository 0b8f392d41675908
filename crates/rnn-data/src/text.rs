//! Serde by text, and similar names.

/// Implements serde by `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    )+};
}

pub(crate) use serde_as_text;

/// Returns the name that is most similar to `name`, in any capitalisation.
///
/// `None` if no Jaro-Winkler similarity is above 0.7.
///
/// # Examples
///
/// ```
/// assert_eq!(rnn_data::nearest_name("Opne", ["close", "open"]), Some("open"));
/// assert_eq!(rnn_data::nearest_name("x", ["close", "open"]), None);
/// ```
pub fn nearest_name<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&other.to_lowercase(), &name);
    names
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .filter(|other| likeness(other) > 0.7)
}
