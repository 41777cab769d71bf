//! The header and the library from outside: C and C++ programs, compiled and run.
//!
//! A C program links against the library that was just built as the tests here do: `support::library` makes a directory
//! that looks like an installed one.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "capi/api.rs"]
mod api;
#[path = "capi/checks.rs"]
mod checks;
#[path = "capi/conformance.rs"]
mod conformance;
#[path = "capi/faults.rs"]
mod faults;
#[path = "capi/keys.rs"]
mod keys;
#[path = "capi/mirror.rs"]
mod mirror;
#[path = "capi/poems.rs"]
mod poems;
#[path = "capi/support.rs"]
mod support;
