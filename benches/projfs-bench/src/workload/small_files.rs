//! Small files, made and removed.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::Goal;
use super::Measured;
use super::Who;
use super::Workload;
use super::nothing;
use super::scratch;
use super::seconds;
use super::took;
use crate::digest;
use crate::place::Place;
use crate::program;

/// Files in each directory.
const EACH: usize = 100;

pub(super) const MAKING: &[Workload] = &[
    Workload {
        name: "create",
        what: "make files of 4 KiB, 100 in a directory",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(3.5))],
        prepare: nothing,
        run: |place, run| {
            let dir = scratch(place, &format!("small-{run}"))?;
            let begin = Instant::now();
            create(&dir, place.inputs.scale.small)?;
            Ok(took(begin.elapsed().as_secs_f64(), digest::names(&dir)?))
        },
        finish: nothing,
    },
    Workload {
        name: "tar-x",
        what: "unpack the part of the tree",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(3.0))],
        prepare: nothing,
        run: |place, run| unpack(&place.inputs.part, &scratch(place, &format!("unpacked-{run}"))?),
        finish: nothing,
    },
    Workload {
        name: "cp-a",
        what: "copy it within the tree",
        who: Who::Writable,
        rows: &[seconds(Goal::Unset)],
        prepare: |place, _| unpacked(place, 0).map(drop),
        run: |place, run| {
            let copy = scratch(place, &format!("copy-{run}"))?;
            let seconds = program::timed(Command::new("cp").arg("-a").arg(unpacked(place, 0)?).arg(&copy))?;
            Ok(took(seconds, digest::tree(&copy)?))
        },
        finish: nothing,
    },
];

pub(super) const REMOVING: &[Workload] = &[
    Workload {
        name: "unlink",
        what: "remove the small files",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(1.8))],
        prepare: |place, run| {
            let dir = scratch(place, &format!("small-{run}"))?;
            if dir.exists() { Ok(()) } else { create(&dir, place.inputs.scale.small) }
        },
        run: |place, run| {
            let dir = scratch(place, &format!("small-{run}"))?;
            let begin = Instant::now();
            for number in 0..place.inputs.scale.small {
                fs::remove_file(small(&dir, number))?;
            }
            Ok(took(begin.elapsed().as_secs_f64(), digest::names(&dir)?))
        },
        finish: nothing,
    },
    Workload {
        name: "rm-rf",
        what: "remove what was unpacked",
        who: Who::Writable,
        rows: &[seconds(Goal::Times(1.4))],
        prepare: |place, run| unpacked(place, run).map(drop),
        run: |place, run| {
            let dir = unpacked(place, run)?;
            let seconds = program::timed(Command::new("rm").arg("-rf").arg(&dir))?;
            Ok(took(seconds, format!("there: {}", dir.exists())))
        },
        finish: nothing,
    },
];

fn small(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("{:04}/{number:06}", number / EACH))
}

fn create(dir: &Path, count: usize) -> Result<()> {
    let block = [0x5a; 4096];
    for number in 0..count {
        let path = small(dir, number);
        if let (0, Some(dir)) = (number % EACH, path.parent()) {
            fs::create_dir_all(dir)?;
        }
        fs::File::create_new(path)?.write_all(&block)?;
    }
    Ok(())
}

/// Unpacks an archive into a new directory.
pub(super) fn unpack(archive: &Path, dir: &Path) -> Result<Measured> {
    fs::create_dir(dir)?;
    let seconds = program::timed(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(dir))?;
    Ok(took(seconds, digest::tree(dir)?))
}

/// Where the part of the tree is unpacked, by this or an earlier workload.
fn unpacked(place: &Place, run: u32) -> Result<PathBuf> {
    let dir = scratch(place, &format!("unpacked-{run}"))?;
    if !dir.exists() {
        unpack(&place.inputs.part, &dir)?;
    }
    Ok(dir)
}
