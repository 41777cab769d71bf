//! The workloads: a table. Each is run as often as asked on everyone that takes part, in turn.

use std::fs;
use std::path::Path;

use anyhow::Result;
use rustix::fs::syncfs;

use crate::contestant::Contestant;
use crate::contestant::Kind;
use crate::place::Place;

mod build;
mod fresh;
mod generated;
mod git;
mod large_file;
mod small_files;
mod walk;

/// One piece of work.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) who: Who,
    /// What is measured of it.
    pub(crate) rows: &'static [Row],
    /// Before each run, not measured. Leaves what is there already as it is.
    pub(crate) prepare: fn(&Place, u32) -> Result<()>,
    /// Is given the number of the run.
    pub(crate) run: fn(&Place, u32) -> Result<Measured>,
    /// After each run, also if it failed.
    pub(crate) finish: fn(&Place, u32) -> Result<()>,
}

/// One figure of a workload.
pub(crate) struct Row {
    /// What is added to the workload's name.
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) goal: Goal,
}

/// Who takes part.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// Everyone.
    All,
    /// Whose tree can be changed.
    Writable,
    /// projfs, and the file system below, which does something comparable.
    ProjfsAndNative,
    /// projfs alone.
    Projfs,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    Calls,
}

/// What the default of `projfs mount` is to reach.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// At most so many times what the file system below takes.
    Times(f64),
    /// At most so much, with the full trees.
    AtMost(f64),
    Unset,
}

/// What came of one run.
pub(crate) struct Measured {
    /// One for each row.
    pub(crate) values: Vec<f64>,
    /// What was found or made. It must be the same for all.
    pub(crate) result: String,
}

impl Who {
    pub(crate) fn takes(self, contestant: &Contestant) -> bool {
        let native = matches!(contestant.kind, Kind::Native);
        match self {
            Self::All => true,
            Self::Writable => contestant.is_writable(),
            Self::ProjfsAndNative => native || contestant.is_projfs(),
            Self::Projfs => contestant.is_projfs(),
        }
    }
}

/// All, in the order in which they are run. For half a minute after a mass removal ext4 is slow to make files, so what
/// removes many comes last.
pub(crate) fn all() -> impl Iterator<Item = &'static Workload> {
    let groups: [&'static [Workload]; 9] = [
        walk::ALL,
        git::READING,
        large_file::ALL,
        small_files::MAKING,
        build::ALL,
        fresh::ALL,
        generated::ALL,
        git::CHANGING,
        small_files::REMOVING,
    ];
    groups.into_iter().flatten()
}

const fn seconds(goal: Goal) -> Row {
    Row { name: "", unit: Unit::Seconds, goal }
}

fn nothing(_: &Place, _: u32) -> Result<()> {
    Ok(())
}

fn took(seconds: f64, result: String) -> Measured {
    Measured { values: vec![seconds], result }
}

/// What the kernel keeps in memory and drops.
#[derive(Clone, Copy)]
enum Caches {
    /// Names and attributes, and with the inodes the content.
    Names,
    /// Everything.
    All,
}

/// Drops what is kept of all file systems, once what was written below `dir` is on disk.
fn drop_caches(dir: &Path, caches: Caches) -> Result<()> {
    syncfs(fs::File::open(dir)?)?;
    let what = match caches {
        Caches::Names => "2",
        Caches::All => "3",
    };
    Ok(fs::write("/proc/sys/vm/drop_caches", what)?)
}

fn drop_names(place: &Place, _: u32) -> Result<()> {
    drop_caches(&place.inputs.work, Caches::Names)
}

fn drop_all(place: &Place, _: u32) -> Result<()> {
    drop_caches(&place.inputs.work, Caches::All)
}

/// Where files are made in the tree.
fn scratch(place: &Place, name: &str) -> Result<std::path::PathBuf> {
    let dir = place.dir().join("bench-scratch");
    fs::create_dir_all(&dir)?;
    Ok(dir.join(name))
}

#[cfg(test)]
mod tests;
