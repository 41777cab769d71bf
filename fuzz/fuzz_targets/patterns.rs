//! See `projfs_types::fuzz::patterns`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_types::fuzz::patterns(bytes));
