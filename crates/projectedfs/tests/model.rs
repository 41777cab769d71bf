//! Random operations on a real mount, against the reference model. Needs root and `/dev/fuse`; says so where it cannot
//! run.
//!
//! `PROJFS_SEED` repeats a run; `PROJFS_OPS` sets its length; `PROJFS_URING=1` turns the kernel's switch for io_uring on
//! for the moments in which it matters.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use projectedfs::Passthrough;
use projectedfs::Transport;
use projfs_testkit::model::Run;
use projfs_testkit::model::run;

#[path = "mounted/support.rs"]
mod support;

mod model {
    //! The subject, and what the kernel does to it.

    pub(super) mod kernel;
    pub(super) mod subject;
    pub(super) mod switch;
}

use model::subject::MountSubject;
use model::switch::Switch;

/// How many operations each test does.
const OPERATIONS: usize = 3_000;

fn compare(name: &str, transport: Transport, passthrough: Passthrough) {
    support::mounted(name, |dir| {
        // For the whole process, which has no other tests.
        rustix::process::umask(rustix::fs::Mode::empty());
        let how = Run { round: 200, ..Run::from_environment(OPERATIONS) };
        support::say(&format!("{name}: PROJFS_SEED={} PROJFS_OPS={}", how.seed, how.operations));
        let mut count = 0;
        run(how, |projection| {
            count += 1;
            let root = dir.join(count.to_string());
            std::fs::create_dir(&root).unwrap();
            MountSubject::start(root, projection.clone(), transport, passthrough)
        });
    });
}

#[test]
fn a_mount_does_what_the_model_does() {
    compare("a_mount_does_what_the_model_does", Transport::Classic, Passthrough::Auto);
}

#[test]
fn a_mount_without_passthrough_does_what_the_model_does() {
    let name = "a_mount_without_passthrough_does_what_the_model_does";
    compare(name, Transport::Classic, Passthrough::Off);
}

#[test]
fn a_mount_by_io_uring_does_what_the_model_does() {
    let name = "a_mount_by_io_uring_does_what_the_model_does";
    if !Switch::is_to_be_had() {
        support::say(&format!(
            "SKIPPED {name}: io_uring is off in the kernel's FUSE; PROJFS_URING=1 turns it on"
        ));
        return;
    }
    compare(name, Transport::IoUring, Passthrough::Auto);
}
