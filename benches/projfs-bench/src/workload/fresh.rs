//! Mounts that nobody has looked at yet, and those that are found again.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;

use super::Caches;
use super::Goal;
use super::Measured;
use super::Row;
use super::Unit;
use super::Who;
use super::Workload;
use super::drop_all;
use super::drop_caches;
use super::nothing;
use super::seconds;
use super::small_files;
use super::took;
use super::walk;
use crate::digest;
use crate::inputs::MAIN;
use crate::inputs::PART;
use crate::inputs::many_files;
use crate::place::Place;
use crate::place::Source;
use crate::program;

const HUGE: &[Row] = &[
    seconds(Goal::Unset),
    Row { name: "-bytes", unit: Unit::Bytes, goal: Goal::AtMost(1_048_576.0) },
    // Less than two round trips for content.
    Row { name: "-calls", unit: Unit::Calls, goal: Goal::AtMost(1.0) },
];

pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "mount",
        what: "projfs mount of the tree, until the first ls",
        who: Who::Projfs,
        rows: &[seconds(Goal::AtMost(0.2))],
        prepare: nothing,
        run: |place, run| {
            let dir = place.beside(&format!("mount-{run}"));
            let begin = Instant::now();
            place.mount(&Source::Git(MAIN), &dir)?;
            let count = fs::read_dir(&dir)?.count();
            Ok(took(begin.elapsed().as_secs_f64(), format!("{count} entries")))
        },
        finish: |place, run| place.unmount(&place.beside(&format!("mount-{run}"))),
    },
    Workload {
        name: "virtual-walk",
        what: "find with attributes in a tree of which nothing is known; native: after everything was dropped",
        who: Who::ProjfsAndNative,
        rows: &[seconds(Goal::Times(0.8))],
        prepare: |place, run| {
            if place.contestant.is_projfs() {
                place.mount(&Source::Git(MAIN), &place.beside(&format!("virtual-{run}")))?;
            }
            drop_all(place, run)
        },
        run: |place, run| {
            let dir = place.beside(&format!("virtual-{run}"));
            let projfs = place.contestant.is_projfs();
            let seconds = walk::with_attributes(if projfs { &dir } else { place.dir() })?;
            // Others have left things in the checked-out tree.
            let result = if projfs { digest::names(&dir)? } else { String::new() };
            Ok(took(seconds, result))
        },
        finish: |place, run| unmount(place, &format!("virtual-{run}")),
    },
    Workload {
        name: "hydrate-1",
        what: "first read of every file of the part, one reader; native: tar x of it",
        who: Who::ProjfsAndNative,
        rows: &[seconds(Goal::Times(1.5))],
        prepare: |place, run| mount_part(place, run, 1),
        run: |place, run| hydrate(place, run, 1),
        finish: |place, run| unmount(place, &part(run, 1)),
    },
    Workload {
        name: "hydrate-2",
        what: "the same with two readers",
        who: Who::ProjfsAndNative,
        rows: &[seconds(Goal::Times(1.0))],
        prepare: |place, run| mount_part(place, run, 2),
        run: |place, run| hydrate(place, run, 2),
        finish: |place, run| unmount(place, &part(run, 2)),
    },
    Workload {
        name: "hydrate-4",
        what: "the same with four readers",
        who: Who::ProjfsAndNative,
        rows: &[seconds(Goal::Unset)],
        prepare: |place, run| mount_part(place, run, 4),
        run: |place, run| hydrate(place, run, 4),
        finish: |place, run| unmount(place, &part(run, 4)),
    },
    Workload {
        name: "huge-first",
        what: "the first byte of a file of 10 GiB",
        who: Who::Projfs,
        rows: HUGE,
        prepare: |place, run| mount_huge(place, &format!("huge-first-{run}")),
        run: |place, run| read_huge(place, &format!("huge-first-{run}"), 0),
        finish: |place, run| unmount(place, &format!("huge-first-{run}")),
    },
    Workload {
        name: "huge-middle",
        what: "4 KiB in the middle of it",
        who: Who::Projfs,
        rows: HUGE,
        prepare: |place, run| mount_huge(place, &format!("huge-middle-{run}")),
        run: |place, run| read_huge(place, &format!("huge-middle-{run}"), (5 << 30) + 12_345),
        finish: |place, run| unmount(place, &format!("huge-middle-{run}")),
    },
    Workload {
        name: "rename-wide",
        what: "rename of a directory of 100,000 files that were looked at",
        who: Who::ProjfsAndNative,
        rows: &[seconds(Goal::AtMost(0.001))],
        prepare: |place, run| {
            let dir = wide(place, run);
            if place.contestant.is_projfs() {
                place.mount(&Source::Dir(place.inputs.wide()?), &dir)?;
            } else if !dir.exists() {
                many_files(&dir.join("d"), place.inputs.scale.wide)?;
            }
            walk::with_attributes(&dir).map(drop)
        },
        run: |place, run| {
            let dir = wide(place, run);
            let begin = Instant::now();
            fs::rename(dir.join("d"), dir.join("e"))?;
            let seconds = begin.elapsed().as_secs_f64();
            Ok(took(seconds, format!("{} entries", fs::read_dir(dir.join("e"))?.count())))
        },
        finish: |place, run| {
            let dir = wide(place, run);
            if place.contestant.is_projfs() {
                return place.unmount(&dir);
            }
            Ok(fs::rename(dir.join("e"), dir.join("d"))?)
        },
    },
    Workload {
        name: "restart",
        what: "mount of a tree with 100,000 hydrated files, until the first ls",
        who: Who::Projfs,
        rows: &[seconds(Goal::AtMost(0.1))],
        prepare: |place, _| {
            let dir = place.beside("restart");
            if !dir.exists() {
                place.mount(&Source::Dir(place.inputs.wide()?), &dir)?;
                program::run(place.projfs().arg("hydrate").arg(&dir))?;
                place.unmount(&dir)?;
            }
            drop_caches(&place.inputs.work, Caches::Names)
        },
        run: |place, _| {
            let dir = place.beside("restart");
            let begin = Instant::now();
            place.mount(&Source::Dir(place.inputs.wide()?), &dir)?;
            fs::read_dir(&dir)?.count();
            let seconds = begin.elapsed().as_secs_f64();
            Ok(took(seconds, format!("{} entries", fs::read_dir(dir.join("d"))?.count())))
        },
        finish: |place, _| place.unmount(&place.beside("restart")),
    },
];

