#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardwatch_fuzz::properties::rows(bytes));
