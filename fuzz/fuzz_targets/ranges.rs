//! See `projfs_types::fuzz::ranges`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_types::fuzz::ranges(bytes));
