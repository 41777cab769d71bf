//! Walks through the tree, and reading all of it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::Result;

use super::Goal;
use super::Measured;
use super::Who;
use super::Workload;
use super::drop_all;
use super::drop_names;
use super::nothing;
use super::seconds;
use super::took;
use crate::digest;
use crate::place::Place;
use crate::program;

pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "walk-warm",
        what: "find with attributes, everything in the kernel's caches",
        who: Who::All,
        rows: &[seconds(Goal::Times(1.05))],
        // The second walk still asks for the attributes of directories.
        prepare: |place, _| (0..2).try_for_each(|_| with_attributes(place.dir()).map(drop)),
        run: |place, _| walk(place),
        finish: nothing,
    },
    Workload {
        name: "names-warm",
        what: "find by name alone, likewise",
        who: Who::All,
        rows: &[seconds(Goal::Times(1.0))],
        prepare: |place, _| (0..2).try_for_each(|_| names(place.dir()).map(drop)),
        run: |place, _| Ok(took(names(place.dir())?, String::new())),
        finish: nothing,
    },
    Workload {
        name: "walk-dentries",
        what: "find with attributes after names and attributes were dropped",
        who: Who::All,
        rows: &[seconds(Goal::Unset)],
        prepare: drop_names,
        run: |place, _| walk(place),
        finish: nothing,
    },
    Workload {
        name: "walk-cold",
        what: "the same after everything was dropped",
        who: Who::All,
        rows: &[seconds(Goal::Unset)],
        prepare: drop_all,
        run: |place, _| walk(place),
        finish: nothing,
    },
    Workload {
        name: "small-1",
        what: "open, read and close every file, one thread, warm",
        who: Who::All,
        rows: &[seconds(Goal::Times(3.0))],
        prepare: |place, _| read_all(place.dir(), &place.inputs.files, 1).map(drop),
        run: |place, _| read_all(place.dir(), &place.inputs.files, 1),
        finish: nothing,
    },
    Workload {
        name: "small-2",
        what: "the same with two threads",
        who: Who::All,
        rows: &[seconds(Goal::Times(3.0))],
        prepare: |place, _| read_all(place.dir(), &place.inputs.files, 2).map(drop),
        run: |place, _| read_all(place.dir(), &place.inputs.files, 2),
        finish: nothing,
    },
    Workload {
        name: "small-cold",
        what: "the same with one thread, after everything was dropped",
        who: Who::All,
        rows: &[seconds(Goal::Unset)],
        prepare: drop_all,
        run: |place, _| read_all(place.dir(), &place.inputs.files, 1),
        finish: nothing,
    },
    Workload {
        name: "rg",
        what: "rg -j2 over the tree, warm",
        who: Who::All,
        rows: &[seconds(Goal::Times(2.0))],
        prepare: |place, _| search(place).map(drop),
        run: |place, _| search(place),
        finish: nothing,
    },
];

/// The seconds of a walk with attributes.
pub(super) fn with_attributes(dir: &Path) -> Result<f64> {
    program::timed(Command::new("find").arg(dir).args(["-printf", "%s %m %t\n"]))
}

fn names(dir: &Path) -> Result<f64> {
    program::timed(Command::new("find").arg(dir).args(["-name", "zzz"]))
}

fn walk(place: &Place) -> Result<Measured> {
    Ok(took(with_attributes(place.dir())?, digest::names(place.dir())?))
}

/// Opens each file, reads it to its end and closes it; each thread every so-many-th one.
pub(super) fn read_all(dir: &Path, files: &[String], threads: usize) -> Result<Measured> {
    let begin = Instant::now();
    let read = thread::scope(|scope| {
        let readers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || -> Result<usize> {
                    let mut buffer = vec![0; 1 << 20];
                    let mut read = 0;
                    for file in files.iter().skip(first).step_by(threads) {
                        let mut file = fs::File::open(dir.join(file))?;
                        loop {
                            match file.read(&mut buffer)? {
                                0 => break,
                                length => read += length,
                            }
                        }
                    }
                    Ok(read)
                })
            })
            .collect();
        readers.into_iter().try_fold(0, |sum, reader| {
            let read = reader.join().unwrap_or_else(|_| anyhow::bail!("a reader has panicked"));
            Ok::<_, anyhow::Error>(sum + read?)
        })
    })?;
    Ok(took(begin.elapsed().as_secs_f64(), format!("{} files, {read} bytes", files.len())))
}

fn search(place: &Place) -> Result<Measured> {
    let mut rg = Command::new("rg");
    rg.args(["-j2", "-c", "--no-ignore", "-uu", "--no-config", "stdio", "."]).current_dir(place.dir());
    let begin = Instant::now();
    let found = program::output(&mut rg)?;
    Ok(took(begin.elapsed().as_secs_f64(), digest::lines(&found)))
}
