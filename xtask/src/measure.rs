//! Measures a mount against a directory of the file system below it: the same work in both, in turn.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use crate::process;

/// How large the file is that is read and written, in MiB.
const FILE_SIZE: u64 = 256;

/// One piece of work: its name, and the seconds that it takes in a directory.
type Work = (&'static str, fn(&Path) -> Result<f64>);

const WORK: [Work; 8] = [
    ("sequential read, 128 KiB", |dir| fio(dir, "read", "128k", "psync", FILE_SIZE * 4)),
    ("random read, 4 KiB", |dir| fio(dir, "randread", "4k", "psync", 100)),
    ("mapped random read, 4 KiB", |dir| fio(dir, "randread", "4k", "mmap", 100)),
    ("sequential write, 4 KiB", |dir| fio(dir, "write", "4k", "psync", FILE_SIZE)),
    ("random write, 4 KiB", |dir| fio(dir, "randwrite", "4k", "psync", 100)),
    ("mapped random write, 4 KiB", |dir| fio(dir, "randwrite", "4k", "mmap", 100)),
    ("open, read and close 2,000 small files", open_read_close),
    ("find with attributes", find),
];

const SMALL_FILES: usize = 2000;

/// Does each piece of work in `mounted` and in `native`, `repeats` times in turn, and prints the ratios of the
/// medians and of the minima.
pub(crate) fn run(mounted: &Path, native: &Path, repeats: usize) -> Result<()> {
    for dir in [mounted, native] {
        prepare(&room(dir)).with_context(|| format!("cannot prepare {}", dir.display()))?;
    }
    println!("{:40} {:>10} {:>10} {:>8} {:>8}", "", "mounted s", "native s", "medians", "minima");
    for (name, work) in WORK {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..repeats.max(1) {
            for (dir, times) in [mounted, native].iter().zip(&mut times) {
                times.push(work(&room(dir))?);
            }
        }
        let [mounted, native] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            (times[times.len() / 2], times[0])
        });
        println!(
            "{name:40} {:10.4} {:10.4} {:8.2} {:8.2}",
            mounted.0,
            native.0,
            mounted.0 / native.0,
            mounted.1 / native.1
        );
    }
    for dir in [mounted, native] {
        std::fs::remove_dir_all(room(dir))?;
    }
    Ok(())
}

fn room(dir: &Path) -> std::path::PathBuf {
    dir.join("projfs-measure")
}

fn prepare(room: &Path) -> Result<()> {
    std::fs::create_dir_all(room.join("small"))?;
    let block = vec![0x5a; 1 << 20];
    let mut file = std::fs::File::create(room.join("file"))?;
    for _ in 0..FILE_SIZE {
        std::io::Write::write_all(&mut file, &block)?;
    }
    file.sync_all()?;
    for number in 0..SMALL_FILES {
        std::fs::write(small(room, number), &block[..8192])?;
    }
    // What is measured is the way to the page cache, not what fills it.
    std::fs::read(room.join("file"))?;
    Ok(())
}

fn small(room: &Path, number: usize) -> std::path::PathBuf {
    room.join("small").join(format!("{number:06}"))
}

fn open_read_close(room: &Path) -> Result<f64> {
    let begin = Instant::now();
    for number in 0..SMALL_FILES {
        std::fs::read(small(room, number))?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

fn find(room: &Path) -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..20 {
        process::output(Command::new("find").arg(room).args(["-printf", "%s %m %t\n"]))?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// The seconds that `fio` takes to move `mebibytes`, without what it does before and after.
fn fio(room: &Path, kind: &str, block: &str, engine: &str, mebibytes: u64) -> Result<f64> {
    let arguments = [
        "--name=measure".to_owned(),
        format!("--filename={}", room.join("file").display()),
        format!("--size={FILE_SIZE}M"),
        format!("--io_size={mebibytes}M"),
        format!("--rw={kind}"),
        format!("--bs={block}"),
        format!("--ioengine={engine}"),
        // Its default drops the cache of the one file system, and not that of the other below it.
        "--invalidate=0".to_owned(),
        "--fallocate=none".to_owned(),
        "--overwrite=1".to_owned(),
        "--output-format=json".to_owned(),
    ];
    let text = process::output(Command::new("fio").args(arguments))?;
    let report: Value = serde_json::from_str(&text).context("fio does not report in JSON")?;
    let job = &report["jobs"][0];
    let side = if kind.ends_with("read") { "read" } else { "write" };
    match (job[side]["io_bytes"].as_f64(), job[side]["bw_bytes"].as_f64()) {
        (Some(bytes), Some(rate)) if rate > 0.0 => Ok(bytes / rate),
        _ => bail!("fio reports no rate"),
    }
}
