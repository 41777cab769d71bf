//! Building programs whose sources are in the tree, into the tree.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Goal;
use super::Measured;
use super::Who;
use super::Workload;
use super::nothing;
use super::seconds;
use super::took;
use crate::digest;
use crate::inputs::C_PROJECT;
use crate::inputs::CARGO_PROJECT;
use crate::place::Place;
use crate::program;

pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "c-build",
        what: "make -j2 of a program in C",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(1.05))],
        prepare: nothing,
        run: |place, run| {
            let project = place.dir().join(C_PROJECT);
            let out = project.join(format!("out-{run}"));
            fs::create_dir(&out)?;
            let mut make = Command::new("make");
            make.arg("-j2").arg("-C").arg(&project).arg(format!("OUT={}", out.display()));
            built(&mut make, &out.join("program"))
        },
        finish: nothing,
    },
    Workload {
        name: "cargo-build",
        what: "cargo build of a program of seven crates",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(1.05))],
        prepare: |place, _| program::run(cargo(place).args(["generate-lockfile", "--offline"])),
        run: |place, run| {
            let target = place.dir().join(CARGO_PROJECT).join(format!("target-{run}"));
            let mut cargo = cargo(place);
            cargo.args(["build", "-q", "-j2", "--offline"]).env("CARGO_TARGET_DIR", &target);
            built(&mut cargo, &target.join("debug/program"))
        },
        finish: nothing,
    },
];

fn cargo(place: &Place) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(place.dir().join(CARGO_PROJECT)).env("CARGO_INCREMENTAL", "0").env_remove("RUSTFLAGS");
    cargo
}

fn built(build: &mut Command, made: &Path) -> Result<Measured> {
    let seconds = program::timed(build)?;
    Ok(took(seconds, digest::text(&program::output(&mut Command::new(made))?)))
}
