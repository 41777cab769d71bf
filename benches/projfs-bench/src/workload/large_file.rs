//! One large file, read and written by fio.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use serde_json::Value;

use super::Goal;
use super::Measured;
use super::Who;
use super::Workload;
use super::drop_all;
use super::nothing;
use super::scratch;
use super::seconds;
use super::took;
use crate::place::Place;
use crate::program;

/// How fio goes about it.
struct Job {
    rw: &'static str,
    block: &'static str,
    engine: &'static str,
}

const SEQUENTIAL: Job = Job { rw: "read", block: "128k", engine: "psync" };
const RANDOM: Job = Job { rw: "randread", block: "4k", engine: "psync" };
const MAPPED: Job = Job { rw: "randread", block: "4k", engine: "mmap" };
const WRITE: Job = Job { rw: "write", block: "4k", engine: "psync" };
const RANDOM_WRITE: Job = Job { rw: "randwrite", block: "4k", engine: "psync" };

const fn warm(
    name: &'static str,
    what: &'static str,
    goal: &'static [super::Row],
    run: fn(&Place, u32) -> Result<Measured>,
) -> Workload {
    Workload { name, what, who: Who::Writable, rows: goal, prepare: read_once, run, finish: nothing }
}

const fn cold(
    name: &'static str,
    what: &'static str,
    goal: &'static [super::Row],
    run: fn(&Place, u32) -> Result<Measured>,
) -> Workload {
    Workload { name, what, who: Who::Writable, rows: goal, prepare: read_and_drop, run, finish: nothing }
}

pub(super) const ALL: &[Workload] = &[
    warm("read-warm", "sequential read of a large file", &[seconds(Goal::Times(1.03))], |place, _| {
        fio(place, &SEQUENTIAL)
    }),
    cold("read-cold", "the same from disk", &[seconds(Goal::Times(1.1))], |place, _| fio(place, &SEQUENTIAL)),
    warm("random-read-warm", "4 KiB reads here and there", &[seconds(Goal::Times(1.2))], |place, _| {
        fio(place, &RANDOM)
    }),
    cold("random-read-cold", "the same from disk", &[seconds(Goal::Unset)], |place, _| fio(place, &RANDOM)),
    warm("mapped-read-warm", "4 KiB reads of a mapping", &[seconds(Goal::Times(1.05))], |place, _| {
        fio(place, &MAPPED)
    }),
    cold("mapped-read-cold", "the same from disk", &[seconds(Goal::Unset)], |place, _| fio(place, &MAPPED)),
    warm("write", "4 KiB writes, one after the other", &[seconds(Goal::Times(1.1))], |place, _| {
        fio(place, &WRITE)
    }),
    warm("random-write", "4 KiB writes here and there", &[seconds(Goal::Times(1.2))], |place, _| {
        fio(place, &RANDOM_WRITE)
    }),
];

/// The file, made if it is not there.
fn file(place: &Place) -> Result<PathBuf> {
    let path = scratch(place, "large")?;
    let length = place.inputs.scale.file << 20;
    if fs::metadata(&path).map_or(0, |found| found.len()) != length {
        let mut file = fs::File::create(&path)?;
        let block = vec![0x5a; 1 << 20];
        for _ in 0..place.inputs.scale.file {
            file.write_all(&block)?;
        }
        file.sync_all()?;
    }
    Ok(path)
}

/// What is measured is the way to the page cache, not what fills it.
fn read_once(place: &Place, _: u32) -> Result<()> {
    let mut file = fs::File::open(file(place)?)?;
    std::io::copy(&mut file, &mut std::io::sink())?;
    Ok(())
}

fn read_and_drop(place: &Place, run: u32) -> Result<()> {
    file(place)?;
    drop_all(place, run)
}

fn fio(place: &Place, job: &Job) -> Result<Measured> {
    let scale = place.inputs.scale;
    let amount = if job.rw.starts_with("rand") { scale.random } else { scale.file };
    let arguments = [
        "--name=bench".to_owned(),
        format!("--filename={}", file(place)?.display()),
        format!("--size={}M", scale.file),
        format!("--io_size={amount}M"),
        format!("--rw={}", job.rw),
        format!("--bs={}", job.block),
        format!("--ioengine={}", job.engine),
        // Its default drops the cache of the one file system, and not that of the other below it.
        "--invalidate=0".to_owned(),
        "--fallocate=none".to_owned(),
        "--overwrite=1".to_owned(),
        "--randseed=1".to_owned(),
        "--output-format=json".to_owned(),
    ];
    let text = program::output(Command::new("fio").args(arguments))?;
    let report: Value = serde_json::from_str(&text).context("fio does not report in JSON")?;
    let side = &report["jobs"][0][if job.rw.ends_with("read") { "read" } else { "write" }];
    let bytes = side["io_bytes"].as_f64().unwrap_or_default();
    let rate = side["bw_bytes"].as_f64().filter(|rate| *rate > 0.0).context("fio reports no rate")?;
    Ok(took(bytes / rate, format!("{bytes} bytes")))
}
