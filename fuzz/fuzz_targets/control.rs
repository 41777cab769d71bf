//! See `projectedfs::fuzz::control`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projectedfs::fuzz::control(bytes));
