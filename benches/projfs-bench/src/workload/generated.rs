//! Trees of a million files and more, which nobody has on disk.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use anyhow::Result;
use anyhow::bail;

use super::Goal;
use super::Measured;
use super::Row;
use super::Unit;
use super::Who;
use super::Workload;
use super::seconds;
use super::took;
use super::walk;
use crate::place::Place;
use crate::place::Source;
use crate::place::orders;

/// Files in each directory of a tree that is switched.
const EACH: u32 = 100;

const PER_ITEM: Row = Row { name: "-memory", unit: Unit::Bytes, goal: Goal::AtMost(150.0) };

pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "million",
        what: "find with attributes in a tree of a million files, of which nothing is known; memory of the daemon for each",
        who: Who::Projfs,
        rows: &[seconds(Goal::AtMost(6.0)), PER_ITEM],
        prepare: |place, run| mount(place, &format!("million-{run}"), place.inputs.scale.large),
        run: |place, run| find(place, &format!("million-{run}"), place.inputs.scale.large),
        finish: |place, run| place.unmount(&place.beside(&format!("million-{run}"))),
    },
    Workload {
        name: "ten-million",
        what: "the same with ten million",
        who: Who::Projfs,
        rows: &[seconds(Goal::AtMost(80.0)), PER_ITEM],
        prepare: |place, run| mount(place, &format!("ten-million-{run}"), place.inputs.scale.larger),
        run: |place, run| find(place, &format!("ten-million-{run}"), place.inputs.scale.larger),
        finish: |place, run| place.unmount(&place.beside(&format!("ten-million-{run}"))),
    },
    Workload {
        name: "switch",
        what: "switch of a tree of 100,000 files that were looked at, some of them hydrated",
        who: Who::Projfs,
        rows: &[seconds(Goal::Unset)],
        prepare: |place, run| {
            mount(place, &format!("switch-{run}"), switched(place))?;
            let dir = place.beside(&format!("switch-{run}"));
            for directory in 0..switched(place).0 {
                fs::read(dir.join(format!("{directory:08}/{:08}", 0)))?;
            }
            walk::with_attributes(&dir).map(drop)
        },
        run: |place, run| {
            let dir = place.beside(&format!("switch-{run}"));
            let mut order = UnixStream::connect(orders(&dir))?;
            let begin = Instant::now();
            writeln!(order, "switch 1")?;
            let mut answer = String::new();
            BufReader::new(order).read_line(&mut answer)?;
            let seconds = begin.elapsed().as_secs_f64();
            if answer != "done\n" {
                bail!("the tree is not switched");
            }
            Ok(took(seconds, fs::read_to_string(dir.join("00000000/00000000"))?))
        },
        finish: |place, run| place.unmount(&place.beside(&format!("switch-{run}"))),
    },
];

fn switched(place: &Place) -> (u32, u32) {
    (u32::try_from(place.inputs.scale.wide).unwrap_or(u32::MAX) / EACH, EACH)
}

fn mount(place: &Place, name: &str, (directories, files): (u32, u32)) -> Result<()> {
    place.mount(&Source::Generated(directories, files), &place.beside(name))
}

fn find(place: &Place, name: &str, (directories, files): (u32, u32)) -> Result<Measured> {
    let dir = place.beside(name);
    let before = place.memory(&dir)?;
    let seconds = walk::with_attributes(&dir)?;
    let items = f64::from(directories) * f64::from(files);
    let grown = place.memory(&dir)?.saturating_sub(before) as f64 / items;
    let last = fs::read_dir(dir.join(format!("{:08}", directories - 1)))?.count();
    let result = format!("{} directories, {last} files in the last", fs::read_dir(&dir)?.count());
    Ok(Measured { values: vec![seconds, grown], result })
}
