//! The Windows Projected File System API in C: `projectedfslib.h`, as a library.
//!
//! What the functions do is said where they are; how C programs use them, in the header.

#![allow(unsafe_code, reason = "pointers come in from C, and go out to it")]

mod abi;
mod callbacks;
mod complete;
mod context;
mod data;
mod ea;
mod enumeration;
mod export;
mod frame;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod guard;
mod hresult;
mod log;
mod names;
mod notify;
mod path;
mod placeholder;
mod process;
mod query;
mod start;
#[cfg(test)]
mod testing;
mod update;
mod wide;
