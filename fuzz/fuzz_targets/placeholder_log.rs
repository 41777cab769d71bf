//! See `projfs_store::fuzz::placeholder_log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_store::fuzz::placeholder_log(bytes));
