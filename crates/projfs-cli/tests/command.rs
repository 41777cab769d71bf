//! The command itself: what it prints, its exit codes, and what it leaves. Mounts where that is possible.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod command {
    //! The tests, by subject.

    mod git;
    mod keeper;
    mod lifecycle;
    mod privileges;
    mod refusals;
    mod states;
    mod support;
    mod usage;
}
