#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(rnn_train::fuzzing::eastmoney(bytes)));
