//! Everything that changes a tree, stopped or refused at every system call that it makes.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

#[cfg(target_arch = "x86_64")]
mod full;
#[cfg(target_arch = "x86_64")]
mod judge;
#[cfg(target_arch = "x86_64")]
mod killed;
#[cfg(target_arch = "x86_64")]
mod mounted;
#[cfg(target_arch = "x86_64")]
mod refused;
#[cfg(target_arch = "x86_64")]
mod rig;

#[cfg(not(target_arch = "x86_64"))]
#[test]
fn system_calls_are_known() {
    projfs_testkit::skipped("following a process through its system calls is written for x86_64");
}
