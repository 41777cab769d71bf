//! Git in a projected tree, held against Git in a plain one.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod git {
    //! The tests, by subject.

    mod differential;
    mod grammar;
    mod origin;
    mod pair;
    mod step;
    #[path = "../command/support.rs"]
    mod support;
    mod worktree;
    mod written;
}
