//! Gives bytes to the reader whose name is in `READER`.

#![no_main]

use std::{env, panic, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use rnn_train::fuzzing::{READERS, Reader};

static READ: LazyLock<Reader> = LazyLock::new(|| {
    let name = env::var("READER").expect("READER is the name of a folder of fuzz/corpus");
    // Where Burn panics this reader says so: that is no finding.
    if name == "checkpoint" {
        panic::set_hook(Box::new(|_| ()));
    }
    READERS.iter().find(|(known, _)| *known == name).expect("a reader has the name in READER").1
});

fuzz_target!(init: { LazyLock::force(&READ); }, |bytes: &[u8]| drop(READ(bytes)));
