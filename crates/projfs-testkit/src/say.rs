//! `say` and `skipped`: what a test has to tell whether it fails or not.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard error at once. What the print macros write, the test program keeps to itself unless the
/// test fails: that a test was skipped, and why, or that it hangs, must be seen all the same.
pub fn say(text: impl Display) {
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says that the test of this thread, or a part of it, was skipped, and why.
pub fn skipped(why: impl Display) {
    let thread = std::thread::current();
    say(format_args!("SKIPPED {}: {why}", thread.name().unwrap_or("a test")));
}
