use std::{fmt, str::FromStr};

use burn::{
    config::Config,
    serde::{Deserialize, Serialize},
};
use thiserror::Error;

/// Which recurrent cell runs.
///
/// The operators have tanh and sigmoid as activations:
///
/// | cell | gates of the weights | sums of a hidden unit |
/// |---|---|---|
/// | SimpleRNN | `h` | `h` |
/// | LSTM | `i, f, c, o` | `i, f, c, o` |
/// | GRU, reset after the product | `z, r, h` | `z, r`, the recurrent product's part of `h`, the input's part of `h` |
///
/// As text, also in files, a cell is `simple-rnn`, `lstm` or `gru`.
///
/// # Examples
///
/// ```
/// use rnn_kernels::Cell;
///
/// let cell: Cell = "simple-rnn".parse()?;
/// assert_eq!((cell, cell.title()), (Cell::SimpleRnn, "SimpleRNN"));
/// # Ok::<(), rnn_kernels::ParseCellError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(crate = "burn::serde", rename_all = "kebab-case")]
pub enum Cell {
    /// `h_t = tanh(s)`.
    SimpleRnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit whose reset gate acts after the recurrent product.
    Gru,
}

impl Cell {
    /// All cells.
    pub const ALL: [Self; 3] = [Self::SimpleRnn, Self::Lstm, Self::Gru];

    /// Gates of the weights: `G` in `[I, G*H]`.
    pub const fn gates(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// Sums of a hidden unit: `S` in `[.., S*H]`.
    pub const fn sums(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm | Self::Gru => 4,
        }
    }

    /// The name in prose and tables: `SimpleRNN`, `LSTM` or `GRU`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SimpleRnn => "SimpleRNN",
            Self::Lstm => "LSTM",
            Self::Gru => "GRU",
        }
    }

    /// The name on command lines and in files.
    const fn name(self) -> &'static str {
        match self {
            Self::SimpleRnn => "simple-rnn",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        }
    }
}

impl Config for Cell {}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no [`Cell`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected one of {}, got `{got}`", Cell::ALL.map(Cell::name).join(", "))]
pub struct ParseCellError {
    got: String,
}

impl FromStr for Cell {
    type Err = ParseCellError;

    fn from_str(text: &str) -> Result<Self, ParseCellError> {
        let found = Self::ALL.into_iter().find(|cell| cell.name() == text);
        found.ok_or_else(|| ParseCellError { got: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_parsed_from_what_it_prints_and_other_names_are_refused() {
        for cell in Cell::ALL {
            assert_eq!(cell.to_string().parse(), Ok(cell));
            assert_eq!(burn::config::config_to_json(&cell), format!("\"{cell}\""));
        }
        let refusal = "LSTM".parse::<Cell>().map_err(|error| error.to_string());
        assert_eq!(refusal, Err("expected one of simple-rnn, lstm, gru, got `LSTM`".to_owned()));
    }
}
