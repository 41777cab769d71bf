//! See `projfs_fuse::fuzz::request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| projfs_fuse::fuzz::request(bytes));
