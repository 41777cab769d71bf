//! Git on the tree.

use std::time::Instant;

use anyhow::Result;

use super::Goal;
use super::Measured;
use super::Who;
use super::Workload;
use super::drop_names;
use super::nothing;
use super::seconds;
use super::took;
use crate::digest;
use crate::inputs::MAIN;
use crate::inputs::OTHER;
use crate::place::Place;
use crate::program;

pub(super) const READING: &[Workload] = &[
    Workload {
        name: "git-status-warm",
        what: "git status, everything in the kernel's caches",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(1.0))],
        // The second time it finds its index refreshed.
        prepare: |place, _| (0..2).try_for_each(|_| status(place).map(drop)),
        run: |place, _| status(place),
        finish: nothing,
    },
    Workload {
        name: "git-status-dentries",
        what: "git status after names and attributes were dropped",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(1.8))],
        prepare: drop_names,
        run: |place, _| status(place),
        finish: nothing,
    },
    Workload {
        name: "git-grep",
        what: "git grep over the work tree, warm",
        who: Who::Writable,
        rows: &[seconds(Goal::Unset)],
        prepare: |place, _| grep(place).map(drop),
        run: |place, _| grep(place),
        finish: nothing,
    },
];

pub(super) const CHANGING: &[Workload] = &[Workload {
    name: "git-checkout",
    what: "git checkout of a revision that changes 2,000 files, and back",
    who: Who::Writable,
    rows: &[seconds(Goal::Unset)],
    prepare: nothing,
    run: |place, _| {
        let begin = Instant::now();
        for revision in [OTHER, MAIN] {
            program::run(place.git().args(["checkout", "-q", revision]))?;
        }
        let seconds = begin.elapsed().as_secs_f64();
        Ok(took(seconds, program::output(place.git().args(["status", "--porcelain", "-uno"]))?))
    },
    finish: nothing,
}];

fn status(place: &Place) -> Result<Measured> {
    let begin = Instant::now();
    let found = program::output(place.git().args(["status", "--porcelain"]))?;
    Ok(took(begin.elapsed().as_secs_f64(), digest::lines(&found)))
}

fn grep(place: &Place) -> Result<Measured> {
    let begin = Instant::now();
    let found = program::output(place.git().args(["grep", "--threads=2", "-c", "stdio"]))?;
    Ok(took(begin.elapsed().as_secs_f64(), digest::lines(&found)))
}