fn part(run: u32, readers: usize) -> String {
    format!("part-{readers}-{run}")
}

fn mount_part(place: &Place, run: u32, readers: usize) -> Result<()> {
    if place.contestant.is_projfs() {
        place.mount(&Source::Git(PART), &place.beside(&part(run, readers)))?;
    }
    Ok(())
}

fn hydrate(place: &Place, run: u32, readers: usize) -> Result<Measured> {
    let dir = place.beside(&part(run, readers));
    if !place.contestant.is_projfs() {
        return small_files::unpack(&place.inputs.part, &dir);
    }
    let files = &place.inputs.files[..place.inputs.files.len().min(place.inputs.scale.part)];
    let read = walk::read_all(&dir, files, readers)?;
    Ok(Measured { result: digest::tree(&dir)?, ..read })
}

fn unmount(place: &Place, name: &str) -> Result<()> {
    if place.contestant.is_projfs() { place.unmount(&place.beside(name)) } else { Ok(()) }
}

fn mount_huge(place: &Place, name: &str) -> Result<()> {
    place.mount(&Source::Dir(place.inputs.huge()?), &place.beside(name))
}

/// Reads 4 KiB: how long that takes, how much is fetched for it, and how often the provider is asked for content.
fn read_huge(place: &Place, name: &str, offset: u64) -> Result<Measured> {
    let dir = place.beside(name);
    let mut bytes = vec![1; 4096];
    let begin = Instant::now();
    fs::File::open(dir.join("file"))?.read_exact_at(&mut bytes, offset)?;
    let seconds = begin.elapsed().as_secs_f64();
    let status = place.status(&dir)?;
    let fetched = status["hydrated_bytes"].as_f64().context("no hydrated_bytes in the status")?;
    let calls = status["provider_calls"]["file-data"].as_f64().context("no call for data in the status")?;
    let result = digest::text(&String::from_utf8_lossy(&bytes));
    Ok(Measured { values: vec![seconds, fetched, calls], result })
}

/// Where the wide directory is renamed. The native one is used again.
fn wide(place: &Place, run: u32) -> PathBuf {
    let run = if place.contestant.is_projfs() { run } else { 0 };
    place.beside(&format!("wide-{run}"))
}
