//! Passes the fuzzer's bytes to the reader named by `READER`.

#![no_main]

use std::{env, panic, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use rnn_train::fuzzing::{READERS, Reader};

static READ: LazyLock<Reader> = LazyLock::new(|| {
    let name =
        env::var("READER").expect("READER: not set (use the name of a folder in fuzz/corpus)");
    // This reader catches and reports panics of Burn: those are not findings.
    if name == "checkpoint" {
        panic::set_hook(Box::new(|_| ()));
    }
    READERS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("READER: no such reader (use the name of a folder in fuzz/corpus)")
        .1
});

fuzz_target!(init: { LazyLock::force(&READ); }, |bytes: &[u8]| drop(READ(bytes)));
