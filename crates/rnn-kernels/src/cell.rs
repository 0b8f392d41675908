use std::{fmt, str::FromStr};

use burn::{
    config::Config,
    serde::{Deserialize, Serialize},
};
use thiserror::Error;

/// A recurrent cell.
///
/// The operators use tanh and sigmoid as activations:
///
/// | cell | gates in the weights | sums (pre-activations) per hidden unit |
/// |---|---|---|
/// | SimpleRNN | `h` | `h` |
/// | LSTM | `i, f, c, o` | `i, f, c, o` |
/// | GRU, reset after the product | `z, r, h` | `z, r`, recurrent part of `h`, input part of `h` |
///
/// As text and in files, a cell is `simple-rnn`, `lstm` or `gru`.
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
    /// Elman's cell, `h_t = tanh(x_t K + h_(t-1) R + b)`.
    SimpleRnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit whose reset gate acts after the recurrent product.
    Gru,
}

impl Cell {
    /// All cells.
    pub const ALL: [Self; 3] = [Self::SimpleRnn, Self::Lstm, Self::Gru];

    /// Number of gates in the weights: `G` in `[I, G*H]`.
    pub const fn gates(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// Number of sums (pre-activations) per hidden unit: `S` in `[.., S*H]`.
    pub const fn sums(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm | Self::Gru => 4,
        }
    }

    /// Name in text and tables: `SimpleRNN`, `LSTM` or `GRU`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SimpleRnn => "SimpleRNN",
            Self::Lstm => "LSTM",
            Self::Gru => "GRU",
        }
    }

    /// Name on the command line and in files.
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

/// Error of a text that is not the name of a [`Cell`].
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
    fn cells_parse_from_their_names_and_other_names_are_errors() {
        for cell in Cell::ALL {
            assert_eq!(cell.to_string().parse(), Ok(cell));
            assert_eq!(burn::config::config_to_json(&cell), format!("\"{cell}\""));
        }
        let refusal = "LSTM".parse::<Cell>().map_err(|error| error.to_string());
        assert_eq!(refusal, Err("expected one of simple-rnn, lstm, gru, got `LSTM`".to_owned()));
    }
}
