//! Instances, mounted. Needs root and `/dev/fuse`; says so where it cannot run.

mod mounted {
    //! The tests, by subject.

    mod control;
    mod examples;
    mod instance;
    mod support;
}
