//! The `rnn-train` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// Every step allocates and frees the same megabytes. The system's allocator gives them back to the
// kernel each time, which took a fifth of an epoch in page faults.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    rnn_train::command(std::env::args_os())
}
