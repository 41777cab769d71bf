//! See `projfs_types::fuzz::paths`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_types::fuzz::paths(bytes));
