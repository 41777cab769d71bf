//! See `projfs_capi::fuzz::c_strings`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_capi::fuzz::c_strings(bytes));
