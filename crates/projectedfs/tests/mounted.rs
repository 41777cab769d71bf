//! Instances, mounted. Needs root and `/dev/fuse`; says so where it cannot run.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod mounted {
    //! The tests, by subject.

    mod changed;
    mod control;
    mod examples;
    mod extended;
    mod instance;
    mod interrupts;
    mod journal;
    mod notifications;
    mod ranges;
    mod spelling;
    mod support;
    mod switch;
    mod view;
}
