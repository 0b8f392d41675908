//! The `rnn-train` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rnn_train::main(std::env::args_os())
}
