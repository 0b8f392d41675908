//! The `rnn-train` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// Every step allocates and frees the same megabytes. The system allocator returns them to the
// kernel each time; the page faults took a fifth of an epoch.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    rnn_train::command(std::env::args_os())
}
