//! See `projfs_store::fuzz::record`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_store::fuzz::record(bytes));
